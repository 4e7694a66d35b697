"""How long to wait: growth, cap, jitter, and what the server asked for."""

import math
import random
from collections.abc import Callable, Mapping
from typing import Final

from redrive.retry.types import BackoffStrategy, Delay, JitterKind, RetryPolicy

MIN_DELAY_SECONDS: Final = 2.0
"""No run follows its predecessor sooner: the ended attempt must be written down before the next one
starts."""

PROPORTIONAL_FROM_SECONDS: Final = 30.0
"""AUTO jitter is proportional from here on, full below. A short delay gains more from a wide spread than it
loses."""

HINT_CAP_SECONDS: Final = 86_400.0
"""A server's wish beyond a day is taken as a day."""

HINT_SPREAD: Final = 0.25
"""Those who were told the same moment come back within this share of the wait after it, not all at once."""


def base_delay(policy: RetryPolicy, retry_count: int) -> float:
    """Return the delay in seconds before the next retry, capped, without jitter.

    ``retry_count`` is how many retries there have been: 0 after the first run. With 30 s and factor 2 the
    exponential series is 30, 60, 120, 240, 480; linear 30, 60, 90, 120, 150; Fibonacci 30, 30, 60, 90, 150.
    """
    return min(_GROWTH[policy.backoff_strategy](policy, max(0, retry_count)), policy.max_delay)


def next_delay(
    policy: RetryPolicy, retry_count: int, *, rng: random.Random, hint_seconds: float | None = None
) -> Delay:
    """Return the delay before the next retry and how it came about.

    The cap applies before jitter: capping afterwards would put everyone above it on the same second. A usable
    ``hint_seconds`` (a Retry-After) is a floor, with a spread on top; an unusable one (negative, not a
    number) is ignored. Never below `MIN_DELAY_SECONDS`.
    """
    base = base_delay(policy, retry_count)
    kind = policy.jitter
    if kind == JitterKind.AUTO:
        kind = JitterKind.PROPORTIONAL if base >= PROPORTIONAL_FROM_SECONDS else JitterKind.FULL
    low, high = _JITTER[kind]
    seconds = base * rng.uniform(low, high)
    rationale = (
        f"{policy.backoff_strategy} backoff: {base:g} s before retry {retry_count + 1}, "
        f"{kind} jitter makes it {seconds:.1f} s"
    )
    hint = usable_hint(hint_seconds)
    if hint is not None and hint > seconds:
        seconds = hint * (1 + rng.uniform(0, HINT_SPREAD))
        rationale += f"; the server asked for {hint:g} s, spread to {seconds:.1f} s"
    if seconds < MIN_DELAY_SECONDS:
        seconds = MIN_DELAY_SECONDS
        rationale += f"; raised to the minimum of {MIN_DELAY_SECONDS:g} s"
    return Delay(seconds=seconds, base_seconds=base, jitter=kind, hint_seconds=hint, rationale=rationale)


def usable_hint(hint_seconds: float | None) -> float | None:
    """Return the server's wish in seconds, capped at a day; None when there is none or it makes no sense."""
    if hint_seconds is None or not math.isfinite(hint_seconds) or hint_seconds < 0:
        return None
    return min(float(hint_seconds), HINT_CAP_SECONDS)


def _exponential(policy: RetryPolicy, retry_count: int) -> float:
    try:
        return policy.initial_delay * policy.backoff_factor**retry_count
    except OverflowError:
        return policy.max_delay


def _linear(policy: RetryPolicy, retry_count: int) -> float:
    return policy.initial_delay * (retry_count + 1)


def _fibonacci(policy: RetryPolicy, retry_count: int) -> float:
    delay, following = policy.initial_delay, policy.initial_delay
    for _ in range(retry_count):
        if delay >= policy.max_delay:
            break
        delay, following = following, delay + following
    return delay


_GROWTH: Final[Mapping[BackoffStrategy, Callable[[RetryPolicy, int], float]]] = {
    BackoffStrategy.EXPONENTIAL: _exponential,
    BackoffStrategy.LINEAR: _linear,
    BackoffStrategy.FIBONACCI: _fibonacci,
}

# Full and equal jitter: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
_JITTER: Final[Mapping[JitterKind, tuple[float, float]]] = {
    JitterKind.PROPORTIONAL: (0.5, 1.5),
    JitterKind.FULL: (0.0, 1.0),
    JitterKind.EQUAL: (0.5, 1.0),
    JitterKind.NONE: (1.0, 1.0),
}
