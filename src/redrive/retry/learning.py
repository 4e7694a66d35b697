"""What past retries say about the next one: the documented rule, with its numbers shown."""

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


def adapt(policy: RetryPolicy, samples: Samples, queue_depth: int | None = None) -> RetryPolicy:
    """Return the policy as experience and load would have it.

    From 10 samples on: more than 80 % success, delays -30 %; fewer than 30 %, delays +50 % and one retry
    fewer, but never none. A queue deeper than 100, delays +30 %. The first delay changes, and with it all
    that follow; the cap stays. A policy that does not retry is returned as it is.
    """
    if policy.max_retries == 0:
        return policy
    rate = samples.success_rate
    if rate is not None and samples.total >= MIN_SAMPLES:
        seen = f"{samples.successes} of {samples.total} retries succeeded"
        if rate > HIGH_SUCCESS_RATE:
            policy = _scale(policy, SHORTER, "high success rate", f"{seen}: delays -30 %")
        elif rate < LOW_SUCCESS_RATE:
            policy = _scale(policy, LONGER, "low success rate", f"{seen}: delays +50 %")
            policy = _one_retry_fewer(policy, f"{seen}: one retry fewer")
    if queue_depth is not None and queue_depth > DEEP_QUEUE:
        policy = _scale(
            policy, LONGER_BY_DEPTH, "queue depth", f"{queue_depth} tasks in the queue: delays +30 %"
        )
    return policy


def _scale(policy: RetryPolicy, factor: float, rule: str, reason: str) -> RetryPolicy:
    after = policy.initial_delay * factor
    adjustment = Adjustment(rule, "initial_delay", policy.initial_delay, after, reason)
    return replace(policy, initial_delay=after, adjustments=(*policy.adjustments, adjustment))


def _one_retry_fewer(policy: RetryPolicy, reason: str) -> RetryPolicy:
    after = max(1, policy.max_retries - 1)
    if after == policy.max_retries:
        return policy
    adjustment = Adjustment("low success rate", "max_retries", policy.max_retries, after, reason)
    return replace(policy, max_retries=after, adjustments=(*policy.adjustments, adjustment))
