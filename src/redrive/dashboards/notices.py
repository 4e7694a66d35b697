"""What needs an operator's attention, from figures alone. The thresholds are the documented alert conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from redrive.api.breakers import Breakers
from redrive.gate import BreakerState
from redrive.metrics.duplicates import HIGH_RATE, WARNING_RATE
from redrive.stores.sql.pages import Capped
from redrive.templatetags.redrive import page_url, percent

DEPTH_WARNING, DEPTH_CRITICAL = 20, 50
"""Dead letters above which the overview warns, and above which it is urgent."""
SUCCESS_RATE_WARNING = 0.90
"""Share of executions below which too few succeed."""


MODE_WORDS = {
    "observe": gettext_lazy("Mode is observe: failures are recorded, and nothing else is done about them."),
    "off": gettext_lazy("Mode is off: failures are not recorded."),
}
BREAKER_WORDS = {
    BreakerState.CLOSED: gettext_lazy("closed"),
    BreakerState.OPEN: gettext_lazy("open"),
    BreakerState.HALF_OPEN: gettext_lazy("half-open"),
    BreakerState.RAMP: gettext_lazy("ramping up"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something an operator should look at, and where. ``tone`` is ``bad`` or ``warn``."""

    tone: str
    words: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """The figures that are looked at. ``success_rate`` is None without executions; spill counts are lines."""

    dead: Capped
    overdue: Capped
    breakers: Breakers
    success_rate: float | None
    hit_rate: float | None = None
    """Share of idempotent calls that were duplicates; None without any."""
    suspicion: str = ""
    """What makes them, if there are too many."""
    spilled: int
    rejected: int
    spill_directory: Path
    mode: str = "on"
    unsampled: bool = False
    """Whether queues were sampled before, and no longer are."""


def dlq_url(**query: str) -> str:
    """The list of dead letters, filtered."""
    return f"{page_url('dlq_management')}?{urlencode(query)}"


def notices(signs: Signs) -> tuple[Notice, ...]:
    """What needs attention, the worst first."""
    return tuple(sorted(_found(signs), key=lambda notice: notice.tone != "bad"))


def _found(signs: Signs) -> Iterator[Notice]:
    if signs.unsampled:
        words = _(
            "No keeper has looked at the queues for a minute. Is one running? (manage.py redrive status)"
        )
        yield Notice(tone="bad", words=words, url=dlq_url(status="RETRYING"))
    if signs.mode != "on":
        yield Notice(tone="warn", words=str(MODE_WORDS[signs.mode]), url=page_url("retry_policy"))
    if signs.overdue.value:
        words = ngettext(
            "%(n)s task should have been sent again by now. Is a keeper running? (manage.py redrive status)",
            "%(n)s tasks should have been sent again by now. Is a keeper running? (manage.py redrive status)",
            signs.overdue.value,
        )
        yield Notice(tone="bad", words=words % {"n": signs.overdue}, url=dlq_url(status="RETRYING"))
    for row in signs.breakers.unwell:
        words = _("Circuit breaker %(name)s is %(state)s. %(reason)s") % {
            "name": row.downstream,
            "state": BREAKER_WORDS[row.state],
            "reason": row.reason,
        }
        tone = "bad" if row.state is BreakerState.OPEN else "warn"
        yield Notice(tone=tone, words=words.strip(), url=page_url("retry_policy"))
    if signs.dead.value > DEPTH_WARNING:
        words = _("%(n)s dead letters wait for a decision.") % {"n": signs.dead}
        tone = "bad" if signs.dead.value > DEPTH_CRITICAL else "warn"
        yield Notice(tone=tone, words=words, url=dlq_url(status="PENDING"))
    if signs.success_rate is not None and signs.success_rate < SUCCESS_RATE_WARNING:
        words = _("Only %(rate)s of executions succeeded in the last 24 hours.")
        yield Notice(
            tone="warn", words=words % {"rate": percent(signs.success_rate)}, url=page_url("failure_taxonomy")
        )
    if signs.hit_rate is not None and signs.hit_rate > WARNING_RATE:
        words = _("%(rate)s of idempotent calls were duplicates in the last 24 hours. %(why)s")
        words = words % {"rate": percent(signs.hit_rate), "why": signs.suspicion}
        tone = "bad" if signs.hit_rate > HIGH_RATE else "warn"
        yield Notice(tone=tone, words=words.strip(), url=page_url("idempotency_analysis"))
    if signs.spilled:
        words = ngettext(
            "%(n)s line of this machine's spill is not in the tables yet.",
            "%(n)s lines of this machine's spill are not in the tables yet.",
            signs.spilled,
        )
        yield Notice(tone="warn", words=words % {"n": signs.spilled}, url=dlq_url(status="all"))
    if signs.rejected:
        words = ngettext(
            "%(n)s line of the spill could not be stored. Look at rejected.jsonl in %(place)s.",
            "%(n)s lines of the spill could not be stored. Look at rejected.jsonl in %(place)s.",
            signs.rejected,
        )
        values = {"n": signs.rejected, "place": signs.spill_directory}
        yield Notice(tone="bad", words=words % values, url=dlq_url(status="all"))
