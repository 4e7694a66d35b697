"""The words of the retry engine: policies, delays, decisions, and the reasons they carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class BackoffStrategy(StrEnum):
    """How the delay grows from one retry to the next. Series for an initial delay of 30 s and factor 2."""

    EXPONENTIAL = "exponential"
    """Times ``backoff_factor`` each time: 30, 60, 120, 240, 480."""

    LINEAR = "linear"
    """One initial delay more each time: 30, 60, 90, 120, 150."""

    FIBONACCI = "fibonacci"
    """Initial delay times 1, 1, 2, 3, 5: 30, 30, 60, 90, 150."""


class JitterKind(StrEnum):
    """How delays are spread, so that tasks that failed together do not come back together."""

    AUTO = "auto"
    """`PROPORTIONAL` for delays of 30 s and more, `FULL` below."""

    PROPORTIONAL = "proportional"
    """Between half and one and a half times the delay; the mean stays the delay."""

    FULL = "full"
    """Anything from 0 to the delay: the widest spread, at half the mean delay."""

    EQUAL = "equal"
    """Half the delay, plus anything from 0 to the other half."""

    NONE = "none"
    """No spread."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One change that was made to a policy, and why, with the numbers."""

    rule: str
    """Name of the rule: "setting", "task pattern", "declared policy", "low success rate", "queue depth",
    ..."""

    field: str
    """The field that changed, or "policy" when all did."""

    before: float | str
    after: float | str
    reason: str
    """One sentence for an operator."""

    def to_dict(self) -> dict[str, float | str]:
        """Return the JSON-ready form."""
        return {
            "rule": self.rule,
            "field": self.field,
            "before": self.before,
            "after": self.after,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When and how often to retry one kind of failure. Delays are in seconds.

    Raises:
        ValueError: a number is out of its range; the message names field, value and range.
    """

    key: str
    """What the policy is for: a failure type's name, or a name of your own."""

    max_retries: int = 0
    """Runs after the first one; 0: the failure is not retried."""

    initial_delay: float = 60.0
    """Delay before the first retry, from 0."""

    backoff_strategy: BackoffStrategy = BackoffStrategy.EXPONENTIAL
    backoff_factor: float = 2.0
    """Growth of the exponential strategy, from 1; the others do not use it."""

    max_delay: float = 3600.0
    """Cap on the delay before jitter."""

    jitter: JitterKind = JitterKind.AUTO
    circuit_breaker_threshold: int = 0
    """Failures of this kind within the breaker's window that open it; 0: such failures never open a
    breaker."""

    circuit_breaker_timeout: float = 0.0
    """Longest time the breaker stays open before it lets a probe through."""

    max_age_seconds: float = 86_400.0
    """A task that first failed longer ago is not retried any more."""

    learning: bool = True
    """Whether experience may change these numbers; load and settings may in any case."""

    rationale: str = ""
    """Why these numbers: one sentence."""

    adjustments: tuple[Adjustment, ...] = ()
    """What was changed from the default, in order, and why."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "backoff_strategy", BackoffStrategy(self.backoff_strategy))
        object.__setattr__(self, "jitter", JitterKind(self.jitter))
        for field, lowest in _LOWEST.items():
            value = getattr(self, field)
            if not lowest <= value < float("inf"):
                raise ValueError(
                    f"RetryPolicy({self.key!r}): {field} is {value!r}, but must be {lowest} or more."
                )

    def explain(self) -> str:
        """Return the policy in one line, and a line per adjustment."""
        if self.max_retries == 0:
            first = f"{self.key}: not retried. {self.rationale}".rstrip()
        else:
            first = (
                f"{self.key}: up to {self.max_retries} retries, first after {self.initial_delay:g} s, "
                f"{self.backoff_strategy} backoff"
                + (
                    f" x{self.backoff_factor:g}"
                    if self.backoff_strategy == BackoffStrategy.EXPONENTIAL
                    else ""
                )
                + f" up to {self.max_delay:g} s, {self.jitter} jitter. {self.rationale}".rstrip()
            )
        return "\n".join([first, *(f"- {adjustment.reason}" for adjustment in self.adjustments)])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form, adjustments included."""
        return {
            "key": self.key,
            "max_retries": self.max_retries,
            "initial_delay": self.initial_delay,
            "backoff_strategy": self.backoff_strategy.value,
            "backoff_factor": self.backoff_factor,
            "max_delay": self.max_delay,
            "jitter": self.jitter.value,
            "circuit_breaker_threshold": self.circuit_breaker_threshold,
            "circuit_breaker_timeout": self.circuit_breaker_timeout,
            "max_age_seconds": self.max_age_seconds,
            "learning": self.learning,
            "rationale": self.rationale,
            "adjustments": [adjustment.to_dict() for adjustment in self.adjustments],
        }


_LOWEST: Mapping[str, float] = {
    "max_retries": 0,
    "initial_delay": 0,
    "backoff_factor": 1,
    "max_delay": 0,
    "circuit_breaker_threshold": 0,
    "circuit_breaker_timeout": 0,
    "max_age_seconds": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """How long to wait before the next run, and how that came about."""

    seconds: float
    """The wait itself."""

    base_seconds: float
    """What the backoff says, capped, before jitter."""

    jitter: JitterKind
    """The spread that was used; never AUTO."""

    hint_seconds: float | None
    """What the server asked for, if it did and if that was usable."""

    rationale: str
    """One sentence with the numbers."""


class RetryAction(StrEnum):
    """What becomes of a failed task."""

    RETRY = "retry"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do about one failure, and why."""

    action: RetryAction
    reason: str
    """A sentence for an operator."""

    delay_seconds: float | None = None
    """Seconds until the next run; None when the task is dead."""

    remediation: str | None = None
    """"MANUAL_RETRY" when a person may redrive it as it is: the failure would pass, but retrying was not
    allowed."""

    delay: Delay | None = None
    """How the delay came about, before any wait for off-peak hours."""

    off_peak: bool = False
    """Whether the delay was extended to the off-peak window."""

    @property
    def is_retry(self) -> bool:
        """Whether the task runs again by itself."""
        return self.action == RetryAction.RETRY

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form."""
        return {
            "action": self.action.value,
            "delay_seconds": self.delay_seconds,
            "reason": self.reason,
            "remediation": self.remediation,
            "backoff": self.delay.rationale if self.delay is not None else None,
            "off_peak": self.off_peak,
        }


@dataclass(frozen=True, slots=True)
class Samples:
    """How retries of one task and failure type went."""

    successes: float = 0
    total: float = 0
    """Whole numbers until old samples fade."""

    @property
    def success_rate(self) -> float | None:
        """0..1, or None without any sample."""
        return self.successes / self.total if self.total else None
