"""A downstream's document: reading it from a lease, and writing it back.

One `Lease` of kind "gate" per downstream. Its fence grows with every change of state, its owner is the
probe's, its data is this, JSON, moments as seconds since 1970. Whatever is at its default is left out:

    {"state": "open", "generation": 1767225600000, "opened_at": ..., "until": ..., "open_seconds": 10.0,
     "cap_seconds": 600.0, "opens": 1, "failure_type": "EXTERNAL_TIMEOUT", "reason": "...",
     "usual_ok": 4500.0, "usual_seconds": 300.0, "expected": 15.0, "release_at": ..., "waiting": 120}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redrive.gate.types import GATE_KIND, BreakerState, GateSettings
from redrive.leases import Lease, is_live, next_fence

Counts = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Slice of time -> task name -> "ok" or failure type -> calls."""


@dataclass(kw_only=True)
class Document:
    """What is known about one downstream. Never changed in place: see `replace`."""

    state: BreakerState = BreakerState.CLOSED
    generation: int = 0
    """0 until the first change of state: calls that began before there was a document belong to it too."""

    reason: str = ""
    failure_type: str | None = None

    counts: Counts = field(default_factory=dict)
    """Calls of the window, since the last change of state; see `redrive.gate.counts`."""

    hosts: Mapping[str, list[int]] = field(default_factory=dict)
    """Host -> slice in which it was last heard of, slice in which a call of it last failed."""

    poison: Mapping[str, float] = field(default_factory=dict)
    """Task types that failed while their siblings did well -> until when that is remembered."""

    usual_ok: float = 0.0
    usual_bad: float = 0.0
    usual_seconds: float = 0.0
    usual_at: float | None = None
    """Good calls, failed calls and seconds while closed, fading: what the downstream is known to bear."""

    opened_at: float | None = None
    until: float | None = None
    """When the open breaker lets its next probe through."""

    open_seconds: float = 0.0
    cap_seconds: float = 0.0
    opens: int = 0
    probe_until: float | None = None
    probe_task: str = ""
    """Task type whose probe failed last: another type goes first, lest a poison task keep the breaker open."""

    others: bool = False
    """Whether another task type was held since: only then there is one to wait for."""

    hold_until: float | None = None
    """Until when the server asked to be left alone."""

    expected: float = 0.0
    """Calls per second that were usual before the trouble; the measure of the ramp."""

    ramp_from: float = 0.0
    ramp_ceiling: float = 0.0
    ramp_since: float | None = None
    """The ramp's rate: where it began, the rate it levels off at, and when it began."""

    entry_rate: float = 0.0
    entry_share: float = 0.0
    """Rate and share of failures when a closed breaker began to limit the rate; 0 after an outage."""

    slow_calls: int = 0
    slow_bad: int = 0
    """Calls and failures since then, while the rate was clearly lower."""

    tokens: float = 0.0
    tokens_at: float | None = None

    release_at: float | None = None
    """When the next held call may come back: each gets a moment of its own."""

    waiting: int = 0
    """Held calls that have not come back yet; about."""

    backlog: int = 0
    """Most that have waited at once."""

    asked: int = 0
    """Fresh calls held since the breaker opened, where nothing is known about the usual rate."""

    budget: float | None = None
    budget_at: float | None = None
    """Retries that may go while closed; None: never asked for yet, so full."""

    limit: float = 0.0
    """Calls at once that the downstream bears, found out by contention; 0: no limit yet."""

    limit_at: float | None = None
    peak: int = 0
    """Most calls in flight since the limit last changed."""

    slots: Mapping[str, int] = field(default_factory=dict)
    """Minute in which they began -> calls in flight. A call that never reports leaves with its minute."""

    override: str | None = None
    override_by: str = ""
    override_until: float | None = None


_FRESH: Final = Document()
_DEFAULTS: Final = {one.name: getattr(_FRESH, one.name) for one in fields(Document)}
_STATES: Final = {state.value: state for state in BreakerState}


def replace(document: Document, **changes: Any) -> Document:
    """Return a copy with some fields changed; as `dataclasses.replace`, a tenth of its time."""
    copy = object.__new__(Document)
    copy.__dict__.update(document.__dict__)
    copy.__dict__.update(changes)
    return copy


def read(lease: Lease | None, now: datetime) -> Document:
    """Return the document; a fresh one where there is none, it has expired, or it makes no sense."""
    if not is_live(lease, now):
        return _FRESH
    known = {name: value for name, value in lease.data.items() if name in _DEFAULTS}
    try:
        known["state"] = _STATES[known.get("state", "closed")]
    except (TypeError, KeyError):
        return _FRESH
    return replace(_FRESH, **known)


def write(
    lease: Lease | None,
    now: datetime,
    downstream: str,
    document: Document,
    settings: GateSettings,
    owner: str | None = None,
) -> Lease:
    """Return the lease that stores the document until nothing in it matters any more."""
    data: dict[str, Any] = {
        name: value for name, value in document.__dict__.items() if value != _DEFAULTS[name]
    }
    data["state"] = document.state.value
    last = max(
        timestamp(now),
        document.until or 0.0,
        document.hold_until or 0.0,
        document.probe_until or 0.0,
        document.release_at or 0.0,
        document.override_until or 0.0,
    )
    fence = lease.fence if lease is not None else next_fence(None, now)
    if owner is None:
        owner = lease.owner if lease is not None and document.state is BreakerState.HALF_OPEN else ""
    return Lease(
        kind=GATE_KIND,
        key=downstream,
        owner=owner,
        fence=max(fence, document.generation),
        state=document.state.value,
        expires_at=moment_of(last) + settings.forget_after,
        data=data,
    )


def timestamp(moment: datetime) -> float:
    """Return seconds since 1970."""
    return moment.timestamp()


def moment_of(seconds: float) -> datetime:
    """Return the aware UTC moment of seconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def clock_text(seconds: float) -> str:
    """Return a moment as an operator reads it."""
    return f"{moment_of(seconds):%H:%M:%S} UTC"
