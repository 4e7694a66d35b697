"""Low-priority work waits for a downstream's off-peak hours, by the zone's clock, and never until it is too late."""

import random
from datetime import datetime, time, timedelta

import pytest

from redrive.gate import Gate, GateSettings, Hold, Run
from redrive.retry import OffPeak
from redrive.testing import FakeClock, MemoryLeaseStore

BERLIN = GateSettings(off_peak=OffPeak(start=time(2, 30), end=time(5), timezone="Europe/Berlin"))


def ask(at: str, *, seconds_left: float | None = None, priority: str = "LOW") -> Run | Hold:
    gate = Gate(MemoryLeaseStore(FakeClock(datetime.fromisoformat(at))), BERLIN, rng=random.Random(1))
    return gate.admit("t", "bank", "a", priority=priority, seconds_left=seconds_left)


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        # 29 March 2026: 02:30 does not exist; clocks go from 02:00 to 03:00, and the window opens at 03:30 summer time.
        ("2026-03-29T00:00:00+00:00", "2026-03-29T01:30:00+00:00"),
        ("2026-03-28T12:00:00+00:00", "2026-03-29T01:30:00+00:00"),
        (
            "2026-03-29T03:00:00+00:00",
            "2026-03-30T00:30:00+00:00",
        ),  # 05:00, the end; the next one is in summer time
        # 25 October 2026: 02:30 comes twice; the first one, still in summer time, opens it.
        ("2026-10-24T12:00:00+00:00", "2026-10-25T00:30:00+00:00"),
        (
            "2026-10-25T04:00:00+00:00",
            "2026-10-26T01:30:00+00:00",
        ),  # 05:00 winter time; the next one is 02:30 of it
    ],
)
def test_a_hold_ends_when_the_window_opens_also_where_clocks_change(at: str, opens: str) -> None:
    hold = ask(at)

    assert isinstance(hold, Hold)
    assert timedelta(0) <= hold.until - datetime.fromisoformat(opens) <= timedelta(minutes=10)
    assert hold.wait_seconds == pytest.approx(
        (hold.until - datetime.fromisoformat(at)).total_seconds(), abs=0.001
    )


def test_within_the_repeated_hour_of_autumn_the_window_stays_open() -> None:
    for minutes in range(0, 210, 15):  # 02:30 summer time to 05:00 winter time is three and a half hours
        at = datetime.fromisoformat("2026-10-25T00:30:00+00:00") + timedelta(minutes=minutes)
        assert isinstance(ask(at.isoformat()), Run), at


@pytest.mark.parametrize(
    ("seconds_left", "answer"),
    [(None, Hold), (3601.0, Hold), (3600.0, Run), (60.0, Run), (-5.0, Run)],
)
def test_nothing_waits_for_a_window_that_opens_too_late(seconds_left: float | None, answer: type) -> None:
    # The window opens in an hour.
    said = ask("2026-07-01T23:30:00+00:00", seconds_left=seconds_left)

    assert isinstance(said, answer)
    if isinstance(said, Hold) and seconds_left is not None:
        assert said.wait_seconds is not None
        assert said.wait_seconds < seconds_left


def test_only_low_priorities_wait() -> None:
    assert isinstance(ask("2026-07-01T12:00:00+00:00", priority="HIGH"), Run)
    assert isinstance(ask("2026-07-01T12:00:00+00:00", priority="DEFERRED"), Hold)
