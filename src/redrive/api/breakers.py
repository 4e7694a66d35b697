"""The gate's breakers as pages and JSON show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from redrive import runtime
from redrive.gate import BreakerState, BreakerStatus

_ORDER: Mapping[BreakerState, int] = {
    BreakerState.OPEN: 0,
    BreakerState.HALF_OPEN: 1,
    BreakerState.RAMP: 2,
    BreakerState.CLOSED: 3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakers:
    """Every breaker that has counted something lately, the open ones first.

    ``degraded``: the gate's first store is away. ``known`` is False while none of its stores answers: then each process
    decides by itself, and nothing can be said.
    """

    rows: tuple[BreakerStatus, ...] = ()
    known: bool = True
    degraded: bool = False

    @property
    def unwell(self) -> tuple[BreakerStatus, ...]:
        """Those that are not closed."""
        return tuple(row for row in self.rows if row.state is not BreakerState.CLOSED)

    def counts(self) -> dict[str, int]:
        """How many there are in each state: ``closed``, ``open``, ``half_open`` (a ramp is half open too)."""
        found = [row.state for row in self.rows]
        half = found.count(BreakerState.HALF_OPEN) + found.count(BreakerState.RAMP)
        closed, opened = found.count(BreakerState.CLOSED), found.count(BreakerState.OPEN)
        return {"closed": closed, "open": opened, "half_open": half}


def read_breakers() -> Breakers:
    """What the gate knows now. Never raises."""
    states = runtime.gate().states()
    rows = sorted(states.breakers, key=lambda row: (_ORDER[row.state], row.downstream))
    return Breakers(rows=tuple(rows), known=states.known, degraded=states.degraded)
