"""The words of the gate."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

GATE_KIND = "gate"
"""Kind of the lease that holds a downstream's document; its key is the downstream's name."""


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """Open, with one probe on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Constants of the gate; the breaker's counts and longest times come with each failure's policy."""

    window: timedelta = timedelta(seconds=60)
    """Failures further apart than this do not add up."""

    failure_share: float = 0.5
    """Trip only when more than this share of the window's calls failed: 5 % of faults in a busy fleet reach
    any count."""

    probe_lease: timedelta = timedelta(seconds=120)
    """A probe that has not reported by then is given up and another one goes."""

    probe_check: timedelta = timedelta(seconds=10)
    """While a probe is on its way, others ask again after about this long."""

    first_open_share: float = 0.1
    """Share of the policy's breaker timeout that the breaker first stays open; doubled by each failed
    probe."""

    spread: timedelta = timedelta(seconds=15)
    """Those who are held come back over this much time, or half the time the breaker is open if that is
    shorter."""

    longest_hint: timedelta = timedelta(hours=1)
    """A server that asks for more patience (Retry-After) is asked again after this."""

    forget_after: timedelta = timedelta(hours=1)
    """A document that nothing changed for so long is dropped."""


@dataclass(frozen=True, slots=True)
class Run:
    """Go ahead, and report how it went with this object."""

    generation: int = 0
    """Of the breaker when the call began; a result of an older generation does not count."""

    probe: bool = False
    """This call is the one that finds out whether the downstream is back: its result must be reported at
    once."""

    degraded: bool = False
    """The store was away, so nobody was asked."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now. Holding uses up no retry."""

    until: datetime
    """When to ask again, aware UTC, spread so that not all ask at once."""

    reason: str
    """One sentence for an operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call went, as far as it says something about its downstream. Use the constructors below."""

    succeeded: bool
    count: int = 1
    """How many such calls this stands for; successes may be summed up, failures come one by one."""

    failure_type: str | None = None
    threshold: int = 0
    """Failures of this type that open the breaker; 0: this failure says nothing about the downstream."""

    open_seconds: float = 0.0
    """Longest time the breaker stays open for this type."""

    hint_seconds: float | None = None
    """How long the server asked to be left alone (Retry-After of a 429 or 503)."""

    @classmethod
    def success(cls, count: int = 1) -> "Outcome":
        """Return the outcome of calls that went well."""
        return cls(succeeded=True, count=count)

    @classmethod
    def failure(
        cls,
        failure_type: str,
        *,
        threshold: int,
        open_seconds: float,
        hint_seconds: float | None = None,
    ) -> "Outcome":
        """Return the outcome of a failed call; the numbers are its policy's breaker threshold and timeout."""
        return cls(
            succeeded=False,
            failure_type=failure_type,
            threshold=threshold,
            open_seconds=open_seconds,
            hint_seconds=hint_seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """The breaker changed its state: worth an event, perhaps an alert."""

    downstream: str
    before: BreakerState
    after: BreakerState
    at: datetime
    reason: str
    """One sentence with the numbers."""

    failure_type: str | None = None
    until: datetime | None = None
    """When an open breaker lets its next probe through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What became of a report."""

    counted: bool
    """False: it came too late, says nothing about the downstream, or the store was away."""

    transition: Transition | None = None
    degraded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerStatus:
    """One downstream as pages and JSON show it."""

    downstream: str
    state: BreakerState
    reason: str
    failure_type: str | None
    opened_at: datetime | None
    until: datetime | None
    """When the next probe may go (open), or the end of the rate limit's hold (closed)."""

    probe_until: datetime | None
    failures: int
    """Counting failures in the window."""

    successes: int
    times_opened: int
    """Openings in a row without a closing in between."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form; moments as ISO 8601 UTC."""
        moments = {
            name: moment.isoformat() if (moment := getattr(self, name)) is not None else None
            for name in ("opened_at", "until", "probe_until")
        }
        return {
            "downstream": self.downstream,
            "state": self.state.value,
            "reason": self.reason,
            "failure_type": self.failure_type,
            "failures": self.failures,
            "successes": self.successes,
            "times_opened": self.times_opened,
            **moments,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStates:
    """All downstreams that have a document. One without was never in trouble lately."""

    breakers: tuple[BreakerStatus, ...] = ()
    degraded: bool = False
    """The store is away: nothing is known, and everything goes through."""
