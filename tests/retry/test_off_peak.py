"""When the off-peak window opens, also on the days clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.retry import OffPeak

BERLIN_NIGHT = OffPeak(start=time(22), end=time(6), timezone="Europe/Berlin")
LUNCH = OffPeak(start=time(12), end=time(13))


@pytest.mark.parametrize(
    ("window", "at", "opens"),
    [
        (LUNCH, "2026-01-01T11:59:59+00:00", "2026-01-01T12:00:00+00:00"),
        (LUNCH, "2026-01-01T12:00:00+00:00", "2026-01-01T12:00:00+00:00"),  # the start belongs to it
        (LUNCH, "2026-01-01T12:59:59+00:00", "2026-01-01T12:59:59+00:00"),
        (LUNCH, "2026-01-01T13:00:00+00:00", "2026-01-02T12:00:00+00:00"),  # the end does not
        (BERLIN_NIGHT, "2026-01-01T12:00:00+00:00", "2026-01-01T21:00:00+00:00"),  # 22:00 in winter
        (BERLIN_NIGHT, "2026-07-01T12:00:00+00:00", "2026-07-01T20:00:00+00:00"),  # 22:00 in summer
        (BERLIN_NIGHT, "2026-01-01T23:30:00+00:00", "2026-01-01T23:30:00+00:00"),  # past midnight
        (BERLIN_NIGHT, "2026-01-02T04:59:00+00:00", "2026-01-02T04:59:00+00:00"),
        (BERLIN_NIGHT, "2026-01-02T05:00:00+00:00", "2026-01-02T21:00:00+00:00"),
        # Clocks go forward on 29 March 2026 at 02:00: 02:30 does not exist, the window opens at 03:30.
        (
            OffPeak(start=time(2, 30), end=time(5), timezone="Europe/Berlin"),
            "2026-03-29T00:00:00+00:00",
            "2026-03-29T01:30:00+00:00",
        ),
        # Clocks go back on 25 October 2026: the night ends at 06:00, then 05:00 UTC.
        (BERLIN_NIGHT, "2026-10-25T04:59:00+00:00", "2026-10-25T04:59:00+00:00"),
        (BERLIN_NIGHT, "2026-10-25T05:00:00+00:00", "2026-10-25T21:00:00+00:00"),
    ],
)
def test_the_window_opens_by_the_zones_own_clock(window: OffPeak, at: str, opens: str) -> None:
    assert window.next_opening(datetime.fromisoformat(at)).isoformat() == opens


@given(
    st.times(),
    st.times(),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)),  # noqa: DTZ001  # made aware below
)
def test_the_next_opening_is_never_past_and_at_most_a_day_and_an_hour_away(
    start: time, end: time, zone: str, moment: datetime
) -> None:
    if start == end:
        return
    at = moment.replace(tzinfo=UTC)

    opening = OffPeak(start=start, end=end, timezone=zone).next_opening(at)

    assert at <= opening <= at + timedelta(hours=25)
    if opening > at:
        local = opening.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0).time()
        assert local == start or abs(local.hour * 60 + local.minute - start.hour * 60 - start.minute) <= 60


def test_a_window_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="06:00-06:00 is empty"):
        OffPeak(start=time(6), end=time(6))
    with pytest.raises(ValueError, match="no time zone 'Berlin'"):
        OffPeak(timezone="Berlin")
