"""Retries enter a queue that is far behind one by one, and leave a queue that is not alone."""

import math

from hypothesis import given
from hypothesis import strategies as st

from redrive.keeper.admission import BURST, FAR_BEHIND, LONGEST_SECONDS, PER_SECOND, Admission

DEEP = FAR_BEHIND + 1


def test_a_queue_that_keeps_up_or_is_not_known_holds_nobody() -> None:
    admission = Admission()

    for depth in (None, 0, 101, FAR_BEHIND):
        waits = [admission.wait_seconds("celery", depth, held=False, now=0.0) for _ in range(100)]
        assert set(waits) == {0.0}


def test_those_that_find_no_token_come_back_one_after_the_other() -> None:
    admission = Admission()

    waits = [admission.wait_seconds("celery", DEEP, held=False, now=5.0) for _ in range(20)]

    gone = waits.count(0.0)
    assert 0 < gone < BURST
    assert waits[gone:] == [place / PER_SECOND for place in range(1, 21 - gone)]


def test_nobody_waits_longer_than_the_row_for_a_queue_that_may_catch_up() -> None:
    admission = Admission()

    waits = [admission.wait_seconds("celery", DEEP, held=True, now=0.0) for _ in range(1000)]

    assert max(waits) <= LONGEST_SECONDS
    assert max(waits.count(wait) for wait in set(waits) - {0.0}) == math.ceil(
        (1000 - BURST) / LONGEST_SECONDS
    )


def test_those_that_were_held_go_before_those_due_for_the_first_time() -> None:
    admission = Admission()
    while admission.wait_seconds("celery", DEEP, held=False, now=0.0) == 0:
        pass

    assert admission.wait_seconds("celery", DEEP, held=False, now=0.0) > 0
    assert admission.wait_seconds("celery", DEEP, held=True, now=0.0) == 0


def test_queues_do_not_wait_for_each_other_and_one_that_has_caught_up_is_forgotten() -> None:
    admission = Admission()
    for _ in range(50):
        admission.wait_seconds("slow", DEEP, held=True, now=0.0)

    assert admission.wait_seconds("other", DEEP, held=True, now=0.0) == 0
    assert admission.wait_seconds("slow", 10, held=True, now=0.0) == 0
    assert admission.wait_seconds("slow", DEEP, held=True, now=0.0) == 0


@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=200))
def test_no_more_enter_than_the_rate_and_one_burst(asked: list[tuple[float, bool]]) -> None:
    admission, now, entered = Admission(), 0.0, 0
    for pause, held in asked:
        now += pause
        entered += admission.wait_seconds("celery", DEEP, held=held, now=now) == 0

        assert entered <= BURST + now * PER_SECOND + 1e-6
