"""The hours in which machines are cheap or idle, where low-priority retries wait for them."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPeak:
    """A daily window on the wall clock of one time zone; it may pass midnight.

    Daylight saving is the zone's: a 22:00-06:00 window lasts nine hours in the autumn night when clocks go
    back.

    Raises:
        ValueError: the window is empty, or the time zone is not known.
    """

    start: time = time(22, 0)
    end: time = time(6, 0)
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if self.start == self.end:
            raise ValueError(f"OffPeak: the window {self.start:%H:%M}-{self.end:%H:%M} is empty.")
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError) as exc:
            raise ValueError(
                f"OffPeak: no time zone {self.timezone!r}, try 'Europe/Berlin' or 'UTC'."
            ) from exc

    def next_opening(self, at: datetime) -> datetime:
        """Return ``at`` itself inside the window, else the moment the window opens next. Aware UTC.

        The start belongs to the window, the end does not. A start that does not exist on the day clocks go
        forward is taken as that much later.
        """
        zone = ZoneInfo(self.timezone)
        today = at.astimezone(zone).date()
        for days in (-1, 0, 1, 2):
            day = today + timedelta(days=days)
            opens = datetime.combine(day, self.start, zone).astimezone(UTC)
            last_day = day + timedelta(days=1) if self.end <= self.start else day
            closes = datetime.combine(last_day, self.end, zone).astimezone(UTC)
            if at < closes:
                return max(at.astimezone(UTC), opens)
        raise AssertionError("a daily window opens within two days")
