"""Retry or dead: the one decision about a failed task, as a pure function."""

import random
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from redrive.priority import TaskPriority
from redrive.retry.backoff import next_delay
from redrive.retry.off_peak import OffPeak
from redrive.retry.types import Decision, RetryAction, RetryPolicy
from redrive.taxonomy import Classification, FailureType

AutoRetry: TypeAlias = Literal["declared", "all", "off"]

MANUAL_RETRY = "MANUAL_RETRY"

_WAITS_FOR_OFF_PEAK = (TaskPriority.LOW, TaskPriority.DEFERRED)


def decide(
    *,
    classification: Classification,
    policy: RetryPolicy,
    retry_count: int,
    declared_safe: bool,
    auto_retry: AutoRetry,
    first_failed_at: datetime,
    now: datetime,
    rng: random.Random,
    hint_seconds: float | None = None,
    expires_at: datetime | None = None,
    priority_level: TaskPriority | None = None,
    off_peak: OffPeak | None = None,
) -> Decision:
    """Decide what becomes of a task that has just failed.

    Args:
        classification: what the failure was.
        policy: the policy for it (`RetryEngine.get_retry_policy`).
        retry_count: retries so far; 0 after the first run. Times the task was merely held do not count.
        declared_safe: somebody said that this task may run again by itself.
        auto_retry: "declared": only tasks declared safe; "all": every task; "off": none.
        first_failed_at: when this task failed first, for the policy's ``max_age_seconds``.
        hint_seconds: what the server asked for (Retry-After); a floor for the delay.
        expires_at: when the message expires; a retry that would be due later is pointless.
        priority_level: LOW and DEFERRED retries wait for the off-peak window, if there is one.
        off_peak: the window; None: retries do not wait for one.

    The order of the questions is the order of the answers an operator wants: would it help at all, is it
    allowed, has it been tried enough, is it too late.
    """
    kind = classification.failure_type
    if policy.max_retries == 0:
        return _dead(_why_not_retried(kind, policy))
    if (refusal := _why_not_allowed(kind, declared_safe, auto_retry)) is not None:
        return _dead(refusal, remediation=MANUAL_RETRY)
    if retry_count >= policy.max_retries:
        return _dead(f"{kind.value} again after {retry_count} of {policy.max_retries} retries: all used up.")

    delay = next_delay(policy, retry_count, rng=rng, hint_seconds=hint_seconds)
    due = now + timedelta(seconds=delay.seconds)
    last_moment = first_failed_at + timedelta(seconds=policy.max_age_seconds)
    if due > last_moment:
        return _dead(
            f"{kind.value}: the next retry, in {delay.seconds:.0f} s, would come later than "
            f"{policy.max_age_seconds:g} s after the first failure."
        )
    if expires_at is not None and due >= expires_at:
        return _dead(f"{kind.value}: the message expires before the next retry, in {delay.seconds:.0f} s.")

    reason = f"{kind.value}: retry {retry_count + 1} of {policy.max_retries} in {delay.seconds:.0f} s."
    if off_peak is None or priority_level not in _WAITS_FOR_OFF_PEAK:
        return Decision(action=RetryAction.RETRY, delay_seconds=delay.seconds, reason=reason, delay=delay)
    limit = last_moment if expires_at is None else min(last_moment, expires_at)
    opening = _off_peak_moment(off_peak, due, limit, rng.uniform(0, delay.seconds))
    if opening is not None:
        reason += f" {priority_level.name} priority: waits for off-peak hours, until {opening:%H:%M} UTC."
        due = opening
    return Decision(
        action=RetryAction.RETRY,
        delay_seconds=(due - now).total_seconds(),
        reason=reason,
        delay=delay,
        off_peak=opening is not None,
    )


def _off_peak_moment(
    off_peak: OffPeak, due: datetime, limit: datetime, spread_seconds: float
) -> datetime | None:
    """Return when a retry that is due outside the window runs instead; None: as due, no wait or no time for
    one.

    The spread is kept inside the window, or everything that waited would start in its first second.
    """
    opening = off_peak.next_opening(due)
    if opening <= due:
        return None
    spread = opening + timedelta(seconds=spread_seconds)
    return next((moment for moment in (spread, opening) if moment < limit), None)


def _dead(reason: str, *, remediation: str | None = None) -> Decision:
    return Decision(action=RetryAction.DEAD, reason=reason, remediation=remediation)


def _why_not_retried(kind: FailureType, policy: RetryPolicy) -> str:
    changed = [adjustment for adjustment in policy.adjustments if adjustment.field == "max_retries"]
    why = changed[-1].reason if changed else policy.rationale
    return f"{kind.value} is not retried. {why}".rstrip()


def _why_not_allowed(kind: FailureType, declared_safe: bool, auto_retry: AutoRetry) -> str | None:
    if auto_retry == "off":
        return f"{kind.value} would probably pass, but AUTO_RETRY is off: retry by hand."
    if auto_retry == "declared" and not declared_safe:
        return (
            f"{kind.value} would probably pass, but nobody declared this task safe to run again: retry by hand, "
            "or declare it with redrive=Options(retry_safe=True)."
        )
    return None
