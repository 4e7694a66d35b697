"""Retries enter a queue that is far behind one by one, and nobody is delayed for long."""

from hypothesis import given
from hypothesis import strategies as st

from redrive.keeper.admission import BURST, FAR_BEHIND, LONGEST_SECONDS, PER_SECOND, Admission

DEEP = FAR_BEHIND + 1


def test_a_queue_that_keeps_up_or_is_not_known_delays_nobody() -> None:
    admission = Admission()

    for depth in (None, 0, 101, FAR_BEHIND):
        waits = [admission.wait_seconds("celery", depth, 0.0) for _ in range(100)]
        assert set(waits) == {0.0}


def test_after_a_burst_they_come_one_after_the_other() -> None:
    admission = Admission()

    waits = [admission.wait_seconds("celery", DEEP, 5.0) for _ in range(20)]

    assert waits[:BURST] == [0.0] * BURST
    assert waits[BURST:] == [place / PER_SECOND for place in range(1, 21 - BURST)]


def test_more_than_fit_are_spread_over_the_longest_delay() -> None:
    admission = Admission()

    waits = [admission.wait_seconds("celery", DEEP, 0.0) for _ in range(1200)]

    assert max(waits) <= LONGEST_SECONDS
    most = max(waits.count(wait) for wait in set(waits) - {0.0})
    assert most <= 1200 / (LONGEST_SECONDS * PER_SECOND) + 1


def test_queues_do_not_wait_for_each_other_and_one_that_has_caught_up_is_forgotten() -> None:
    admission = Admission()
    for _ in range(50):
        admission.wait_seconds("slow", DEEP, 0.0)

    assert admission.wait_seconds("other", DEEP, 0.0) == 0
    assert admission.wait_seconds("slow", 10, 0.0) == 0
    assert admission.wait_seconds("slow", DEEP, 0.0) == 0


@given(st.lists(st.floats(0, 30), max_size=100))
def test_as_long_as_they_fit_no_more_enter_than_the_rate_and_one_burst(pauses: list[float]) -> None:
    admission, now, entering = Admission(), 0.0, []
    for pause in pauses:
        now += pause
        entering.append(now + admission.wait_seconds("celery", DEEP, now))

    for first, at in enumerate(sorted(entering)):
        within = sum(at <= other < at + 10 for other in entering)
        assert within <= BURST + 10 * PER_SECOND + 1, first
