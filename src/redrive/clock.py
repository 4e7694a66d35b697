"""The time, as an argument.

Nothing that decides reads the system's clock: it is given ``now``, or a `Clock` to ask. In production that is
`SystemClock`; in tests and simulations `redrive.testing.FakeClock`, which moves only when told to.
"""

import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Where the current moment comes from. Safe to call from any thread."""

    def now(self) -> datetime:
        """Return the current moment as an aware UTC datetime."""

    def monotonic(self) -> float:
        """Return seconds since some fixed point; never goes back, useful only for differences in one
        process."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the current moment as an aware UTC datetime."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return `time.monotonic`."""
        return time.monotonic()
