"""One bad host, one bad task type, too many calls at once, operators, and stores that are away."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from redrive.gate import BreakerState, Gate, GateSettings, Hold, Outcome, Override, Run
from redrive.leases import StoreUnavailable
from redrive.testing import FakeClock, MemoryLeaseStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DOWN = Outcome.failure("TRANSIENT_NETWORK", threshold=5, open_seconds=600)
DEADLOCK = Outcome.failure("TRANSIENT_DATABASE", threshold=10, open_seconds=300)


class Fleet:
    """Gates of two hosts on one store."""

    def __init__(self, settings: GateSettings | None = None) -> None:
        self.clock = FakeClock(NOON)
        self.store = MemoryLeaseStore(self.clock)
        self.hosts = {
            name: Gate(self.store, settings, host=name, rng=random.Random(1)) for name in ("one", "two")
        }
        self.gate = self.hosts["one"]

    def call(self, outcome: Outcome, *, host: str = "one", task: str = "shop.pay", run: Run | None = None):  # type: ignore[no-untyped-def]  # Reported
        answer = run or self.hosts[host].admit(task, "stripe", "owner")
        assert isinstance(answer, Run)
        return self.hosts[host].report(task, "stripe", answer, outcome)

    @property
    def state(self) -> BreakerState | None:
        return self.gate.state_of("stripe")


def test_failures_on_one_host_alone_open_nothing_while_another_host_works() -> None:
    fleet = Fleet()
    fleet.call(Outcome.success(), host="two")

    for _ in range(30):
        fleet.call(DOWN, host="one")
    assert fleet.state is BreakerState.CLOSED

    fleet.call(DOWN, host="two")
    assert fleet.state is BreakerState.OPEN


def test_where_one_host_is_all_there_is_its_failures_open_it() -> None:
    fleet = Fleet()
    for _ in range(5):
        fleet.call(DOWN)

    assert fleet.state is BreakerState.OPEN


def test_a_poison_task_type_does_not_stop_its_siblings_and_is_told_so() -> None:
    fleet = Fleet()
    for _ in range(20):
        fleet.call(Outcome.success(), task="shop.ship")

    reports = [fleet.call(DOWN, task="shop.poison") for _ in range(200)]

    assert fleet.state is BreakerState.CLOSED
    assert [report.poison for report in reports] == [False] * 9 + [True] * 191
    assert all(report.spends_attempt for report in reports)


def test_a_type_counts_as_poison_when_its_siblings_have_nothing_to_do_until_it_succeeds() -> None:
    fleet = Fleet()
    for _ in range(20):
        fleet.call(Outcome.success(), task="shop.ship")
    for _ in range(20):
        fleet.call(DOWN, task="shop.poison")
    fleet.clock.advance(minutes=5)

    for _ in range(20):
        fleet.call(DOWN, task="shop.poison")
    assert fleet.state is BreakerState.CLOSED

    fleet.call(Outcome.success(), task="shop.poison")
    fleet.clock.advance(minutes=1)
    for _ in range(5):
        fleet.call(DOWN, task="shop.poison")
    assert fleet.state is BreakerState.OPEN


def test_a_failure_spends_no_attempt_while_the_breaker_is_not_closed() -> None:
    fleet = Fleet()
    early = [fleet.gate.admit("shop.pay", "stripe", f"early-{n}") for n in range(2)]
    spent = [fleet.call(DOWN).spends_attempt for _ in range(5)]
    assert isinstance(early[0], Run)
    assert isinstance(early[1], Run)

    late = fleet.call(DOWN, run=early[0])
    own_fault = fleet.call(Outcome.failure("PERMANENT_LOGIC", threshold=0, open_seconds=0), run=early[1])

    assert spent == [True, True, True, True, False]  # the fifth opened it
    assert not late.counted
    assert not late.spends_attempt
    assert late.until is not None
    assert late.until >= NOON + timedelta(seconds=10)
    assert own_fault.spends_attempt


def test_postponing_ends_after_six_calls_of_one_task() -> None:
    fleet = Fleet()
    for _ in range(5):
        fleet.call(DOWN)
    fleet.clock.advance(seconds=10)

    sixth = Outcome.failure("TRANSIENT_NETWORK", threshold=5, open_seconds=600, attempt=7)

    assert fleet.call(sixth).spends_attempt


def test_a_declared_number_of_calls_at_once_is_never_exceeded_and_lapses_with_its_lease() -> None:
    fleet = Fleet(GateSettings(concurrency=3, slot_lease=timedelta(minutes=5)))
    runs = [fleet.gate.admit("shop.pay", "stripe", f"run-{n}") for n in range(5)]
    assert [isinstance(answer, Run) for answer in runs] == [True, True, True, False, False]

    assert isinstance(runs[0], Run)
    fleet.call(Outcome.nothing(), run=runs[0])  # gives its place back, and says nothing else
    assert isinstance(fleet.gate.admit("shop.pay", "stripe", "next"), Run)
    assert isinstance(fleet.gate.admit("shop.pay", "stripe", "one more"), Hold)

    fleet.clock.advance(minutes=6)  # three workers were killed
    assert isinstance(fleet.gate.admit("shop.pay", "stripe", "later"), Run)


def test_a_declared_rate_is_kept() -> None:
    fleet = Fleet(GateSettings(rate=10))
    went = 0
    for _ in range(600):
        went += isinstance(fleet.gate.admit("shop.pay", "stripe", "run"), Run)
        fleet.clock.advance(seconds=0.1 / 3)

    assert went == pytest.approx(10 * 20 + 12, abs=3)  # 20 s, and 1.2 seconds' worth that the bucket held


def test_what_exceeds_a_declared_rate_comes_back_at_that_rate() -> None:
    fleet = Fleet(GateSettings(rate=100))
    answers = [fleet.gate.admit("shop.pay", "stripe", f"run-{n}") for n in range(1000)]

    last = max(answer.until for answer in answers if isinstance(answer, Hold))
    assert 7 <= (last - NOON).total_seconds() <= 11


def test_the_retry_budget_makes_retries_wait_and_never_goes_below_zero() -> None:
    fleet = Fleet()
    answers = [fleet.gate.admit("shop.pay", "stripe", f"retry-{n}", retry_count=1) for n in range(40)]

    assert sum(isinstance(answer, Run) for answer in answers) == 20
    lease = fleet.store.get("gate", "stripe")
    assert lease is not None
    assert lease.data.get("budget", 0.0) >= 0
    held = next(answer for answer in answers if isinstance(answer, Hold))
    assert held.reason == "stripe: too many retries at once."
    assert 5 <= (held.until - NOON).total_seconds() <= 30
    assert isinstance(fleet.gate.admit("shop.pay", "stripe", "fresh"), Run)


def test_deadlocks_find_out_how_many_calls_at_once_are_too_many() -> None:
    fleet = Fleet()
    for number in range(20):
        fleet.call(DEADLOCK if number % 3 == 0 else Outcome.success())
    for _ in range(8):
        runs = [fleet.gate.admit("shop.pay", "stripe", f"run-{n}") for n in range(12)]
        for number, answer in enumerate(runs):
            if isinstance(answer, Run):
                fleet.call(DEADLOCK if number % 4 == 0 else Outcome.success(), run=answer)
        fleet.clock.advance(seconds=2)

    found = fleet.gate.states().breakers[0]

    assert found.state is BreakerState.CLOSED
    assert found.concurrency == 10  # nine tenths of the twelve that were in flight


def test_a_keepers_permit_is_good_for_its_worker_until_the_breaker_changes() -> None:
    fleet = Fleet()
    for _ in range(5):
        fleet.call(DOWN)
    fleet.clock.advance(seconds=10)
    probe = fleet.gate.admit("shop.pay", "stripe", "task-1")
    assert isinstance(probe, Run)
    sent = Run.from_dict(probe.to_dict())

    shown = fleet.hosts["two"].admit("shop.pay", "stripe", "task-1", ticket=sent)
    stranger = fleet.hosts["two"].admit("shop.pay", "stripe", "task-2", ticket=sent)

    assert isinstance(shown, Run)
    assert shown.probe
    assert isinstance(stranger, Hold)


@pytest.mark.parametrize("header", [None, 5, "x", {}, {"generation": "x", "probe": True}, {"generation": 1}])
def test_a_permit_from_a_stranger_is_none(header: object) -> None:
    assert Run.from_dict(header) is None  # type: ignore[arg-type]  # whatever a message may bring


class TestOperators:
    def test_forced_open_holds_everyone_and_lapses(self) -> None:
        fleet = Fleet()
        event = fleet.gate.override(
            "stripe", Override.FORCED_OPEN, by="ann", reason="moving", lasts=timedelta(hours=1)
        )

        assert event.reason == "ann sets forced open: stripe. moving"
        assert isinstance(fleet.hosts["two"].admit("shop.pay", "stripe", "a"), Hold)
        fleet.clock.advance(hours=1)
        assert isinstance(fleet.hosts["two"].admit("shop.pay", "stripe", "a"), Run)

    def test_forced_closed_lets_everyone_through_an_open_breaker_and_can_be_taken_back(self) -> None:
        fleet = Fleet()
        for _ in range(5):
            fleet.call(DOWN)
        fleet.gate.override("stripe", Override.FORCED_CLOSED, by="ann")
        assert fleet.call(DOWN).spends_attempt

        fleet.gate.override("stripe", None, by="ann")
        assert isinstance(fleet.gate.admit("shop.pay", "stripe", "a"), Hold)

    @pytest.mark.parametrize(
        ("kind", "left"), [(Override.FORCED_OPEN, 0), (Override.FORCED_CLOSED, 1), (Override.OBSERVE, 1)]
    )
    def test_the_place_of_a_permit_outlives_no_call_that_an_operator_holds(
        self, kind: Override, left: int
    ) -> None:
        fleet = Fleet(GateSettings(concurrency=3))
        permit = fleet.gate.admit("shop.pay", "stripe", "keeper")
        assert isinstance(permit, Run)
        fleet.gate.override("stripe", kind, by="ann")

        answer = fleet.gate.admit("shop.pay", "stripe", "worker", ticket=permit)

        assert fleet.gate.states().breakers[0].in_flight == left
        if isinstance(answer, Run):
            fleet.call(Outcome.success(), run=answer)
            assert fleet.gate.states().breakers[0].in_flight == 0

    def test_observing_says_why_it_would_have_held(self) -> None:
        fleet = Fleet()
        fleet.gate.override("stripe", Override.OBSERVE, by="ann")
        for _ in range(5):
            fleet.call(DOWN)

        answer = fleet.gate.admit("shop.pay", "stripe", "a")

        assert fleet.state is BreakerState.OPEN
        assert isinstance(answer, Run)
        assert "5 of 5 calls failed" in answer.observed

    def test_reset_forgets_everything(self) -> None:
        fleet = Fleet()
        for _ in range(5):
            fleet.call(DOWN)

        fleet.gate.reset("stripe", by="ann")

        assert isinstance(fleet.gate.admit("shop.pay", "stripe", "a"), Run)
        assert fleet.state is BreakerState.CLOSED


class AwayStore(MemoryLeaseStore):
    """A store that is away while told so."""

    away = False

    def transact(self, kind, key, change):  # type: ignore[no-untyped-def]  # as LeaseStore
        if self.away:
            raise StoreUnavailable("connection refused")
        return super().transact(kind, key, change)


def test_with_every_store_away_a_process_protects_itself_and_says_so() -> None:
    clock = FakeClock(NOON)
    shared = AwayStore(clock)
    shared.away = True
    gate = Gate(shared, local=MemoryLeaseStore(clock))
    for _ in range(5):
        run = gate.admit("shop.pay", "stripe", "a")
        assert isinstance(run, Run)
        assert run.degraded
        gate.report("shop.pay", "stripe", run, DOWN)

    assert isinstance(gate.admit("shop.pay", "stripe", "a"), Hold)
    shared.away = False
    assert isinstance(gate.admit("shop.pay", "stripe", "a"), Run)


def test_a_process_that_remembers_a_closed_breaker_protects_itself_as_soon() -> None:
    clock = FakeClock(NOON)
    shared = AwayStore(clock)
    gate = Gate(shared, clock=clock, local=MemoryLeaseStore(clock))
    run = gate.admit("shop.pay", "stripe", "a")
    shared.away = True  # within the second that the answer is good for
    calls = 0
    while isinstance(run, Run) and calls < 50:
        calls += 1
        gate.report("shop.pay", "stripe", run, DOWN)
        run = gate.admit("shop.pay", "stripe", "a")

    assert calls == DOWN.threshold


def test_with_the_first_store_away_the_fleet_shares_the_second() -> None:
    clock = FakeClock(NOON)
    first, second = AwayStore(clock), MemoryLeaseStore(clock)
    first.away = True
    gates = [Gate(first, fallbacks=(second,)) for _ in range(2)]
    for number in range(5):
        run = gates[number % 2].admit("shop.pay", "stripe", "a")
        assert isinstance(run, Run)
        assert not run.degraded
        gates[number % 2].report("shop.pay", "stripe", run, DOWN)

    assert isinstance(gates[0].admit("shop.pay", "stripe", "a"), Hold)


def test_a_worker_asks_about_a_closed_breaker_once_a_second_and_tells_its_successes_as_often() -> None:
    clock = FakeClock(NOON)
    store = MemoryLeaseStore(clock)
    busy, other = Gate(store, clock=clock), Gate(store)
    for _ in range(30):
        run = busy.admit("shop.pay", "stripe", "a")
        assert isinstance(run, Run)
        busy.report("shop.pay", "stripe", run, Outcome.success())
        clock.advance(seconds=0.1)
    told = other.states().breakers[0].successes
    busy.flush()

    assert 20 <= told < 30
    assert other.states().breakers[0].successes == 30

    for _ in range(31):
        other.report("shop.pay", "stripe", Run(), DOWN)
    assert other.state_of("stripe") is not BreakerState.CLOSED
    clock.advance(seconds=1)
    answer = busy.admit("shop.pay", "stripe", "b")
    assert isinstance(answer, Hold) or not answer.free
