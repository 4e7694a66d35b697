"""When the breaker opens, probes and closes."""

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

from redrive.gate import BreakerState, Gate, GateSettings, Hold, Outcome, Reported, Run
from redrive.testing import FakeClock, MemoryLeaseStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class First(random.Random):
    """No spread within a place in the row, so that moments can be written down."""

    def random(self) -> float:
        return 0.0


class Fleet:
    """A gate on a clock of its own, and the calls that go through it."""

    def __init__(self, settings: GateSettings | None = None, *, drops_expired: bool = False) -> None:
        self.clock = FakeClock(NOON)
        self.store = MemoryLeaseStore(self.clock, drops_expired=drops_expired)
        self.gate = Gate(self.store, settings, rng=First())

    def admit(self, owner: str = "run-1", task: str = "shop.pay") -> Run | Hold:
        return self.gate.admit(task, "stripe", owner)

    def run(self, owner: str = "run-1", task: str = "shop.pay") -> Run:
        answer = self.admit(owner, task)
        assert isinstance(answer, Run)
        return answer

    def hold_until(self, owner: str) -> datetime:
        answer = self.admit(owner)
        assert isinstance(answer, Hold)
        return answer.until

    def hold(self) -> Hold:
        answer = self.admit()
        assert isinstance(answer, Hold)
        return answer

    def open_until(self) -> datetime:
        until = self.gate.states().breakers[0].until
        assert until is not None
        return until

    def fail(
        self,
        run: Run | None = None,
        kind: str = "TRANSIENT_NETWORK",
        threshold: int = 5,
        timeout: float = 600,
    ) -> Reported:
        outcome = Outcome.failure(kind, threshold=threshold, open_seconds=timeout)
        return self.gate.report("shop.pay", "stripe", run or self.run(), outcome)

    def succeed(self, run: Run | None = None, count: int = 1) -> Reported:
        return self.gate.report("shop.pay", "stripe", run or self.run(), Outcome.success(count))

    def trip(self) -> Reported:
        reports = [self.fail() for _ in range(5)]
        return reports[-1]

    @property
    def state(self) -> str:
        states = {one.downstream: one.state.value for one in self.gate.states().breakers}
        return states.get("stripe", "closed")


@pytest.fixture(params=[False, True], ids=["keeps expired", "drops expired"])
def fleet(request: pytest.FixtureRequest) -> Fleet:
    """Decisions come out the same whether the store keeps or drops expired documents."""
    return Fleet(drops_expired=request.param)


def test_a_call_without_a_downstream_is_never_held(fleet: Fleet) -> None:
    assert fleet.gate.admit("shop.pay", None, "run-1") == Run()
    assert fleet.gate.report("shop.pay", None, Run(), Outcome.success()) == Reported(counted=False)


def test_asking_about_a_healthy_downstream_writes_nothing(fleet: Fleet) -> None:
    fleet.run()

    assert list(fleet.store.all("gate")) == []


def test_the_documented_number_of_failures_opens_it_and_one_fewer_does_not(fleet: Fleet) -> None:
    for _ in range(4):
        assert fleet.fail().transition is None
    assert fleet.state == "closed"

    transition = fleet.fail().transition

    assert transition is not None
    assert (transition.before, transition.after) == (BreakerState.CLOSED, BreakerState.OPEN)
    assert transition.until == NOON + timedelta(seconds=10)  # probed long before the policy's 600 s are over
    assert transition.reason == (
        "5 TRANSIENT_NETWORK from stripe within 60 s, 5 of 5 calls failed. Open until 12:00:10 UTC."
    )
    assert fleet.state == "open"


def test_failures_of_different_types_do_not_add_up(fleet: Fleet) -> None:
    for _ in range(4):
        fleet.fail(kind="TRANSIENT_NETWORK")
        fleet.fail(kind="EXTERNAL_TIMEOUT")

    assert fleet.state == "closed"


