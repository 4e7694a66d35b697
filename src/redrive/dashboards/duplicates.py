"""What the page of duplicates shows: how often idempotent calls came again, of which tasks, from where, when."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from redrive.api.schedules import Schedule, read_schedule
from redrive.dashboards import forms
from redrive.dashboards.charts import Chart, duplicate_chart
from redrive.metrics import Checks, label_of, sum_by, total
from redrive.schedules import Suspicion, suspect
from redrive.stores.sql import duplicates, pages

logger = logging.getLogger(__name__)

TOP = 20
"""Rows of each table."""
NAMED = 3
"""Tasks that are named beside a sum."""
CLAIM_WORDS = {
    # labels of the counters of kind "claim"
    "lost": _("claims lost while the task ran"),
    "without": _("runs without a claim, its store was away"),
    "not_kept": _("results not kept"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateFilter:
    """What the page is narrowed to; empty text means any."""

    timeframe: str
    length: timedelta
    scope: str = ""
    endpoint: str = ""

    @property
    def is_set(self) -> bool:
        return bool(self.scope or self.endpoint)

    def fits(self, row: Checks) -> bool:
        """Whether a row is shown."""
        return self.scope in ("", row.scope) and self.endpoint in ("", row.endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePage:
    """The page ``idempotency_analysis``."""

    timeframes: tuple[forms.Choice, ...]
    scopes: tuple[forms.Choice, ...]
    endpoints: tuple[forms.Choice, ...]
    filter: DuplicateFilter
    total: Checks
    suspicion: Suspicion | None
    tasks: tuple[Checks, ...]
    by_scope: tuple[Checks, ...]
    by_endpoint: tuple[Checks, ...]
    charts: tuple[Chart, ...]
    claims: tuple[tuple[object, int, str], ...]
    """What happened to claims, how often, and to which tasks, the worst first."""


def read_duplicate_filter(data: QueryDict) -> DuplicateFilter:
    """The filter of an address: ``timeframe``, ``scope``, ``endpoint``."""
    timeframe, length = forms.read_timeframe(data)
    return DuplicateFilter(
        timeframe=timeframe,
        length=length,
        scope=data.get("scope", "").strip()[:20],
        endpoint=data.get("endpoint", "").strip()[:100],
    )


def suspicion_of(rows: Sequence[Checks], now: datetime) -> Suspicion | None:
    """The schedule that is suspected, if the hit rate is amber or red: a task with a high one may be hidden among many
    calls of others. Without a readable schedule, what the counts say."""
    if total(rows).tone not in ("warn", "bad"):
        return None
    schedule = Schedule()
    try:
        schedule = read_schedule()
    except Exception:
        # A page of ours does not break because a module of the project cannot be imported here.
        logger.exception("redrive: the schedule could not be read")
    return suspect(rows, schedule.entries, schedule.tasks, now)


def read_duplicate_page(now: datetime, wanted: DuplicateFilter) -> DuplicatePage:
    """Read everything the page of duplicates shows. Counts belong to whole hours, so the first one is shown whole."""
    since = (now - wanted.length).replace(minute=0, second=0, microsecond=0)
    daily = wanted.length > timedelta(days=3)
    every = duplicates.checks(since)
    rows = [row for row in every if wanted.fits(row)]
    labels = {label_of(row.scope, row.endpoint) for row in rows} if wanted.is_set else None
    over_time = duplicates.checks_over_time(since, labels, daily=daily)
    return DuplicatePage(
        timeframes=forms.timeframe_choices(wanted.timeframe),
        scopes=forms.choices(sorted({row.scope for row in every}), wanted.scope),
        endpoints=forms.choices(sorted({row.endpoint for row in every}), wanted.endpoint),
        filter=wanted,
        total=total(rows),
        suspicion=suspicion_of(rows, now),
        tasks=tuple(row for row in sum_by(rows, "task_name") if row.hits)[:TOP],
        by_scope=sum_by(rows, "scope"),
        by_endpoint=sum_by(rows, "endpoint")[:TOP],
        charts=(duplicate_chart(over_time, since, now, daily=daily),),
        claims=_claims(since),
    )


def _claims(since: datetime) -> tuple[tuple[object, int, str], ...]:
    found: dict[str, Counter[str]] = {label: Counter() for label in CLAIM_WORDS}
    for stat in pages.stats_by_task("claim", since):
        if stat.label in found:
            found[stat.label][stat.task_name] += stat.count
    return tuple(
        (CLAIM_WORDS[label], tasks.total(), ", ".join(name for name, _ in tasks.most_common(NAMED)))
        for label, tasks in found.items()
        if tasks.total()
    )
