"""The words of the gate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Literal, Protocol, TypeAlias

GATE_KIND = "gate"
"""Kind of the lease that holds a downstream's document; its key is the downstream's name."""


CONTENTION: Final = frozenset({"TRANSIENT_DATABASE"})
"""Failure types that fewer calls at once cure: deadlocks, lock timeouts, serialization failures."""

SLOW_DOWN: Final = frozenset({"TRANSIENT_RATE_LIMIT"})
"""Failure types by which a downstream asks for fewer calls per second. It is up: they open no breaker."""

MOST_ATTEMPTS: Final = 6
"""Calls of one task that may fail on the gate's account: postponing must end."""

Concurrency: TypeAlias = int | Literal["auto"] | None


class Window(Protocol):
    """Hours in which low-priority work may run. `redrive.retry.OffPeak` is one."""

    def next_opening(self, at: datetime) -> datetime:
        """Return ``at`` itself inside the window, else when it opens next; aware UTC."""


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    """Open, with one probe on its way."""

    RAMP = "ramp"
    """Calls go through at a limited, growing rate: after an outage, or because the downstream cannot bear more."""


class Override(StrEnum):
    """What an operator has decided about a downstream, whatever its calls say."""

    FORCED_OPEN = "forced_open"
    """Everyone is held."""

    FORCED_CLOSED = "forced_closed"
    """Everyone goes."""

    OBSERVE = "observe"
    """Everyone goes; the breaker works on, and says what it would have done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Constants of the gate of one downstream; the breaker's counts and longest times come with each failure's
    policy.

    Raises:
        ValueError: a number is out of its range; the message names it and says what it must be.
    """

    window: timedelta = timedelta(seconds=60)
    """Failures further apart than this do not add up."""

    failure_share: float = 0.5
    """Trip only when more than this share of the window's calls failed: 5 % of faults in a busy fleet reach
    any count."""

    concurrency: Concurrency = "auto"
    """Calls at once, of the whole fleet. "auto": no limit until contention (deadlocks) shows that there is one.
    None: never any."""

    rate: float | None = None
    """Most calls per second, of the whole fleet; None: no limit but what the downstream itself asks for."""

    off_peak: Window | None = None
    """Work of LOW and DEFERRED priority waits for this window; None: there is none."""

    probe_lease: timedelta = timedelta(seconds=120)
    """A probe that has not reported by then is given up and another one goes."""

    slot_lease: timedelta = timedelta(minutes=15)
    """A call that has not reported by then no longer counts as running."""

    first_open: timedelta = timedelta(seconds=10)
    """How long the breaker first stays open; half as long again after each failed probe, up to
    `slowest_probing` and the policy's timeout."""

    slowest_probing: timedelta = timedelta(seconds=10)
    """Longest time between two probes, as long as probes stay below a fiftieth of the usual calls; rarer ones for
    a downstream that is seldom called."""

    longest_hint: timedelta = timedelta(hours=1)
    """A server that asks for more patience (Retry-After) is asked again after this."""

    forget_after: timedelta = timedelta(hours=1)
    """A document that nothing changed for so long is dropped."""

    def __post_init__(self) -> None:
        for name in ("window", "probe_lease", "slot_lease", "first_open", "slowest_probing", "forget_after"):
            if not timedelta(0) < getattr(self, name) <= timedelta(days=7):
                raise ValueError(f"{name} must be above 0 and at most 7 days, not {getattr(self, name)!r}")
        if not 0 < self.failure_share < 1:
            raise ValueError(f"failure_share must be between 0 and 1, not {self.failure_share!r}")
        if self.rate is not None and not 0 < self.rate < float("inf"):
            raise ValueError(f"rate must be calls per second above 0, or None, not {self.rate!r}")
        if isinstance(self.concurrency, bool) or not (
            self.concurrency in ("auto", None) or (isinstance(self.concurrency, int) and self.concurrency > 0)
        ):
            raise ValueError(
                f'concurrency must be a whole number above 0, "auto" or None, not {self.concurrency!r}'
            )


