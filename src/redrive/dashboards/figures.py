"""What the overview and the failure-type page show, read once per request into frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redrive import runtime
from redrive.api.breakers import Breakers, read_breakers
from redrive.conf import get_mode, get_settings
from redrive.dashboards import forms
from redrive.dashboards.charts import Chart, average_retry_chart, execution_chart, failure_chart, type_chart
from redrive.dashboards.duplicates import suspicion_of
from redrive.dashboards.notices import SUCCESS_RATE_WARNING, Notice, Signs, dlq_url, notices
from redrive.metrics import Checks, total
from redrive.stores.sql import duplicates, judgements, pages
from redrive.stores.sql.judgements import Judgement
from redrive.stores.sql.pages import Capped, EventFigure, LeaseFigure, StatFigure, TaskFigure
from redrive.taxonomy import Agreement, FailureType, overall
from redrive.taxonomy.remediation import REMEDIES

OVERDUE_SECONDS = 30
"""A task this late was not sent again: no keeper runs, or it cannot reach the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executions:
    """Counted attempts of a span of time; ``success_rate`` of those that ended for good, None without any."""

    success: int = 0
    failure: int = 0
    retry: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return self.success + self.failure + self.retry

    @property
    def is_low(self) -> bool:
        """Whether fewer succeed than the overview puts up with."""
        return self.success_rate is not None and self.success_rate < SUCCESS_RATE_WARNING

    @property
    def success_rate(self) -> float | None:
        ended = self.success + self.failure
        return self.success / ended if ended else None

    @property
    def average_seconds(self) -> float | None:
        return self.seconds / self.total if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFigure:
    """A queue's last sampled depth; None if the sample is too old to say anything."""

    name: str
    depth: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusFigure:
    """How many records are in a status, and the list of them."""

    status: str
    count: Capped
    url: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The page ``task_dashboard``."""

    notices: tuple[Notice, ...]
    executions: Executions
    duplicates: Checks
    statuses: tuple[StatusFigure, ...]
    queues: tuple[QueueFigure, ...]
    breakers: Breakers
    tasks: tuple[TaskFigure, ...]
    charts: tuple[Chart, ...]
    spilled: int
    drained: int
    """Failures that came by way of the spill in 24 hours."""
    events: tuple[EventFigure, ...]

    @property
    def depth(self) -> int | None:
        """Messages that wait in all sampled queues; None if none was sampled."""
        known = [queue.depth for queue in self.queues if queue.depth is not None]
        return sum(known) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeAdvice:
    """A failure type: how often, how many retries on average, what to do about it."""

    failure_type: str
    count: int
    share: float
    average_retries: float
    actions: tuple[str, ...]
    advice: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taxonomy:
    """The page ``failure_taxonomy``."""

    timeframes: tuple[forms.Choice, ...]
    total: int
    types: tuple[TypeAdvice, ...]
    tasks: tuple[TaskFigure, ...]
    charts: tuple[Chart, ...]
    agreement: tuple[Agreement, ...]
    agreed: Agreement
    """Every type in one."""
    judgements: tuple[Judgement, ...]

    @property
    def shares(self) -> tuple[Chart, ...]:
        """The charts over types, side by side."""
        return tuple(chart for chart in self.charts if chart.kind != "bars")

    @property
    def trend(self) -> tuple[Chart, ...]:
        """The charts over time, across the page."""
        return tuple(chart for chart in self.charts if chart.kind == "bars")


def sum_executions(stats: Sequence[StatFigure]) -> Executions:
    """Counters of kind ``execution`` in one figure; labels other than the three are not executions."""
    sums: dict[str, Any] = {"seconds": 0.0}
    for stat in stats:
        if stat.label in ("success", "failure", "retry"):
            sums[stat.label] = sums.get(stat.label, 0) + stat.count
            sums["seconds"] += stat.seconds
    return Executions(**sums)


def status_figures(current: str | None = None) -> tuple[StatusFigure, ...]:
    """Counts by status with their lists."""
    return tuple(
        StatusFigure(status=status, count=count, url=dlq_url(status=status), current=status == current)
        for status, count in pages.count_by_status().items()
    )


def _depth(sample: LeaseFigure, now: datetime) -> int | None:
    depth = sample.data.get("depth")
    fresh = sample.expires_at is None or sample.expires_at > now
    return depth if fresh and isinstance(depth, int) else None


def read_overview(now: datetime) -> Overview:
    """Read everything the overview shows."""
    since = now - timedelta(hours=24)
    stats = pages.stats_by_hour("execution", since)
    executions = sum_executions(stats)
    statuses = status_figures()
    breakers = read_breakers()
    spill = runtime.spill().state()
    queues = tuple(QueueFigure(name=q.key, depth=_depth(q, now)) for q in pages.leases("queue"))
    calls = duplicates.checks(since)
    suspicion = suspicion_of(calls, now)
    signs = Signs(
        dead=next(figure.count for figure in statuses if figure.status == "PENDING"),
        overdue=pages.count_due(now - timedelta(seconds=OVERDUE_SECONDS)),
        breakers=breakers,
        success_rate=executions.success_rate,
        hit_rate=total(calls).hit_rate,
        suspicion=suspicion.words if suspicion else "",
        spilled=spill.waiting_lines,
        rejected=spill.rejected_lines,
        spill_directory=get_settings().spill.directory,
        mode=get_mode(),
        unsampled=bool(queues) and all(queue.depth is None for queue in queues),
    )
    return Overview(
        notices=notices(signs),
        executions=executions,
        duplicates=total(calls),
        statuses=statuses,
        queues=queues,
        breakers=breakers,
        tasks=pages.top_failing(since),
        charts=(
            failure_chart(pages.failure_trend(since, now), since, now),
            execution_chart(stats, since, now),
        ),
        spilled=spill.waiting_lines,
        drained=pages.count_drained(since),
        events=pages.recent_events(10),
    )


def _advice(failure_type: str) -> tuple[tuple[str, ...], str]:
    try:
        remedy = REMEDIES[FailureType(failure_type)]
    except ValueError:  # written by a newer version
        return (), ""
    return tuple(action.value for action in remedy.actions), remedy.sentence.replace(" ({what})", "")


def read_taxonomy(now: datetime, timeframe: str, length: timedelta) -> Taxonomy:
    """Read everything the failure-type page shows for the last ``length``."""
    since = now - length
    figures = pages.type_figures(since)
    total = sum(figure.count for figure in figures)
    rows = []
    for figure in figures:
        actions, advice = _advice(figure.failure_type)
        rows.append(
            TypeAdvice(
                failure_type=figure.failure_type,
                count=figure.count,
                share=figure.count / total,
                average_retries=figure.average_retries,
                actions=actions,
                advice=advice,
                url=dlq_url(status="all", failure_type=figure.failure_type),
            )
        )
    daily = length > timedelta(days=3)
    agreement = judgements.agreement()
    return Taxonomy(
        agreement=agreement,
        agreed=overall(agreement),
        judgements=judgements.judgements(),
        timeframes=forms.timeframe_choices(timeframe),
        total=total,
        types=tuple(rows),
        tasks=pages.top_failing(since),
        charts=(
            type_chart(figures),
            average_retry_chart(figures),
            failure_chart(pages.failure_trend(since, now, daily=daily), since, now, daily=daily),
        ),
    )
