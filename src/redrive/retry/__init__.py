"""Retry: whether a failed task runs again, when, and why.

Every failure type has a policy (`DEFAULT_POLICIES`): how often, how long to wait, how the wait grows. The
engine picks it and adapts it; the decision applies it to one failure:

    engine = RetryEngine({"TRANSIENT_DATABASE": {"initial_delay": 2}})
    policy = engine.get_retry_policy("shop.pay", exc, {"retry_count": 0})
    policy.max_retries                      # 5; 0 for a ValueError and other permanent failures
    engine.calculate_next_retry(policy, 0)  # seconds
    print(policy.explain())                 # the numbers, and what was adapted and why

    decision = decide(classification=..., policy=policy, retry_count=0, declared_safe=True,
    auto_retry="declared", ...) decision.action, decision.delay_seconds, decision.reason

A task runs again by itself only if somebody declared that safe; otherwise even a failure that would pass
waits for a person, marked MANUAL_RETRY. No delay is below two seconds, none goes past the policy's maximum
age.
"""

from redrive.retry.backoff import MIN_DELAY_SECONDS, base_delay, next_delay
from redrive.retry.decide import AutoRetry, decide
from redrive.retry.engine import RetryEngine
from redrive.retry.learning import adapt
from redrive.retry.off_peak import OffPeak
from redrive.retry.policies import DEFAULT_POLICIES, parse_policies
from redrive.retry.store import LearningStore
from redrive.retry.types import (
    Adjustment,
    BackoffStrategy,
    Decision,
    Delay,
    JitterKind,
    RetryAction,
    RetryPolicy,
    Samples,
)

__all__ = [
    "DEFAULT_POLICIES",
    "MIN_DELAY_SECONDS",
    "Adjustment",
    "AutoRetry",
    "BackoffStrategy",
    "Decision",
    "Delay",
    "JitterKind",
    "LearningStore",
    "OffPeak",
    "RetryAction",
    "RetryEngine",
    "RetryPolicy",
    "Samples",
    "adapt",
    "base_delay",
    "decide",
    "next_delay",
    "parse_policies",
]