@dataclass(frozen=True, slots=True)
class Run:
    """Go ahead, and report how it went with this object."""

    generation: int = 0
    """Of the breaker when the call began; a result of an older generation does not count."""

    probe: bool = False
    """This call is the one that finds out whether the downstream is back: its result must be reported at
    once."""

    degraded: bool = False
    """The stores were away, so only this process was asked, or nobody."""

    slot: int | None = None
    """Place among the calls in flight, where their number is limited; given back by the report."""

    free: bool = False
    """Nothing is limited: successes may be summed up and told later."""

    observed: str = ""
    """Why it would have been held, had the operator not said that everyone goes."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form, to travel in a message from a keeper to the worker."""
        return {"generation": self.generation, "probe": self.probe, "slot": self.slot}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> "Run | None":
        """Return what `to_dict` wrote; None for anything else, for a message may come from a stranger."""
        try:
            slot = None if data is None or data.get("slot") is None else int(data["slot"])
            return None if data is None else cls(int(data["generation"]), data["probe"] is True, slot=slot)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now. Holding uses up no retry."""

    until: datetime
    """When to ask again, aware UTC, spread so that not all ask at once."""

    reason: str
    """One sentence for an operator."""

    state: BreakerState = BreakerState.OPEN
    """Of the breaker, at that moment."""

    wait_seconds: float | None = None
    """From now until then by the clock that set ``until``, the store's; None: that was the caller's own."""

    def seconds_from(self, now: datetime) -> float:
        """Return how long to wait, the caller's own clock saying ``now``."""
        return (self.until - now).total_seconds() if self.wait_seconds is None else self.wait_seconds


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

    attempt: int = 1
    """Number of the task's call: after `MOST_ATTEMPTS` it spends attempts whoever is to blame."""

    @classmethod
    def success(cls, count: int = 1) -> "Outcome":
        """Return the outcome of calls that went well."""
        return cls(succeeded=True, count=count)

    @classmethod
    def nothing(cls) -> "Outcome":
        """Return the outcome of a call that says nothing: not made after all, or ended by something else."""
        return cls(succeeded=False)

    @classmethod
    def failure(
        cls,
        failure_type: str,
        *,
        threshold: int,
        open_seconds: float,
        hint_seconds: float | None = None,
        attempt: int = 1,
    ) -> "Outcome":
        """Return the outcome of a failed call.

        Args:
            failure_type: the failure type's name.
            threshold: its policy's ``circuit_breaker_threshold``; 0: it says nothing about the downstream.
            open_seconds: its policy's ``circuit_breaker_timeout``.
            hint_seconds: how long the server asked to be left alone, if it did.
            attempt: number of the task's call, all its calls counted; 1 is the first.
        """
        return cls(
            succeeded=False,
            failure_type=failure_type,
            threshold=threshold,
            open_seconds=open_seconds,
            hint_seconds=hint_seconds,
            attempt=attempt,
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
    state: BreakerState = BreakerState.CLOSED
    """Of the breaker, after the report."""

    spends_attempt: bool = True
    """False: the call failed because the downstream is in trouble, which the breaker knows by now. It was the gate's
    to keep it back, so the task should wait as if it had been held, until `until`, and keep its retries."""

    until: datetime | None = None
    """When such a task may come back, aware UTC, in a place of its own."""

    wait_seconds: float = 0.0
    """From now until then, by the store's clock."""

    poison: bool = False
    """This task type fails while its siblings do well: more than one retry is in vain."""


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

    waiting: int = 0
    """Held calls that have not come back yet; about."""

    rate: float | None = None
    """Calls per second that may go now, while ramping."""

    concurrency: int | None = None
    """Calls at once that may go, where there is a limit."""

    in_flight: int | None = None
    """Calls on their way, where there is a limit."""

    override: str | None = None
    """What an operator has decided: "forced_open", "forced_closed", "observe"."""

    override_by: str = ""
    override_until: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form; moments as ISO 8601 UTC."""
        moments = {
            name: moment.isoformat() if (moment := getattr(self, name)) is not None else None
            for name in ("opened_at", "until", "probe_until", "override_until")
        }
        return {
            "downstream": self.downstream,
            "state": self.state.value,
            "reason": self.reason,
            "failure_type": self.failure_type,
            "failures": self.failures,
            "successes": self.successes,
            "times_opened": self.times_opened,
            "waiting": self.waiting,
            "rate": self.rate,
            "concurrency": self.concurrency,
            "in_flight": self.in_flight,
            "override": self.override,
            "override_by": self.override_by,
            **moments,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStates:
    """All downstreams that have a document. One without was never in trouble lately."""

    breakers: tuple[BreakerStatus, ...] = ()
    degraded: bool = False
    """The first store is away: another stands in, which learns everything anew, or none does."""

    known: bool = True
    """False: no store answers, and each process decides by itself."""
