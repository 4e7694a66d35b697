"""What waiting has saved: worker time, and money where ``COSTS`` says what an hour costs.

Two things are estimated, each from counts that are stored and durations that were measured:

- calls held back by a gate, each as long as a failed run of the same task took on average. Some would have gone well,
  so this is an upper bound;
- retries that waited for off-peak hours, each as long as a run of the same task took on average. They save the
  difference between the two costs of an hour, nothing where only one is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from redrive.conf import Costs
from redrive.stores.sql import pages
from redrive.stores.sql.hindsight import holds_by_task, moved_by_task
from redrive.stores.sql.pages import StatFigure

FAILURES = frozenset({"failure", "retry"})
"""Labels of runs that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """``cost`` is None where no cost of an hour is set."""

    held: int
    held_seconds: float
    moved: int
    moved_seconds: float
    cost: float | None
    currency: str


def mean_seconds(stats: Iterable[StatFigure], labels: frozenset[str] | None = None) -> dict[str, float]:
    """Mean duration of a task's runs, of those with one of labels if given; tasks without any are left out."""
    sums: dict[str, list[float]] = {}
    for stat in stats:
        if (labels is None or stat.label in labels) and stat.seconds > 0:
            row = sums.setdefault(stat.task_name, [0.0, 0.0])
            row[0] += stat.count
            row[1] += stat.seconds
    return {task: seconds / count for task, (count, seconds) in sums.items() if count}


def estimate(
    held: Mapping[str, int], moved: Mapping[str, int], stats: Iterable[StatFigure], costs: Costs
) -> Savings:
    """The savings from counts by task and measured durations. Pure."""
    stats = tuple(stats)
    failing, running = mean_seconds(stats, FAILURES), mean_seconds(stats)
    held_seconds = sum(count * failing.get(task, 0.0) for task, count in held.items())
    moved_seconds = sum(count * running.get(task, 0.0) for task, count in moved.items())
    cost = None
    if costs.worker_hour > 0:
        cheaper = costs.worker_hour - costs.off_peak_worker_hour if costs.off_peak_worker_hour > 0 else 0.0
        cost = (held_seconds * costs.worker_hour + moved_seconds * max(0.0, cheaper)) / 3600
    return Savings(
        held=sum(held.values()),
        held_seconds=held_seconds,
        moved=sum(moved.values()),
        moved_seconds=moved_seconds,
        cost=cost,
        currency=costs.currency,
    )


def read_savings(since: datetime, costs: Costs) -> Savings:
    """The savings since then."""
    return estimate(
        holds_by_task(since), moved_by_task(since), pages.stats_by_task("execution", since), costs
    )
