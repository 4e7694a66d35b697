"""With no fresh calls it is the work that waits that probes, as soon as the open time is over."""

import random
from datetime import timedelta

import pytest

from redrive.gate import Gate, Hold, Outcome, Run
from redrive.testing import FakeClock, MemoryLeaseStore

DOWN = Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=1800)


@pytest.mark.parametrize("waiting", [1, 3, 30])
def test_waiting_work_of_one_task_type_probes_within_seconds_of_the_open_times_end(waiting: int) -> None:
    clock = FakeClock()
    gate = Gate(MemoryLeaseStore(clock), rng=random.Random(1))
    for number in range(3):
        run = gate.admit("shop.pay", "bank", f"first-{number}")
        assert isinstance(run, Run)
        gate.report("shop.pay", "bank", run, DOWN)
    row = []
    for number in range(waiting):
        hold = gate.admit("shop.pay", "bank", f"{number}")
        assert isinstance(hold, Hold)
        row.append((hold.until, f"{number}"))

    late = []
    for _ in range(400):
        row.sort()
        due, name = row.pop(0)
        clock.advance(max(timedelta(0), due - clock.now()))
        open_until = gate.states().breakers[0].until
        answer = gate.admit("shop.pay", "bank", name, waited=True)
        if isinstance(answer, Run):
            assert answer.probe
            assert open_until is not None
            late.append((clock.now() - open_until).total_seconds())
            reported = gate.report("shop.pay", "bank", answer, DOWN)
            assert reported.until is not None
            row.append((reported.until, name))
        else:
            row.append((answer.until, name))

    # Each has a place of its own in a row that moves at 0.7 of a call a second at least: 1.5 s from one to the next.
    assert len(late) >= 10
    assert max(late) < 3.0


def test_where_two_task_types_wait_the_other_one_probes_next() -> None:
    clock = FakeClock()
    gate = Gate(MemoryLeaseStore(clock), rng=random.Random(1))
    for number in range(3):
        run = gate.admit("shop.pay", "bank", f"first-{number}")
        assert isinstance(run, Run)
        gate.report("shop.pay", "bank", run, DOWN)
    clock.advance(timedelta(seconds=11))
    probe = gate.admit("shop.pay", "bank", "a")
    assert isinstance(probe, Run)
    gate.report("shop.pay", "bank", probe, DOWN)
    assert isinstance(gate.admit("shop.refund", "bank", "b"), Hold)
    clock.advance(timedelta(seconds=15.1))

    assert isinstance(gate.admit("shop.pay", "bank", "c"), Hold)
    assert isinstance(gate.admit("shop.refund", "bank", "d"), Run)
