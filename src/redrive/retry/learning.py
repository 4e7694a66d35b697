"""What past retries say about the next one: the documented rule, within bounds that keep it safe."""

import math
from dataclasses import replace
from typing import Final

from redrive.retry.types import Adjustment, RetryPolicy, Samples

MIN_SAMPLES: Final = 10
HIGH_SUCCESS_RATE: Final = 0.80
LOW_SUCCESS_RATE: Final = 0.30
DEEP_QUEUE: Final = 100
SHORTER: Final = 0.7
LONGER: Final = 1.5
LONGER_BY_DEPTH: Final = 1.3

LEAST_FACTOR: Final = 0.7
MOST_FACTOR: Final = 2.0
"""However many rules apply, a delay is at least 0.7 and at most 2 times the policy's."""

HOPELESS_SAMPLES: Final = 30
HOPELESS_RATE: Final = 0.15
"""From 30 samples on, where not even 15 % can be hoped for, one retry is enough to notice a change."""

DEVIATIONS: Final = 1.96
"""Width of the interval: 95 %."""


def adapt(
    policy: RetryPolicy, samples: Samples, queue_depth: int | None = None, *, paused: bool = False
) -> RetryPolicy:
    """Return the policy as experience and load would have it.

    From 10 samples on: more than 80 % success, delays -30 %; fewer than 30 %, delays +50 % and one retry
    fewer, but never none. The 95 % interval of the rate must lie on the same side of one half. A queue deeper
    than 100, delays +30 %. The first delay changes, and with it all that follow; the cap stays. A policy that
    does not retry, or has ``learning`` off, is returned without what experience says.

    Args:
        paused: the breaker is not closed: failures say something about the outage, not about the delay.
    """
    if policy.max_retries == 0:
        return policy
    original = policy.initial_delay
    rate = samples.success_rate
    if not paused and policy.learning and rate is not None and samples.total >= MIN_SAMPLES:
        low, high = interval(samples)
        seen = (
            f"{samples.successes:g} of {samples.total:g} retries succeeded "
            f"(95 % interval {low:.0%} to {high:.0%})"
        )
        if rate > HIGH_SUCCESS_RATE and low > 0.5:
            policy = _scale(policy, original, SHORTER, "high success rate", f"{seen}: delays -30 %")
        elif rate < LOW_SUCCESS_RATE and high < 0.6:
            policy = _scale(policy, original, LONGER, "low success rate", f"{seen}: delays +50 %")
            # A number of retries that somebody set is patience that was meant: it goes down by one at most.
            meant = any(one.field in ("max_retries", "policy") for one in policy.adjustments)
            if samples.total >= HOPELESS_SAMPLES and high < HOPELESS_RATE and not meant:
                policy = fewer_retries(policy, 1, "low success rate", f"{seen}: one retry only")
            else:
                fewer = max(1, policy.max_retries - 1)
                policy = fewer_retries(policy, fewer, "low success rate", f"{seen}: one retry fewer")
    if queue_depth is not None and queue_depth > DEEP_QUEUE:
        reason = f"{queue_depth} tasks in the queue: delays +30 %"
        policy = _scale(policy, original, LONGER_BY_DEPTH, "queue depth", reason)
    return policy


def interval(samples: Samples) -> tuple[float, float]:
    """Return Wilson's score interval of the success rate at 95 % (Wilson 1927). 9 of 10: 0.60 to 0.98."""
    if not samples.total:
        return 0.0, 1.0
    n, rate, squared = samples.total, samples.successes / samples.total, DEVIATIONS**2
    middle = rate + squared / (2 * n)
    margin = DEVIATIONS * math.sqrt(rate * (1 - rate) / n + squared / (4 * n * n))
    scale = 1 + squared / n
    return max(0.0, (middle - margin) / scale), min(1.0, (middle + margin) / scale)


def fewer_retries(policy: RetryPolicy, after: int, rule: str, reason: str) -> RetryPolicy:
    """Return the policy with at most so many retries."""
    if after >= policy.max_retries:
        return policy
    adjustment = Adjustment(rule, "max_retries", policy.max_retries, after, reason)
    return replace(policy, max_retries=after, adjustments=(*policy.adjustments, adjustment))


def _scale(policy: RetryPolicy, original: float, factor: float, rule: str, reason: str) -> RetryPolicy:
    after = min(MOST_FACTOR * original, max(LEAST_FACTOR * original, policy.initial_delay * factor))
    # The cap limits the first delay as any other.
    after = min(after, max(policy.max_delay, policy.initial_delay))
    adjustment = Adjustment(rule, "initial_delay", policy.initial_delay, after, reason)
    return replace(policy, initial_delay=after, adjustments=(*policy.adjustments, adjustment))
