"""Retry or dead, and the sentence an operator reads."""

import random
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.priority import TaskPriority
from redrive.retry import DEFAULT_POLICIES, Decision, JitterKind, OffPeak, RetryAction, decide
from redrive.taxonomy import FailureType
from tests.retry.builders import classified

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NIGHT = OffPeak(start=time(22), end=time(6))
NETWORK = replace(DEFAULT_POLICIES[FailureType.TRANSIENT_NETWORK], jitter=JitterKind.NONE)  # 60, 120, 240 s


def ask(kind: FailureType = FailureType.TRANSIENT_NETWORK, **changes: Any) -> Decision:
    arguments: dict[str, Any] = {
        "classification": classified(kind),
        "policy": NETWORK if kind is FailureType.TRANSIENT_NETWORK else DEFAULT_POLICIES[kind],
        "retry_count": 0,
        "declared_safe": True,
        "auto_retry": "declared",
        "first_failed_at": NOON,
        "now": NOON,
        "rng": random.Random(1),
    }
    return decide(**arguments | changes)


def test_a_transient_failure_of_a_declared_task_is_retried() -> None:
    decision = ask(retry_count=1)

    assert (decision.action, decision.delay_seconds, decision.remediation) == (RetryAction.RETRY, 120, None)
    assert decision.reason == "TRANSIENT_NETWORK: retry 2 of 3 in 120 s."


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("PERMANENT_VALIDATION", "PERMANENT_VALIDATION is not retried. The same input stays invalid."),
        (
            "UNKNOWN",
            "UNKNOWN is not retried. Nothing tells what happened, so nothing tells that a retry is safe or useful.",
        ),
    ],
)
def test_a_failure_that_would_not_pass_is_dead_whatever_was_declared(kind: str, reason: str) -> None:
    for auto_retry in ("declared", "all", "off"):
        decision = ask(FailureType[kind], auto_retry=auto_retry)

        assert (decision.action, decision.reason, decision.remediation) == (RetryAction.DEAD, reason, None)


@pytest.mark.parametrize(
    ("auto_retry", "declared_safe", "action"),
    [
        ("declared", True, "retry"),
        ("declared", False, "dead"),
        ("all", False, "retry"),
        ("off", True, "dead"),
    ],
)
def test_a_task_runs_again_by_itself_only_if_somebody_said_so(
    auto_retry: str, declared_safe: bool, action: str
) -> None:
    decision = ask(auto_retry=auto_retry, declared_safe=declared_safe)

    assert decision.action == action
    assert decision.remediation == (None if action == "retry" else "MANUAL_RETRY")


def test_the_reason_says_how_to_declare_a_task_safe() -> None:
    assert ask(declared_safe=False).reason == (
        "TRANSIENT_NETWORK would probably pass, but nobody declared this task safe to run again: retry by hand, "
        "or declare it with redrive=Options(retry_safe=True)."
    )
    assert ask(auto_retry="off").reason == (
        "TRANSIENT_NETWORK would probably pass, but AUTO_RETRY is off: retry by hand."
    )


def test_the_last_retry_is_the_policys_number() -> None:
    assert ask(retry_count=2).is_retry
    assert ask(retry_count=3).reason == "TRANSIENT_NETWORK again after 3 of 3 retries: all used up."


def test_a_retry_that_would_come_after_the_maximum_age_is_pointless() -> None:
    on_time = NOON + timedelta(days=1, seconds=-60)

    assert ask(now=on_time).is_retry
    assert ask(now=on_time + timedelta(milliseconds=1)).reason == (
        "TRANSIENT_NETWORK: the next retry, in 60 s, would come later than 86400 s after the first failure."
    )


def test_a_retry_that_would_come_after_the_message_expires_is_pointless() -> None:
    assert ask(expires_at=NOON + timedelta(seconds=61)).is_retry
    assert ask(expires_at=NOON + timedelta(seconds=60)).reason == (
        "TRANSIENT_NETWORK: the message expires before the next retry, in 60 s."
    )


def test_a_server_hint_is_respected() -> None:
    decision = ask(hint_seconds=1000)

    assert decision.delay_seconds is not None
    assert 1000 <= decision.delay_seconds <= 1250


@pytest.mark.parametrize("level", [TaskPriority.LOW, TaskPriority.DEFERRED])
def test_low_priority_retries_wait_for_off_peak_hours(level: TaskPriority) -> None:
    decision = ask(priority_level=level, off_peak=NIGHT)

    assert decision.delay_seconds is not None
    assert 36_000 <= decision.delay_seconds <= 36_060  # 22:00, and the jitter's minute
    assert decision.off_peak
    assert f"{level.name} priority: waits for off-peak hours, until 22:00 UTC." in decision.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"priority_level": TaskPriority.MEDIUM},
        {"priority_level": None},
        {"priority_level": TaskPriority.LOW, "off_peak": None},
        {"priority_level": TaskPriority.LOW, "now": NOON.replace(hour=23)},  # inside the window
        {"priority_level": TaskPriority.LOW, "expires_at": NOON.replace(hour=21)},  # no time to wait
        {"priority_level": TaskPriority.LOW, "policy": replace(NETWORK, max_age_seconds=3600)},
    ],
)
def test_others_do_not_wait_for_off_peak_hours(changes: dict[str, Any]) -> None:
    decision = ask(**{"off_peak": NIGHT} | changes)

    assert (decision.delay_seconds, decision.off_peak) == (60, False)


def test_a_decision_is_json_ready() -> None:
    assert ask().to_dict() == {
        "action": "retry",
        "delay_seconds": 60.0,
        "reason": "TRANSIENT_NETWORK: retry 1 of 3 in 60 s.",
        "remediation": None,
        "backoff": "exponential backoff: 60 s before retry 1, none jitter makes it 60.0 s",
        "off_peak": False,
    }


@given(
    st.sampled_from(list(FailureType)),
    st.integers(0, 10),
    st.booleans(),
    st.sampled_from(["declared", "all", "off"]),
    st.floats(0, 100_000),
    st.one_of(st.none(), st.floats()),
    st.one_of(st.none(), st.floats(-100, 100_000)),
    st.sampled_from([None, *TaskPriority]),
    st.sampled_from([None, NIGHT]),
    st.integers(),
)
def test_no_retry_is_too_soon_too_late_too_often_or_unasked(
    kind: FailureType,
    retry_count: int,
    declared_safe: bool,
    auto_retry: str,
    age_seconds: float,
    hint: float | None,
    expires_in: float | None,
    level: TaskPriority | None,
    off_peak: OffPeak | None,
    seed: int,
) -> None:
    policy = DEFAULT_POLICIES[kind]
    decision = ask(
        kind,
        policy=policy,
        retry_count=retry_count,
        declared_safe=declared_safe,
        auto_retry=auto_retry,
        first_failed_at=NOON - timedelta(seconds=age_seconds),
        hint_seconds=hint,
        expires_at=None if expires_in is None else NOON + timedelta(seconds=expires_in),
        priority_level=level,
        off_peak=off_peak,
        rng=random.Random(seed),
    )

    assert decision.reason
    if decision.is_retry:
        assert decision.delay_seconds is not None
        assert decision.delay_seconds >= 2
        assert decision.delay_seconds + age_seconds <= policy.max_age_seconds + 1e-3
        assert expires_in is None or decision.delay_seconds < expires_in
        assert retry_count < policy.max_retries
        assert auto_retry == "all" or (auto_retry == "declared" and declared_safe)
    else:
        assert decision.delay_seconds is None
