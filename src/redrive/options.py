"""What a task says about itself, in one typed object.

    @shared_task(redrive=Options(downstream="stripe", retry_safe=True))
    def charge(order_id): ...

One object instead of loose keywords, because Celery turns any unknown keyword into a task attribute: a
misspelt ``retry_save=True`` would be accepted and ignored. Here it is a `TypeError` when the module is
imported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol, TypeAlias

__all__ = ["PRIORITY_LEVELS", "Options", "PolicyLike"]

PRIORITY_LEVELS: Mapping[str, int] = {"CRITICAL": 10, "HIGH": 8, "MEDIUM": 6, "LOW": 4, "DEFERRED": 2}
"""Names and values of the priority levels; `redrive.priority.TaskPriority` has the same ones."""


class PolicyLike(Protocol):
    """What `Options` needs to know of a retry policy. `redrive.retry.RetryPolicy` is one."""

    @property
    def key(self) -> str: ...

    @property
    def max_retries(self) -> int: ...


PolicyOption: TypeAlias = PolicyLike | str | Callable[..., Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How Redrive should treat one task. Every field has a default that changes nothing.

    Raises:
        TypeError: a field is unknown or has the wrong type. The message names the field and what to type.
    """

    downstream: str | None = None
    """Name of the service the task depends on ("stripe"); its circuit breaker then holds the task in an
    outage."""

    policy: PolicyOption = None
    """Retry policy of this task: a `RetryPolicy`, the name of a failure type whose policy to use, or a
    function ``(policy, exception, context) -> RetryPolicy | None``. None: the failure type's own policy."""

    priority: int | str | None = None
    """Base priority: a level's name ("HIGH"), its value (8), or the `TaskPriority`. None: from the task's
    name."""

    critical: bool = False
    """An open breaker or a dead letter of this task wakes someone up."""

    retry_safe: bool | None = None
    """True: the task may run again by itself after a failure. False: never. None: as settings and base class
    say."""

    max_age_seconds: float | None = None
    """A task that first failed longer ago is not retried any more. None: the policy's (24 hours)."""

    def __post_init__(self) -> None:
        _require(
            self.downstream is None or _is_name(self.downstream),
            "downstream",
            self.downstream,
            "a name such as 'stripe'",
        )
        _require(
            _is_policy(self.policy),
            "policy",
            self.policy,
            "a RetryPolicy, a failure type's name, or a function",
        )
        if isinstance(self.priority, Enum):
            object.__setattr__(self, "priority", self.priority.name)
        _require(
            _is_priority(self.priority), "priority", self.priority, f"one of {', '.join(PRIORITY_LEVELS)}"
        )
        _require(isinstance(self.critical, bool), "critical", self.critical, "True or False")
        _require(
            self.retry_safe is None or isinstance(self.retry_safe, bool),
            "retry_safe",
            self.retry_safe,
            "True, False or None",
        )
        _require(
            _is_positive(self.max_age_seconds), "max_age_seconds", self.max_age_seconds, "seconds above 0"
        )

    @property
    def priority_name(self) -> str | None:
        """The declared priority as a level's name, or None."""
        if isinstance(self.priority, int):
            return next(name for name, value in PRIORITY_LEVELS.items() if value == self.priority)
        return None if self.priority is None else self.priority.upper()

    @property
    def policy_name(self) -> str | None:
        """The declared policy's name: its key, the given string, or the function's dotted path."""
        if self.policy is None or isinstance(self.policy, str):
            return self.policy
        if isinstance(key := getattr(self.policy, "key", None), str):
            return key
        function = self.policy
        module, name = (
            getattr(function, "__module__", "?"),
            getattr(function, "__qualname__", repr(type(function))),
        )
        return f"{module}.{name}"

    def to_dict(self) -> dict[str, str | bool | float | None]:
        """Return the part that can travel as JSON (in a spill line, say); a policy travels as its name."""
        return {
            "downstream": self.downstream,
            "policy": self.policy_name,
            "priority": self.priority_name,
            "critical": self.critical,
            "retry_safe": self.retry_safe,
            "max_age_seconds": self.max_age_seconds,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Options":
        """Return the options written by `to_dict`. Keys this release does not know are left out.

        A spill line may come from a newer release during an upgrade, and must not be lost for a new field.
        """
        return cls(**{key: value for key, value in data.items() if key in cls.__dataclass_fields__})


def _require(holds: bool, field: str, value: object, expected: str) -> None:
    if not holds:
        raise TypeError(f"Options({field}={value!r}): {field} must be {expected}.")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_policy(value: object) -> bool:
    has_policy_fields = isinstance(getattr(value, "key", None), str) and hasattr(value, "max_retries")
    return value is None or _is_name(value) or has_policy_fields or callable(value)


def _is_priority(value: object) -> bool:
    if isinstance(value, str):
        return value.upper() in PRIORITY_LEVELS
    return value is None or (type(value) is int and value in PRIORITY_LEVELS.values())


def _is_positive(value: object) -> bool:
    return value is None or (type(value) in (int, float) and value > 0)  # type: ignore[operator]  # a number by its type
