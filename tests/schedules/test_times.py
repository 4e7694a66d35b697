"""When schedules fire: as Celery does, and how far apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from celery.schedules import crontab
from hypothesis import given, settings
from hypothesis import strategies as st

from redrive.broker.schedules import timing_of
from redrive.schedules import Clocked, Crontab, Interval, Solar, Timing, Unreadable
from redrive.schedules.times import firings, meet, shortest_gap_seconds, swallowed

NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)  # a Monday
APP = Celery("times", broker="memory://", set_as_current=False)


def cron(minute: str = "*", hour: str = "*", day: str = "*", month: str = "*", weekday: str = "*") -> Timing:
    return timing_of(
        crontab(minute=minute, hour=hour, day_of_month=day, month_of_year=month, day_of_week=weekday, app=APP)
    )


def in_zone(timing: Timing, zone: str) -> Crontab:
    assert isinstance(timing, Crontab)
    return Crontab(
        minutes=timing.minutes,
        hours=timing.hours,
        days=timing.days,
        months=timing.months,
        weekdays=timing.weekdays,
        timezone=zone,
    )


FIELDS = st.tuples(
    st.sampled_from(["*", "0", "*/7", "5,35", "58-59"]),
    st.sampled_from(["*", "0", "*/5", "8-10", "22-2"]),
    st.sampled_from(["*", "1", "13", "1,31"]),
    st.sampled_from(["*", "2", "3-4"]),
    st.sampled_from(["*", "mon", "fri-mon", "0", "sat,sun"]),
)


@given(fields=FIELDS, start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001  # aware below
@settings(max_examples=60, deadline=None)
def test_a_crontab_fires_next_when_celery_says(fields: tuple[str, ...], start: datetime) -> None:
    now = start.replace(tzinfo=UTC)
    own = crontab(*fields[:2], day_of_month=fields[2], month_of_year=fields[3], day_of_week=fields[4],
                  nowfun=lambda: now, app=APP)  # fmt: skip
    expected = now + own.remaining_estimate(now)

    found = next(firings(timing_of(own), now, now + timedelta(days=4000)), None)

    if found is None:
        assert expected - now >= timedelta(days=4000)
    elif found == now:  # at the very second: Celery tells the one after it
        assert expected > now
    else:
        assert abs(found - expected) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        (datetime(2026, 3, 29, tzinfo=UTC), "01:30"),  # 02:30 does not exist: 03:30 summer time
        (datetime(2026, 10, 25, tzinfo=UTC), "00:30"),  # 02:30 is there twice: once, the first time
        (datetime(2026, 7, 1, tzinfo=UTC), "00:30"),
    ],
)
def test_a_daily_entry_fires_once_when_clocks_change(day: datetime, utc: str) -> None:
    timing = in_zone(cron("30", "2"), "Europe/Berlin")

    found = list(firings(timing, day, day + timedelta(days=1)))

    assert [at.strftime("%H:%M") for at in found] == [utc]
    assert found[0].astimezone(ZoneInfo("Europe/Berlin")).date() == day.date()


@pytest.mark.parametrize(
    ("timing", "seconds"),
    [
        (Interval(15), 15),
        (cron(), 60),
        (cron("0,10"), 600),  # 10 minutes, then 50
        (cron("0", "2"), 86_400),
        (cron("0", "2", weekday="mon,tue"), 86_400),  # now is between the two
        (cron("0", "2", day="1"), 28 * 86_400),  # 1 February to 1 March, of the months within 800 days
        (cron("0", "2", day="1", month="1"), 365 * 86_400),
        (Clocked(NOW + timedelta(hours=1)), None),
        (Clocked(NOW - timedelta(hours=1)), None),
        (Unreadable("?"), None),
        (Solar("sunrise"), 86_000),
    ],
)
def test_the_shortest_time_between_two_firings(timing: Timing, seconds: float | None) -> None:
    assert shortest_gap_seconds(timing, NOW) == seconds


@pytest.mark.parametrize(
    ("timing", "ttl", "lost"),
    [
        (Interval(15), 60, (3, 4)),
        (Interval(15), 61, (4, 5)),
        (Interval(15), 15, (0, 1)),
        (cron("0"), 3600, (0, 336)),
        (cron("0"), 3601, (168, 336)),  # every second run
        (cron("0", "2"), 3600, (0, 14)),
    ],
)
def test_how_many_runs_find_an_earlier_result(timing: Timing, ttl: float, lost: tuple[int, int]) -> None:
    assert swallowed(timing, ttl, NOW) == lost


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        (cron("0", "2"), cron("0", "*/2"), True),
        (cron("0", "2"), cron("1", "2"), False),
        (
            cron("0", "2"),
            in_zone(cron("0", "3"), "Europe/Berlin"),
            True,
        ),  # 02:00 UTC is 03:00 there in winter
        (Clocked(datetime(2026, 3, 3, 2, tzinfo=UTC)), cron("0", "2"), True),
        (Interval(60), cron("0", "2"), None),
        (Interval(60), Interval(60), None),
    ],
)
def test_whether_two_schedules_fire_together(one: Timing, other: Timing, answer: bool | None) -> None:
    assert meet(one, other, NOW) is answer