def test_failures_among_as_many_successes_do_not_open_it(fleet: Fleet) -> None:
    """Successes before the first failure count too: 5 % faults in a busy fleet reach any absolute number."""
    fleet.succeed(count=5)

    fleet.trip()  # 5 of 10 is not more than half
    assert fleet.state == "closed"

    fleet.fail()  # 6 of 11 is
    assert fleet.state == "open"


def test_failures_older_than_the_window_do_not_count(fleet: Fleet) -> None:
    for _ in range(4):
        fleet.fail()
    fleet.clock.advance(seconds=60)

    fleet.fail()
    assert fleet.state == "closed"


@pytest.mark.parametrize("kind", ["PERMANENT_VALIDATION", "PERMANENT_LOGIC"])
def test_failures_that_say_nothing_about_the_downstream_do_not_count(fleet: Fleet, kind: str) -> None:
    reports = [fleet.fail(kind=kind, threshold=0) for _ in range(50)]

    assert fleet.state == "closed"
    assert not any(report.counted for report in reports)


def test_an_open_breaker_holds_everyone_and_says_why(fleet: Fleet) -> None:
    fleet.trip()

    held = fleet.hold()

    # 12:00:10 is the place of the task whose failure opened it; unknown traffic is taken for one call a second, and
    # 0.75 a second may come back.
    assert (held.until - NOON).total_seconds() == pytest.approx(10 + 1 / 0.825, abs=0.01)
    assert "5 of 5 calls failed" in held.reason


def test_when_time_is_up_exactly_one_call_goes_as_a_probe(fleet: Fleet) -> None:
    fleet.trip()
    fleet.clock.advance(seconds=9.999)
    fleet.hold()
    fleet.clock.advance(seconds=0.001)

    answers = [fleet.admit(f"run-{n}") for n in range(20)]

    assert [isinstance(answer, Run) for answer in answers] == [True] + [False] * 19
    assert isinstance(answers[0], Run)
    assert answers[0].probe
    assert fleet.state == "half_open"


def test_a_successful_probe_begins_a_ramp_that_ends_closed_with_old_failures_forgotten(fleet: Fleet) -> None:
    fleet.trip()
    fleet.clock.advance(seconds=10)

    ramp = fleet.succeed(fleet.run()).transition
    fleet.clock.advance(seconds=60)
    closed = fleet.succeed(fleet.run()).transition

    assert ramp is not None
    assert (ramp.before, ramp.after) == (BreakerState.HALF_OPEN, BreakerState.RAMP)
    assert closed is not None
    assert (closed.before, closed.after) == (BreakerState.RAMP, BreakerState.CLOSED)
    for _ in range(4):
        fleet.fail()
    assert fleet.state == "closed"


def test_each_failed_probe_lengthens_the_wait_by_half_up_to_the_policys_timeout(fleet: Fleet) -> None:
    fleet.trip()
    waits = []
    for n in range(7):
        until = fleet.open_until()
        waits.append(round((until - fleet.clock.now()).total_seconds(), 2))
        fleet.clock.advance(until - fleet.clock.now())
        fleet.fail(fleet.run(task=f"task-{n}"), timeout=40)

    assert waits == [10, 15, 22.5, 33.75, 40, 40, 40]


def test_probes_stay_below_a_fiftieth_of_the_usual_calls(fleet: Fleet) -> None:
    """20 good calls within 95 s before: at most one probe in 50 * 95 / 20 = 237.5 s."""
    for _ in range(20):
        fleet.succeed()
        fleet.clock.advance(seconds=5)
    while fleet.state == "closed":
        fleet.fail()
    for n in range(15):
        fleet.clock.advance(fleet.open_until() - fleet.clock.now() + timedelta(microseconds=1))
        fleet.fail(fleet.run(task=f"task-{n}"))

    wait = (fleet.open_until() - fleet.clock.now()).total_seconds()

    assert wait == pytest.approx(237.5, rel=0.01)


