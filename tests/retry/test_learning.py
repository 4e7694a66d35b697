"""What past retries and deep queues change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.retry import DEFAULT_POLICIES, Samples, adapt
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
        "1 of 20 retries succeeded: delays +50 %",
        "1 of 20 retries succeeded: one retry fewer",
        "500 tasks in the queue: delays +30 %",
    ]
    assert policy.initial_delay == pytest.approx(117)  # 60 x 1.5 x 1.3


def test_learning_never_takes_the_last_retry() -> None:
    once = DEFAULT_POLICIES[FailureType.SYSTEM_OUT_OF_MEMORY]

    assert adapt(once, Samples(0, 50)).max_retries == 1


@given(st.integers(0, 1000), st.integers(0, 1000), st.one_of(st.none(), st.integers(0, 10**6)))
def test_a_failure_that_is_not_retried_stays_so(successes: int, failures: int, depth: int | None) -> None:
    permanent = DEFAULT_POLICIES[FailureType.PERMANENT_LOGIC]

    assert adapt(permanent, Samples(successes, successes + failures), depth) is permanent
