"""When a schedule fires, and how far apart.

A crontab is expanded day by day from its sets, in its own zone. A local time that a clock change skips fires an hour
later, one that it repeats fires once, as Celery does it for a daily entry; on such a day Celery leaves out runs of
entries that fire every few minutes (a hole of an hour or two), which is not looked for here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from redrive.schedules.types import Clocked, Crontab, Interval, Solar, Timing

FORTNIGHT = timedelta(days=14)
"""How far ahead is looked: every two neighbours of a weekly pattern are in it, whenever it begins."""
LONG = timedelta(days=800)
"""How far ahead is looked for what fires less often: a yearly entry has two firings in it."""
SOLAR_SECONDS = 86_000.0
"""About how far apart two sunrises are at least (most parts of the world): a little under a day."""


def firings(timing: Timing, since: datetime, until: datetime) -> Iterator[datetime]:
    """The moments in [since, until) at which a crontab or a clocked entry fires, in UTC; none for other kinds."""
    if isinstance(timing, Clocked):
        if since <= timing.at < until:
            yield timing.at.astimezone(UTC)
    elif isinstance(timing, Crontab):
        yield from _crontab(timing, since, until)


def _crontab(timing: Crontab, since: datetime, until: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(timing.timezone)
    times = [(hour, minute) for hour in sorted(timing.hours) for minute in sorted(timing.minutes)]
    day = since.astimezone(zone).date()
    last = until.astimezone(zone).date()
    while day <= last:
        fits = day.month in timing.months and day.day in timing.days
        if fits and day.isoweekday() % 7 in timing.weekdays:
            for hour, minute in times:
                local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone)
                at = local.astimezone(UTC)
                if since <= at < until:
                    yield at
        day += timedelta(days=1)


def firings_ahead(timing: Timing, now: datetime) -> tuple[datetime, ...]:
    """The firings of the next 14 days, or of the next 800 where there are fewer than two."""
    found = tuple(firings(timing, now, now + FORTNIGHT))
    return found if len(found) > 1 else tuple(firings(timing, now, now + LONG))


def shortest_gap_seconds(timing: Timing, now: datetime) -> float | None:
    """Seconds between the two firings that are closest; None for what fires once, never, or cannot be told."""
    if isinstance(timing, Interval):
        return timing.seconds
    if isinstance(timing, Solar):
        return SOLAR_SECONDS
    gaps = [(after - before).total_seconds() for before, after in pairwise(firings_ahead(timing, now))]
    return min(gaps, default=None)


def swallowed(timing: Timing, ttl_seconds: float, now: datetime) -> tuple[int, int]:
    """Of how many runs in a row how many find the result of an earlier one: (swallowed, all).

    A run counts from the moment it is due, and ends at once. Every 15 s with a ttl of 60 s: (3, 4).
    """
    if isinstance(timing, Interval):
        runs = max(1, math.ceil(ttl_seconds / timing.seconds)) if timing.seconds > 0 else 1
        return runs - 1, runs
    if isinstance(timing, Solar):
        return swallowed(Interval(SOLAR_SECONDS), ttl_seconds, now)
    times = firings_ahead(timing, now)
    ran_at: datetime | None = None
    lost = 0
    for at in times:
        if ran_at is not None and (at - ran_at).total_seconds() < ttl_seconds:
            lost += 1
        else:
            ran_at = at
    return lost, len(times)


def meet(one: Timing, other: Timing, now: datetime) -> bool | None:
    """Whether both fire at the same minute within 14 days (or 800); None where a phase is not known."""
    if isinstance(one, Crontab | Clocked) and isinstance(other, Crontab | Clocked):
        return not set(firings_ahead(one, now)).isdisjoint(firings_ahead(other, now))
    return None