def test_a_probe_that_never_reports_is_replaced_when_its_lease_ends(fleet: Fleet) -> None:
    fleet.trip()
    fleet.clock.advance(seconds=10)
    killed = fleet.run("killed")
    fleet.clock.advance(seconds=119)
    fleet.hold()
    fleet.clock.advance(seconds=1)

    second = fleet.run("second")

    assert second.probe
    assert not fleet.fail(killed).counted  # too late: not its turn any more
    assert fleet.succeed(second).counted
    assert fleet.state == "ramp"


def test_results_from_before_the_trip_are_ignored_after_it(fleet: Fleet) -> None:
    early = [fleet.run(f"early-{n}") for n in range(3)]
    fleet.trip()

    assert not fleet.fail(early[0]).counted
    assert not fleet.succeed(early[1]).counted
    fleet.clock.advance(seconds=10)
    fleet.succeed(fleet.run())
    assert not fleet.fail(early[2]).counted  # going again, but of another generation


def test_a_probe_that_fails_for_a_reason_of_its_own_leaves_the_place_to_the_next(fleet: Fleet) -> None:
    fleet.trip()
    fleet.clock.advance(seconds=10)
    fleet.fail(fleet.run("bad input"), kind="PERMANENT_VALIDATION", threshold=0)

    assert fleet.run("next", task="shop.ship").probe


def test_a_server_that_says_slow_down_is_left_alone_for_as_long_as_it_asked(fleet: Fleet) -> None:
    outcome = Outcome.failure("TRANSIENT_RATE_LIMIT", threshold=0, open_seconds=0, hint_seconds=30)
    fleet.gate.report("shop.pay", "stripe", fleet.run(), outcome)

    held = fleet.hold()
    # The call that was told so has the first place, 12:00:30; this one the next.
    assert (held.until - NOON).total_seconds() == pytest.approx(30 + 1 / 0.825, abs=0.01)
    assert held.reason == "stripe asked to slow down until 12:00:30 UTC."
    fleet.clock.advance(seconds=30)
    assert not fleet.run().probe


@pytest.mark.parametrize(("hint", "seconds"), [(10**9, 3600), (-5, 0), (float("nan"), 0), (float("inf"), 0)])
def test_a_senseless_hint_is_capped_or_ignored(fleet: Fleet, hint: float, seconds: float) -> None:
    outcome = Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=1800, hint_seconds=hint)
    fleet.gate.report("shop.pay", "stripe", fleet.run(), outcome)

    answer = fleet.admit()

    held_for = (answer.until - NOON).total_seconds() if isinstance(answer, Hold) else 0
    assert held_for == seconds


def test_held_calls_come_back_one_after_the_other() -> None:
    """At 10 calls a second before, what waits comes back at 8.25 a second from the next probe on."""
    fleet = Fleet()
    for _ in range(200):
        fleet.succeed()
        fleet.clock.advance(seconds=0.1)
    while fleet.state == "closed":
        fleet.fail()

    moments = [(fleet.hold_until(f"run-{n}") - fleet.clock.now()).total_seconds() for n in range(200)]

    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert min(gaps) == pytest.approx(max(gaps), rel=0.05)
    assert gaps[0] == pytest.approx(1 / 8.25, rel=0.05)


def test_a_downstream_nobody_needs_any_more_is_forgotten(fleet: Fleet) -> None:
    fleet.trip()
    fleet.clock.advance(hours=2)

    assert fleet.gate.states().breakers == ()
    assert not fleet.run().probe


def test_a_document_that_makes_no_sense_counts_as_none(fleet: Fleet) -> None:
    fleet.trip()
    from dataclasses import replace

    fleet.store.transact("gate", "stripe", lambda lease, _now: (replace(lease, data={"state": "ajar"}), None))  # type: ignore[type-var]

    assert fleet.run() == Run(free=True)
