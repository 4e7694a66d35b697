"""Laws of what a gate lets through: the ramp, the retry budget, calls at once, and what a process remembers."""

import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from redrive.gate import Gate, GateSettings, Outcome, Run, flow
from redrive.gate.document import Document, replace
from redrive.gate.service import MOST_REMEMBERED
from redrive.gate.types import BreakerState
from redrive.testing import FakeClock, MemoryLeaseStore

RATES = st.floats(0.01, 10_000)


@given(expected=RATES, share=st.floats(0.05, 1.0), steps=st.lists(st.floats(0, 60), max_size=40))
def test_a_ramp_never_slows_down_by_itself_and_ends_at_its_cap(
    expected: float, share: float, steps: list[float]
) -> None:
    document = replace(Document(), state=BreakerState.RAMP, expected=expected)
    document = flow.begin_ramp(document, at=1000.0, start=share * expected, ceiling=expected)

    moment, before = 1000.0, flow.rate(document, 1000.0)
    for step in steps:
        moment += step
        now = flow.rate(document, moment)
        assert before - 1e-6 * before <= now <= flow.cap(document)
        before = now
    assert flow.rate(document, 1000.0 + 600) == flow.cap(document)


@given(
    usual=st.floats(0, 1000),
    events=st.lists(st.tuples(st.floats(0, 30), st.sampled_from(["retry", "success"])), max_size=80),
)
def test_a_retry_budget_is_never_negative_and_never_more_than_can_be_saved(
    usual: float, events: list[tuple[float, str]]
) -> None:
    document = Document(usual_ok=usual * 300, usual_seconds=300.0)
    full, moment, granted, successes = flow.largest_budget(document), 0.0, 0, 0

    for passed, what in events:
        moment += passed
        if what == "retry":
            document, enough = flow.spend(document, moment)
            granted += enough
        else:
            document = flow.deposit(document, moment, 1)
            successes += 1
        assert document.budget is None or 0 <= document.budget <= full

    per_second = max(flow.RESERVE, flow.RESERVE_SHARE * usual)
    assert granted <= full + per_second * moment + flow.DEPOSIT * successes + 1e-6


@given(
    most=st.integers(1, 5),
    moves=st.lists(st.tuples(st.sampled_from(["call", "end", "fail"]), st.floats(0, 5)), max_size=60),
    seed=st.integers(0, 99),
)
def test_never_more_calls_at_once_than_declared(most: int, moves: list[tuple[str, float]], seed: int) -> None:
    """Within a slot's lease: whatever ends, fails or waits, and in any order."""
    clock, rng = FakeClock(), random.Random(seed)
    gate = Gate(
        MemoryLeaseStore(clock), GateSettings(concurrency=most, slot_lease=timedelta(hours=1)), rng=rng
    )
    running: list[Run] = []

    for number, (move, seconds) in enumerate(moves):
        clock.advance(seconds=seconds)
        if move == "call":
            answer = gate.admit("t", "d", f"run-{number}", waited=rng.random() < 0.5)
            if isinstance(answer, Run):
                running.append(answer)
        elif running:
            run = running.pop(rng.randrange(len(running)))
            failed = Outcome.failure("EXTERNAL_TIMEOUT", threshold=50, open_seconds=60)
            gate.report("t", "d", run, failed if move == "fail" else Outcome.success())
        assert len(running) <= most


def test_a_process_remembers_a_bounded_number_of_downstreams_and_tells_before_it_forgets() -> None:
    clock = FakeClock()
    gate = Gate(MemoryLeaseStore(clock), clock=clock)
    for number in range(MOST_REMEMBERED + 5):
        run = gate.admit("t", f"host-{number}", "a")
        assert isinstance(run, Run)
        gate.report("t", f"host-{number}", run, Outcome.success())
        gate.report("t", f"host-{number}", run, Outcome.success())

    assert len(gate._seen) <= MOST_REMEMBERED

    told = {one.downstream: one.successes for one in gate.states().breakers}
    assert told["host-0"] == 2
