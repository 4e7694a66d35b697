"""What could have been and what was spared, from what has been recorded.

First: what declaring tasks retry-safe would have recovered.

A failure counts if its type would have been retried and only the missing declaration kept it from that. What would have
become of it is not known but in two cases: somebody sent the very same message again, and it succeeded (that is proof
that a retry could have helped, though not that one within minutes would have) or it failed again. What nobody has sent
again is counted apart and never as recovered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q, Sum

from redrive.conf import get_settings
from redrive.models import Stat, TaskFailureRecord
from redrive.retry.decide import MANUAL_RETRY

UNDECLARED_SPAN = timedelta(days=30)
"""How far back pages and commands look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndeclaredFigure:
    """The failures of one task that would have run again by themselves, had it been declared retry-safe."""

    task_name: str
    count: int
    recovered: int
    """Sent again by a person, unchanged, and succeeded."""
    failed_again: int
    """Sent again by a person, and failed."""
    untried: int
    """Not sent again: nobody knows."""
    last_failed_at: datetime | None


def undeclared_tasks(since: datetime, limit: int = 10) -> tuple[UndeclaredFigure, ...]:
    """The tasks with the most such failures that first failed since then."""
    over = Q(attempt__gt=1) & ~Q(status__in=("RESOLVED", "RETRYING"))
    rows = (
        TaskFailureRecord.objects.filter(
            first_failed_at__gte=since,
            attempts__attempt=1,
            attempts__decision__explain__remediation=MANUAL_RETRY,
        )
        .order_by()
        .values("task_name")
        .annotate(
            n=Count("id", distinct=True),
            recovered=Count("id", filter=Q(status="RESOLVED"), distinct=True),
            failed=Count("id", filter=over, distinct=True),
            last=Max("last_failed_at"),
        )
        .order_by("-n", "task_name")[:limit]
    )
    return tuple(
        UndeclaredFigure(
            task_name=row["task_name"],
            count=row["n"],
            recovered=row["recovered"],
            failed_again=row["failed"],
            untried=row["n"] - row["recovered"] - row["failed"],
            last_failed_at=row["last"],
        )
        for row in rows
    )


def total(rows: Sequence[UndeclaredFigure]) -> UndeclaredFigure:
    """All of them together, without a name."""
    return UndeclaredFigure(
        task_name="",
        count=sum(row.count for row in rows),
        recovered=sum(row.recovered for row in rows),
        failed_again=sum(row.failed_again for row in rows),
        untried=sum(row.untried for row in rows),
        last_failed_at=max((row.last_failed_at for row in rows if row.last_failed_at), default=None),
    )


def in_words(rows: Sequence[UndeclaredFigure]) -> str:
    """One sentence over all of them."""
    every = total(rows)
    names = ", ".join(row.task_name for row in rows[:3]) + (", ..." if len(rows) > 3 else "")
    return (
        f"declaring {names} retry-safe would have recovered {every.recovered:,} of {every.count:,}: those were sent"
        f" again unchanged and succeeded; {every.failed_again:,} failed again, {every.untried:,} nobody has tried."
    )


def holds_by_task(since: datetime) -> dict[str, int]:
    """Times that a gate held calls of tasks that first failed since then, by task."""
    found = TaskFailureRecord.objects.filter(first_failed_at__gte=since, holds__gt=0).order_by()
    return {row["task_name"]: row["n"] for row in found.values("task_name").annotate(n=Sum("holds"))}


def moved_by_task(since: datetime) -> dict[str, int]:
    """Retries that waited for off-peak hours, of tasks that first failed since then, by task."""
    found = TaskFailureRecord.objects.filter(
        first_failed_at__gte=since, attempts__decision__explain__off_peak=True
    ).order_by()
    return {row["task_name"]: row["n"] for row in found.values("task_name").annotate(n=Count("attempts"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Failures of one type and downstream: how many in which minute, among how many runs of the same tasks."""

    failure_type: str
    downstream: str
    failures: int
    runs: int
    seconds_per_run: float
    by_minute: dict[int, int]
    """Minutes since the beginning -> failures."""


def recorded_failures(since: datetime, limit: int = 5) -> tuple[Recorded, ...]:
    """First failures since then that are retried at all, by type and downstream, the most frequent first."""
    groups: dict[tuple[str, str], tuple[dict[int, int], set[str]]] = {}
    rows = TaskFailureRecord.objects.filter(first_failed_at__gte=since, max_retries__gt=0).order_by()
    for kind, downstream, task, at in rows.values_list(
        "failure_type", "downstream", "task_name", "first_failed_at"
    )[:100_000]:
        minutes, tasks = groups.setdefault((kind, downstream), ({}, set()))
        minute = int((at - since).total_seconds() // 60) if at is not None else 0
        minutes[minute] = minutes.get(minute, 0) + 1
        tasks.add(task)
    stats = Stat.objects.using(get_settings().database).filter(kind="execution", hour__gte=since).order_by()
    found = []
    for (kind, downstream), (minutes, tasks) in groups.items():
        sums = stats.filter(task_name__in=tasks).aggregate(n=Sum("count"), s=Sum("seconds"))
        runs, seconds = sums["n"] or 0, sums["s"] or 0.0
        found.append(
            Recorded(
                failure_type=kind,
                downstream=downstream,
                failures=sum(minutes.values()),
                runs=runs,
                seconds_per_run=max(0.01, seconds / runs) if runs else 0.5,
                by_minute=minutes,
            )
        )
    return tuple(sorted(found, key=lambda one: -one.failures)[:limit])
