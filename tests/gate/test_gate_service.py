"""The gate as an object: other downstreams, a store that is away, what pages see."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from redrive.gate import Gate, GateStates, Hold, Outcome, Override, Reported, Run
from redrive.leases import Change, Lease, StoreUnavailable
from redrive.testing import FakeClock, MemoryLeaseStore

T = TypeVar("T")


class AbsentStore:
    def transact(self, kind: str, key: str, change: Change[T]) -> T:
        raise StoreUnavailable("connection refused")

    def get(self, kind: str, key: str) -> Lease | None:
        raise StoreUnavailable("connection refused")

    def all(self, kind: str) -> Sequence[Lease]:
        raise StoreUnavailable("connection refused")


class LeavingStore(MemoryLeaseStore):
    """A store that is away while it is told to be."""

    away = False

    def transact(self, kind: str, key: str, change: Change[T]) -> T:
        if self.away:
            raise StoreUnavailable("connection refused")
        return super().transact(kind, key, change)


def _trip(gate: Gate, downstream: str) -> None:
    for n in range(3):
        run = gate.admit("t", downstream, f"run-{n}")
        assert isinstance(run, Run)
        gate.report(
            "t", downstream, run, Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=1800)
        )


def test_one_downstreams_outage_does_not_hold_calls_to_another() -> None:
    gate = Gate(MemoryLeaseStore(FakeClock()))
    _trip(gate, "stripe")

    assert isinstance(gate.admit("t", "stripe", "a"), Hold)
    assert isinstance(gate.admit("t", "mail", "a"), Run)


def test_with_the_store_away_everything_goes_through_and_says_so() -> None:
    gate = Gate(AbsentStore())

    run = gate.admit("t", "stripe", "a")

    assert run == Run(degraded=True)
    assert gate.report("t", "stripe", run, Outcome.success()) == Reported(counted=False, degraded=True)
    assert gate.report("t", "stripe", Run(), Outcome.success()) == Reported(counted=False, degraded=True)
    assert gate.states() == GateStates(degraded=True, known=False)


def test_states_are_json_ready_and_sorted() -> None:
    gate = Gate(MemoryLeaseStore(FakeClock(datetime(2026, 1, 1, 12, tzinfo=UTC))))
    run = gate.admit("t", "mail", "a")
    assert isinstance(run, Run)
    gate.report("t", "mail", run, Outcome.success(7))
    _trip(gate, "stripe")

    mail, stripe = (status.to_dict() for status in gate.states().breakers)

    assert (mail["downstream"], mail["state"], mail["successes"], mail["until"]) == (
        "mail",
        "closed",
        7,
        None,
    )
    assert stripe == {
        "downstream": "stripe",
        "state": "open",
        "reason": (
            "3 EXTERNAL_API_DOWN from stripe within 60 s, 3 of 3 calls failed. Open until 12:00:10 UTC."
        ),
        "failure_type": "EXTERNAL_API_DOWN",
        "failures": 0,
        "successes": 0,
        "times_opened": 1,
        "opened_at": "2026-01-01T12:00:00+00:00",
        "until": "2026-01-01T12:00:10+00:00",
        "probe_until": None,
        "waiting": 1,
        "rate": None,
        "concurrency": None,
        "in_flight": None,
        "override": None,
        "override_by": "",
        "override_until": None,
    }


def test_another_store_that_stands_in_holds_as_well_and_says_degraded() -> None:
    gate = Gate(AbsentStore(), fallbacks=[MemoryLeaseStore(FakeClock())])
    _trip(gate, "stripe")

    assert isinstance(gate.admit("t", "stripe", "a"), Hold)
    states = gate.states()
    assert (states.degraded, states.known) == (True, True)
    assert [one.state for one in states.breakers] == ["open"]


def test_an_operators_word_counts_in_the_store_that_will_stand_in() -> None:
    first, second = MemoryLeaseStore(FakeClock()), MemoryLeaseStore(FakeClock())
    Gate(first, fallbacks=[second]).override("stripe", Override.FORCED_OPEN, by="mia")

    alone = Gate(AbsentStore(), fallbacks=[second])

    assert isinstance(alone.admit("t", "stripe", "a"), Hold)


def test_a_hold_says_how_long_by_the_stores_clock() -> None:
    store_clock = FakeClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
    gate = Gate(MemoryLeaseStore(store_clock), rng=random.Random(1))
    _trip(gate, "stripe")

    hold = gate.admit("t", "stripe", "a")

    assert isinstance(hold, Hold)
    an_hour_ahead = datetime(2026, 1, 1, 13, tzinfo=UTC)
    left = (hold.until - store_clock.now()).total_seconds()
    assert hold.seconds_from(an_hour_ahead) == pytest.approx(left, abs=1e-5)


@pytest.mark.parametrize("told", ["by a flush", "with a failure", "with a failure of this process alone"])
def test_successes_that_a_store_did_not_hear_of_are_told_when_it_is_back(told: str) -> None:
    clock = FakeClock()
    store = LeavingStore(clock)
    gate = Gate(store, clock=clock, local=MemoryLeaseStore(clock))
    run = gate.admit("t", "mail", "a")
    assert isinstance(run, Run)
    for _ in range(5):
        gate.report("t", "mail", run, Outcome.success())
    failure = Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=1800)

    store.away = True
    if told == "by a flush":
        gate.flush()
    else:
        gate.report("t", "mail", Run(degraded=told != "with a failure"), failure)
    store.away = False
    gate.flush()

    (mail,) = gate.states().breakers
    # The first success is told at once, four are summed up; the failure stays untold.
    assert (mail.successes, mail.failures) == (5, 0)


def test_successes_from_before_a_reset_are_not_told_after_it() -> None:
    clock = FakeClock()
    store = LeavingStore(clock)
    gate = Gate(store, clock=clock)
    run = gate.admit("t", "mail", "a")
    assert isinstance(run, Run)
    for _ in range(5):
        gate.report("t", "mail", run, Outcome.success())

    store.away = True
    gate.flush()
    store.away = False
    gate.reset("mail", by="mia")
    gate.flush()

    assert gate.states().breakers[0].successes == 0
