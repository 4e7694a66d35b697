"""The tables of the priority service: base levels, promises to customers, points."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from redrive.priority.types import TaskPriority

Patterns: TypeAlias = Sequence[tuple[str, TaskPriority]]
"""(regular expression, level), first match wins. Searched in the last part of the task's dotted name, in
lower case."""

# Order matters: what a task does ("cleanup_...") says more than what it does it to ("..._security_logs"), and
# a report about payments is a report.
DEFAULT_PATTERNS: Final[Patterns] = (
    (
        r"^(cleanup|clean|purge|prune|archive|vacuum|expire|rotate|delete_old|remove_old|maintain)(_|$)",
        TaskPriority.LOW,
    ),
    (r"^(backfill|rebuild|reindex|precompute|recompute|warm|defer)(_|$)", TaskPriority.DEFERRED),
    (
        r"safety|emergency|alarm|panic|evacuat|intrusion|security|breach|fraud|crisis|integrity",
        TaskPriority.CRITICAL,
    ),
    (
        r"report|analytic|statistic|summary|summari[sz]e|dashboard|metric|export|aggregate",
        TaskPriority.MEDIUM,
    ),
    (
        r"payment|pay|charge|refund|invoice|checkout|order|notif|mail|sms|push|message|webhook|user|login|"
        r"password|ticket|dispatch|booking",
        TaskPriority.HIGH,
    ),
    (r"cleanup|maintenance|housekeep|backup|archive|sync|cache|index", TaskPriority.LOW),
)

DEFAULT_LEVEL: Final = TaskPriority.MEDIUM
"""Level of a task whose name says nothing."""

SLA_HOURS: Final[Mapping[str, float]] = {"enterprise": 0.25, "premium": 0.5, "standard": 2.0, "basic": 8.0}
"""Customer tier -> promised time until the task is done, in hours."""

SLA_POINTS: Final = 1.0

AGE_STEPS: Final = ((24.0, 32.0, 2.0), (12.0, 16.0, 1.0), (6.0, 8.0, 0.5))
"""(hours, times the tier's SLA, points), highest first. The step counts from whichever of the two is
sooner."""

MANY_RETRIES: Final = 5
RETRY_POINTS: Final = 1.0
SYSTEM_POINTS: Final = 2.0
SECURITY_POINTS: Final = 1.0

THRESHOLDS: Final = (
    (9.0, TaskPriority.CRITICAL),
    (7.0, TaskPriority.HIGH),
    (5.0, TaskPriority.MEDIUM),
    (3.0, TaskPriority.LOW),
)
"""Lowest score of each level; anything below is DEFERRED."""


def base_level(task_name: str, patterns: Sequence[tuple[re.Pattern[str], TaskPriority]]) -> TaskPriority:
    """Return the level that a task's name stands for."""
    name = task_name.rpartition(".")[2].lower()
    return next((level for pattern, level in patterns if pattern.search(name)), DEFAULT_LEVEL)


def level_of(score: float) -> TaskPriority:
    """Return the level of a score."""
    return next((level for lowest, level in THRESHOLDS if score >= lowest), TaskPriority.DEFERRED)
