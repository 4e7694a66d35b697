"""A clock for tests and simulations."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A `redrive.clock.Clock` that moves only when told to. Starts at noon UTC on 1 January 2026."""

    def __init__(self, now: datetime | None = None) -> None:
        start = now or datetime(2026, 1, 1, 12, tzinfo=UTC)
        if start.tzinfo is None:
            raise ValueError("FakeClock needs an aware datetime: datetime(2026, 1, 1, 12, tzinfo=UTC)")
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """Return the moment the clock stands at."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds this clock was moved forward since it was made."""
        return self._monotonic

    def advance(
        self, by: timedelta | None = None, *, seconds: float = 0, minutes: float = 0, hours: float = 0
    ) -> None:
        """Move the clock forward by a timedelta, or by seconds, minutes and hours added up."""
        step = (by or timedelta()) + timedelta(seconds=seconds, minutes=minutes, hours=hours)
        if step < timedelta():
            raise ValueError("A clock only moves forward; make a second FakeClock for an earlier moment.")
        self._now += step
        self._monotonic += step.total_seconds()
