"""The priority service: how much a task matters now, and sending one back to work accordingly."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from redrive.priority import rules
from redrive.priority.aging import aging, sla_breach
from redrive.priority.types import (
    PriorityAdjustment,
    PriorityResult,
    RequeueRequest,
    RequeueResult,
    TaskPriority,
)
from redrive.taxonomy import FailureCategory, FailureType


class Requeuer(Protocol):
    """Publishes a task. Implemented where Celery is known."""

    def requeue(self, request: RequeueRequest) -> str:
        """Publish the task and return the id it went out under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityRules:
    """The tables one service, or one tenant, goes by."""

    patterns: rules.Patterns = ()
    """Tried before the default ones."""

    sla_hours: Mapping[str, float] = field(default_factory=dict)
    """Tiers that differ from the default, in hours."""


class PriorityService:
    """Levels from a task's name and what is known about this call. Pure but for `requeue_task`. Thread-safe.

    Args:
        own: patterns and tiers that go before the default ones.
        tenants: business unit -> rules that go before both.
        requeuer: publishes for `requeue_task`.
        queues: level's name -> the project's queue, where that differs from the level's own.
    """

    def __init__(
        self,
        own: PriorityRules | None = None,
        *,
        tenants: Mapping[str, PriorityRules] | None = None,
        requeuer: Requeuer | None = None,
        queues: Mapping[str, str] | None = None,
    ) -> None:
        own = own or PriorityRules()
        self._default = _Tables(own)
        self._tenants = {name: _Tables(tenant, own) for name, tenant in (tenants or {}).items()}
        self._requeuer = requeuer
        self._queues = dict(queues or {})

    def calculate_priority(self, task_name: str, context: Mapping[str, Any] | None = None) -> PriorityResult:
        """Return the priority of a task, its queue, and one line that says why.

        Everything in ``context`` is optional, and what makes no sense is ignored: ``customer_tier``
        (enterprise, premium, standard, basic), ``age_hours``, ``retry_count``, ``failure_type`` (a
        `FailureType` or its name; "SECURITY" counts as a security failure), ``is_safety_critical``,
        ``priority`` (base level declared by the task), ``business_unit``.
        """
        context = context or {}
        tables = self._tenants.get(str(context.get("business_unit")), self._default)
        base = _level(context.get("priority")) or rules.base_level(task_name, tables.patterns)
        sla_hours = tables.sla_hours.get(str(context.get("customer_tier")).lower())
        age_hours = _number(context.get("age_hours"))
        found = (
            sla_breach(age_hours, sla_hours),
            aging(age_hours, sla_hours),
            _retries(_number(context.get("retry_count"))),
            _failure(context.get("failure_type")),
        )
        adjustments = tuple(one for one in found if one is not None)
        score = base.value + sum(one.points for one in adjustments)
        level = rules.level_of(score)
        if context.get("is_safety_critical") is True:
            level, score = TaskPriority.CRITICAL, max(score, float(TaskPriority.CRITICAL.value))
            adjustments = (*adjustments, PriorityAdjustment("safety", "Safety critical", 0.0))
        escalated = level.value > base.value
        return PriorityResult(
            priority=level,
            score=float(score),
            queue=self._queue(level),
            rationale=_rationale(base, adjustments, level if escalated else None),
            adjustments=adjustments,
            escalated=escalated,
            base=base,
        )

    def requeue_task(
        self,
        task_id: str,
        task_name: str,
        task_args: Sequence[Any] = (),
        task_kwargs: Mapping[str, Any] | None = None,
        priority: TaskPriority | int | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> RequeueResult:
        """Send a task back to work; without ``priority`` at the one `calculate_priority` gives it.

        Both styles work: ``requeue_task(id, name, args, kwargs, priority=TaskPriority.HIGH)`` and
        ``requeue_task(task_id=..., task_name=..., task_args=..., context={...})``.

        Raises:
            ValueError: ``priority`` is no level.
            RuntimeError: this service was built without a `Requeuer`.
        """
        if self._requeuer is None:
            raise RuntimeError("This PriorityService was built without a requeuer, so it can only calculate.")
        calculated = self.calculate_priority(task_name, context)
        level, rationale = calculated.priority, calculated.rationale
        if priority is not None:
            chosen = _level(priority)
            if chosen is None:
                raise ValueError(f"No priority {priority!r}. Known: {', '.join(TaskPriority.__members__)}.")
            level, rationale = chosen, f"Set by the caller: {chosen.name}"
        request = RequeueRequest(
            task_id=str(task_id),
            task_name=task_name,
            args=tuple(task_args or ()),
            kwargs=dict(task_kwargs or {}),
            priority=level,
            queue=self._queue(level),
            rationale=rationale,
        )
        published_id = self._requeuer.requeue(request)
        return RequeueResult(
            task_id=published_id,
            original_task_id=request.task_id,
            task_name=task_name,
            priority=level,
            queue=self._queue(level),
            rationale=rationale,
        )

    def _queue(self, level: TaskPriority) -> str:
        return self._queues.get(level.name, level.queue)


class _Tables:
    """Rules with their patterns compiled; later layers are asked after earlier ones."""

    def __init__(self, *layers: PriorityRules) -> None:
        patterns = [pair for layer in layers for pair in layer.patterns] + list(rules.DEFAULT_PATTERNS)
        self.patterns = tuple((re.compile(pattern), level) for pattern, level in patterns)
        self.sla_hours = dict(rules.SLA_HOURS)
        for layer in reversed(layers):
            self.sla_hours.update(layer.sla_hours)


def _level(value: object) -> TaskPriority | None:
    if isinstance(value, TaskPriority):
        return value
    if isinstance(value, str):
        return TaskPriority.__members__.get(value.upper())
    return next((level for level in TaskPriority if type(value) is int and level.value == value), None)


def _number(value: object) -> float:
    """Return a context value as a number; 0 for what is none, because a priority must come out in any
    case."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def _retries(count: float) -> PriorityAdjustment | None:
    if count < rules.MANY_RETRIES:
        return None
    return PriorityAdjustment("retries", f"{count:.0f} retries", rules.RETRY_POINTS)


def _failure(value: object) -> PriorityAdjustment | None:
    name = value.value if isinstance(value, FailureType) else str(value or "").upper()
    kind = FailureType.__members__.get(name)
    if kind is not None and kind.category is FailureCategory.SYSTEM:
        return PriorityAdjustment("failure_type", "System failure", rules.SYSTEM_POINTS)
    if kind is FailureType.PERMANENT_PERMISSION or name == "SECURITY":
        return PriorityAdjustment("failure_type", "Security failure", rules.SECURITY_POINTS)
    return None


def _rationale(
    base: TaskPriority, adjustments: Sequence[PriorityAdjustment], escalated_to: TaskPriority | None
) -> str:
    parts = [f"Base: {base.name}"]
    parts += [f"{one.label} (+{one.points:.1f})" if one.points else one.label for one in adjustments]
    line = " | ".join(parts)
    return line if escalated_to is None else f"{line} → ESCALATED to {escalated_to.name}"
