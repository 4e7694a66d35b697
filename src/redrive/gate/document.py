"""A downstream's document: reading it from a lease, and writing it back.

One `Lease` of kind "gate" per downstream. Its fence grows with every change of state, its owner is the
probe's, its data is this, JSON, moments as seconds since 1970:

    {"state": "open", "generation": 1767225600000, "counts": {"29453760": {"ok": 3, "EXTERNAL_TIMEOUT": 5}},
     "opened_at": ..., "until": ..., "open_seconds": 60.0, "cap_seconds": 600.0, "opens": 1,
     "failure_type": "EXTERNAL_TIMEOUT", "reason": "...", "hold_until": null, "probe_until": null}
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from redrive.gate.types import GATE_KIND, BreakerState, GateSettings
from redrive.leases import Lease, is_live, next_fence

SLICES: Final = 12
"""Parts of the window that are counted separately, so that old calls leave it bit by bit (5 s each of 60)."""

OK: Final = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What is known about one downstream."""

    state: BreakerState = BreakerState.CLOSED
    generation: int = 0
    """0 until the first change of state: calls that began before there was a document belong to it too."""

    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    opened_at: float | None = None
    until: float | None = None
    open_seconds: float = 0.0
    cap_seconds: float = 0.0
    opens: int = 0
    failure_type: str | None = None
    reason: str = ""
    hold_until: float | None = None
    probe_until: float | None = None


def read(lease: Lease | None, now: datetime) -> Document:
    """Return the document; a fresh one where there is none, it has expired, or it makes no sense."""
    if not is_live(lease, now):
        return Document()
    known = {name: value for name, value in lease.data.items() if name in Document.__dataclass_fields__}
    try:
        return Document(**{**known, "state": BreakerState(known.get("state", "closed"))})
    except (TypeError, ValueError):
        return Document()


def write(
    lease: Lease | None,
    now: datetime,
    downstream: str,
    document: Document,
    settings: GateSettings,
    owner: str = "",
) -> Lease:
    """Return the lease that stores the document until nothing in it matters any more."""
    data: dict[str, Any] = asdict(document) | {"state": document.state.value}
    moments = (document.until, document.hold_until, document.probe_until, timestamp(now))
    last = max(moment for moment in moments if moment is not None)
    fence = lease.fence if lease is not None else next_fence(None, now)
    return Lease(
        kind=GATE_KIND,
        key=downstream,
        owner=owner,
        fence=max(fence, document.generation),
        state=document.state.value,
        expires_at=moment_of(last) + settings.forget_after,
        data=data,
    )


def add(
    document: Document, now: datetime, what: str, count: int, settings: GateSettings
) -> dict[str, dict[str, int]]:
    """Return the counts with some calls added and those outside the window left out."""
    current = _slice(now, settings)
    counts = {key: dict(calls) for key, calls in document.counts.items() if int(key) > current - SLICES}
    calls = counts.setdefault(str(current), {})
    calls[what] = calls.get(what, 0) + count
    return counts


def totals(document: Document, now: datetime, settings: GateSettings) -> dict[str, int]:
    """Return how often each outcome is in the window."""
    current = _slice(now, settings)
    sums: dict[str, int] = {}
    for key, calls in document.counts.items():
        if int(key) > current - SLICES:
            for what, count in calls.items():
                sums[what] = sums.get(what, 0) + count
    return sums


def timestamp(moment: datetime) -> float:
    """Return seconds since 1970."""
    return moment.timestamp()


def moment_of(seconds: float) -> datetime:
    """Return the aware UTC moment of seconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def _slice(now: datetime, settings: GateSettings) -> int:
    return int(timestamp(now) // (settings.window.total_seconds() / SLICES))
