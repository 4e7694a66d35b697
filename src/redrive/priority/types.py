"""Levels of priority and what the service answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class TaskPriority(Enum):
    """How much a task matters; the value is its score. A plain Enum: it prints as ``TaskPriority.HIGH``."""

    CRITICAL = 10
    """Safety, security, system integrity."""

    HIGH = 8
    """User-facing, time-sensitive."""

    MEDIUM = 6
    """Reports, analytics."""

    LOW = 4
    """Maintenance, cleanup."""

    DEFERRED = 2
    """Can wait for off-peak hours."""

    @property
    def queue(self) -> str:
        """The queue that tasks of this level go to."""
        return _QUEUES[self]


_QUEUES: Mapping[TaskPriority, str] = {
    TaskPriority.CRITICAL: "critical",
    TaskPriority.HIGH: "high_priority",
    TaskPriority.MEDIUM: "reports",
    TaskPriority.LOW: "maintenance",
    TaskPriority.DEFERRED: "maintenance",
}


@dataclass(frozen=True, slots=True)
class PriorityAdjustment:
    """One reason for a higher score than the base level's."""

    factor: str
    """"sla", "age", "retries", "failure_type" or "safety"."""

    label: str
    """As in the rationale: "Aged 2.0h"."""

    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityResult:
    """How much one task matters now, and why."""

    priority: TaskPriority
    score: float
    """Value of the base level plus all points; may exceed 10."""

    queue: str
    rationale: str
    """One line: ``Base: HIGH | SLA breach (+1.0) | Aged 2.0h (+0.5) → ESCALATED to CRITICAL``."""

    adjustments: tuple[PriorityAdjustment, ...]
    escalated: bool
    """Whether the level is above the base level."""

    base: TaskPriority
    """The level before any adjustment."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form."""
        return {
            "priority": self.priority.name,
            "score": self.score,
            "queue": self.queue,
            "rationale": self.rationale,
            "adjustments": [
                {"factor": one.factor, "label": one.label, "points": one.points} for one in self.adjustments
            ],
            "escalated": self.escalated,
            "base": self.base.name,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueRequest:
    """A task to publish again."""

    task_id: str
    task_name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    priority: TaskPriority
    queue: str
    rationale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueResult:
    """Where a requeued task went, and under which id."""

    task_id: str
    """Id it was published under: its own, or a new one where the old id has a final result already."""

    original_task_id: str
    task_name: str
    priority: TaskPriority
    queue: str
    rationale: str
