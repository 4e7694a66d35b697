"""What past retries and deep queues change."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.retry import DEFAULT_POLICIES, Samples, adapt
from redrive.retry.policies import change
from redrive.taxonomy import FailureType

NETWORK = DEFAULT_POLICIES[FailureType.TRANSIENT_NETWORK]  # 3 retries, first after 60 s


@pytest.mark.parametrize(
    ("successes", "total", "delay", "retries"),
    [
        (9, 9, 60, 3),  # too few samples
        (0, 9, 60, 3),
        (8, 10, 60, 3),  # exactly 80 % is not above it
        (9, 10, 42, 3),  # -30 %
        (3, 10, 60, 3),  # exactly 30 % is not below it
        (2, 10, 90, 2),  # +50 %, one retry fewer
    ],
)
def test_success_rate_changes_delays_and_retries(
    successes: int, total: int, delay: float, retries: int
) -> None:
    policy = adapt(NETWORK, Samples(successes, total))

    assert policy.initial_delay == pytest.approx(delay)
    assert policy.max_retries == retries


@pytest.mark.parametrize(("depth", "delay"), [(None, 60), (100, 60), (101, 78)])
def test_a_queue_deeper_than_100_lengthens_delays(depth: int | None, delay: float) -> None:
    assert adapt(NETWORK, Samples(), depth).initial_delay == pytest.approx(delay)


def test_adjustments_carry_the_numbers_they_rest_on() -> None:
    policy = adapt(NETWORK, Samples(1, 20), 500)

    assert [one.reason for one in policy.adjustments] == [
        "1 of 20 retries succeeded (95 % interval 1% to 24%): delays +50 %",
        "1 of 20 retries succeeded (95 % interval 1% to 24%): one retry fewer",
        "500 tasks in the queue: delays +30 %",
    ]
    assert policy.initial_delay == pytest.approx(117)  # 60 x 1.5 x 1.3


def test_learning_never_takes_the_last_retry() -> None:
    once = DEFAULT_POLICIES[FailureType.SYSTEM_OUT_OF_MEMORY]

    assert adapt(once, Samples(0, 50)).max_retries == 1


def test_where_nearly_nothing_succeeds_one_retry_is_enough() -> None:
    policy = adapt(NETWORK, Samples(0, 40))  # at most 8.8 % can be hoped for

    assert policy.max_retries == 1
    assert policy.adjustments[-1].reason.endswith("one retry only")


def test_retries_that_somebody_set_go_down_by_one_at_most() -> None:
    patient = change(NETWORK, "setting", "POLICIES", {"max_retries": 20})

    assert adapt(patient, Samples(0, 150)).max_retries == 19


def test_a_policy_may_refuse_to_learn_but_not_to_see_the_load() -> None:
    fixed = replace(NETWORK, learning=False)

    assert adapt(fixed, Samples(0, 40)) == fixed
    assert adapt(fixed, Samples(0, 40), 500).initial_delay == 78


def test_paused_learning_changes_nothing() -> None:
    assert adapt(NETWORK, Samples(0, 40), paused=True) == NETWORK


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 10**6))
def test_a_delay_stays_between_0_7_and_2_times_the_policys(good: int, bad: int, depth: int) -> None:
    policy = adapt(NETWORK, Samples(good, good + bad), depth)

    assert 0.7 * 60 <= policy.initial_delay <= 2 * 60
    assert 1 <= policy.max_retries <= 3


@given(st.lists(st.booleans(), min_size=10, max_size=60))
def test_learning_cannot_oscillate(outcomes: list[bool]) -> None:
    """What is learnt depends on what happened alone, and one more retry never swings it from short to long."""
    seen = Samples(sum(outcomes), len(outcomes))

    after = {adapt(NETWORK, Samples(seen.successes + one, seen.total + 1)).initial_delay for one in (0, 1)}

    assert after != {42.0, 90.0}
    assert adapt(NETWORK, seen) == adapt(NETWORK, seen)


@given(st.integers(0, 1000), st.integers(0, 1000), st.one_of(st.none(), st.integers(0, 10**6)))
def test_a_failure_that_is_not_retried_stays_so(successes: int, failures: int, depth: int | None) -> None:
    permanent = DEFAULT_POLICIES[FailureType.PERMANENT_LOGIC]

    assert adapt(permanent, Samples(successes, successes + failures), depth) is permanent
