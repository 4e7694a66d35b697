"""How long a retry waits."""

import random
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.retry import BackoffStrategy, JitterKind, RetryPolicy, base_delay, next_delay

STRATEGIES = st.sampled_from(list(BackoffStrategy))


def policy(
    strategy: str = "exponential", jitter: str = "none", first: float = 30, cap: float = 3600
) -> RetryPolicy:
    return RetryPolicy(
        key="X",
        max_retries=9,
        initial_delay=first,
        backoff_strategy=BackoffStrategy(strategy),
        max_delay=cap,
        jitter=JitterKind(jitter),
    )


@pytest.mark.parametrize(
    ("strategy", "series"),
    [
        ("exponential", [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]),
        ("linear", [30, 60, 90, 120, 150, 180, 210, 240, 270]),
        ("fibonacci", [30, 30, 60, 90, 150, 240, 390, 630, 1020]),
    ],
)
def test_delays_follow_the_documented_series(strategy: str, series: list[float]) -> None:
    assert [base_delay(policy(strategy), n) for n in range(9)] == series


@given(STRATEGIES, st.integers(0, 10**6))
def test_any_number_of_retries_stays_below_the_cap(strategy: BackoffStrategy, retry_count: int) -> None:
    assert 30 <= base_delay(policy(strategy.value), retry_count) <= 3600


@given(STRATEGIES, st.integers(0, 50))
def test_delays_never_shrink(strategy: BackoffStrategy, retry_count: int) -> None:
    grown = policy(strategy.value)

    assert base_delay(grown, retry_count) <= base_delay(grown, retry_count + 1)


@pytest.mark.parametrize(
    ("jitter", "first", "low", "high"),
    [
        ("auto", 30, 15, 45),  # proportional from 30 s on
        ("auto", 29, 0, 29),  # full below
        ("proportional", 100, 50, 150),
        ("full", 100, 0, 100),
        ("equal", 100, 50, 100),
        ("none", 100, 100, 100),
    ],
)
def test_jitter_spreads_evenly_over_its_whole_range(
    jitter: str, first: float, low: float, high: float
) -> None:
    """Bounds alone would accept a lopsided spread: the mean and both tails are checked too."""
    rng = random.Random(7)
    delays = [next_delay(policy(jitter=jitter, first=first), 0, rng=rng).seconds for _ in range(4000)]
    expected_mean = mean(max(2.0, low + (high - low) * (n + 0.5) / 1000) for n in range(1000))

    assert min(delays) >= max(2, low)
    assert max(delays) <= high
    assert abs(mean(delays) - expected_mean) < 0.03 * expected_mean
    if high > low:
        lowest_tenth = sum(delay < low + (high - low) / 10 for delay in delays)
        highest_tenth = sum(delay > high - (high - low) / 10 for delay in delays)
        assert 320 < lowest_tenth < 480
        assert 320 < highest_tenth < 480


def test_the_cap_applies_before_jitter() -> None:
    """Capping afterwards would put everyone above the cap on the same second."""
    rng = random.Random(1)
    delays = {next_delay(policy(jitter="auto", cap=100), 8, rng=rng).seconds for _ in range(100)}

    assert len(delays) == 100
    assert max(delays) > 100
    assert max(delays) <= 150


@given(
    STRATEGIES,
    st.sampled_from(list(JitterKind)),
    st.floats(0, 10_000),
    st.integers(0, 100),
    st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True)),
    st.integers(),
)
def test_every_delay_is_within_its_law(
    strategy: BackoffStrategy,
    jitter: JitterKind,
    first: float,
    retry_count: int,
    hint: float | None,
    seed: int,
) -> None:
    delay = next_delay(
        policy(strategy.value, jitter.value, first), retry_count, rng=random.Random(seed), hint_seconds=hint
    )

    assert delay.seconds >= 2
    assert delay.seconds <= max(2, 1.5 * 3600, 1.25 * (delay.hint_seconds or 0))
    assert delay.seconds >= (delay.hint_seconds or 0)
    assert delay.jitter != JitterKind.AUTO


@pytest.mark.parametrize("hint", [-1.0, float("nan"), float("inf"), None])
def test_a_hint_that_makes_no_sense_is_ignored(hint: float | None) -> None:
    delay = next_delay(policy(), 0, rng=random.Random(1), hint_seconds=hint)

    assert (delay.seconds, delay.hint_seconds) == (30, None)


def test_a_server_hint_is_a_floor_with_a_spread_on_top() -> None:
    rng = random.Random(3)
    delays = [next_delay(policy(), 0, rng=rng, hint_seconds=200).seconds for _ in range(200)]

    assert min(delays) >= 200
    assert max(delays) <= 250
    assert len(set(delays)) == 200


def test_a_hint_shorter_than_our_own_delay_changes_nothing() -> None:
    assert next_delay(policy(), 0, rng=random.Random(1), hint_seconds=10).seconds == 30


def test_a_hint_of_a_week_is_taken_as_a_day() -> None:
    assert next_delay(policy(), 0, rng=random.Random(1), hint_seconds=7 * 86400).hint_seconds == 86400


def test_no_delay_is_below_two_seconds() -> None:
    delay = next_delay(policy(first=0.1), 0, rng=random.Random(1))

    assert delay.seconds == 2
    assert "raised to the minimum of 2 s" in delay.rationale


def test_a_delay_explains_itself() -> None:
    delay = next_delay(policy("linear"), 1, rng=random.Random(1))

    assert delay.rationale == "linear backoff: 60 s before retry 2, none jitter makes it 60.0 s"
