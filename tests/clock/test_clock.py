"""Clocks tell aware UTC, and the fake one moves only when told to."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from redrive.clock import Clock, SystemClock
from redrive.testing import FakeClock


def test_the_systems_clock_is_aware_utc_and_near_the_present() -> None:
    clock: Clock = SystemClock()

    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.monotonic() <= clock.monotonic()


def test_a_fake_clock_stands_still_until_it_is_moved() -> None:
    clock = FakeClock()
    before = clock.now()

    assert (clock.now(), clock.monotonic()) == (before, 0)
    clock.advance(timedelta(seconds=1), minutes=2, hours=1)
    assert (clock.now() - before, clock.monotonic()) == (timedelta(seconds=3721), 3721)


def test_a_fake_clock_never_goes_back() -> None:
    with pytest.raises(ValueError, match="only moves forward"):
        FakeClock().advance(seconds=-1)


def test_a_fake_clock_keeps_utc_and_refuses_naive_moments() -> None:
    berlin = timezone(timedelta(hours=1))

    assert FakeClock(datetime(2026, 1, 1, 13, tzinfo=berlin)).now().isoformat() == "2026-01-01T12:00:00+00:00"
    with pytest.raises(ValueError, match="needs an aware datetime"):
        FakeClock(datetime(2026, 1, 1))  # noqa: DTZ001
