"""The engine: the documented calls, what a task declares, and what happens when its sources fail."""

import logging
import random
from typing import Any

import pytest

from redrive.options import Options
from redrive.retry import RetryEngine, RetryPolicy, Samples
from redrive.taxonomy import Classification, FailureType
from redrive.testing import MemoryLearningStore
from tests.retry.builders import classified

NETWORK = classified(FailureType.TRANSIENT_NETWORK)
PATIENT = RetryPolicy(key="patient", max_retries=9, initial_delay=5)


def test_a_value_error_is_not_retried() -> None:
    assert RetryEngine().get_retry_policy("shop.pay", ValueError("Invalid data")).max_retries == 0


def test_the_context_may_be_third_or_named() -> None:
    engine = RetryEngine()
    exc = ConnectionRefusedError("refused")

    positional = engine.get_retry_policy("shop.pay", exc, {"retry_count": 0})
    named = engine.get_retry_policy("shop.pay", exc, task_context={"retry_count": 0})

    assert positional == named
    assert positional.key == "TRANSIENT_NETWORK"
    assert positional.max_retries == 3


def test_the_classifier_gets_the_tasks_name_and_context_but_not_the_options() -> None:
    seen: list[Any] = []

    def classifier(exception: BaseException, context: Any) -> Classification:
        seen.append((str(exception), context))
        return NETWORK

    engine = RetryEngine(classifier=classifier)
    engine.get_retry_policy("shop.pay", ValueError("x"), {"retry_count": 2, "options": Options()})

    assert seen == [("x", {"task_name": "shop.pay", "retry_count": 2})]


def test_the_next_retry_follows_the_policy() -> None:
    engine = RetryEngine(rng=random.Random(1))
    policy = engine.get_retry_policy("shop.pay", NETWORK)

    assert 30 <= engine.calculate_next_retry(policy, 0) <= 90
    assert 120 <= engine.calculate_next_retry(policy, 2) <= 360


def test_recorded_retries_change_the_policy_from_the_tenth_on() -> None:
    engine = RetryEngine(learning=MemoryLearningStore())
    for n in range(9):
        engine.record_retry_attempt(
            "shop.pay", FailureType.TRANSIENT_NETWORK if n % 2 else "TRANSIENT_NETWORK"
        )
    assert engine.get_retry_policy("shop.pay", NETWORK).initial_delay == 60

    engine.record_retry_attempt("shop.pay", "TRANSIENT_NETWORK", success=True)

    assert engine.get_retry_policy("shop.pay", NETWORK).initial_delay == pytest.approx(42)
    assert engine.get_retry_policy("shop.ship", NETWORK).initial_delay == 60


def test_learning_pauses_while_the_breaker_is_not_closed() -> None:
    """An outage says nothing about delays, and needs more patience, not less."""
    engine = RetryEngine(learning=MemoryLearningStore())
    for _ in range(20):
        engine.record_retry_attempt("shop.pay", "TRANSIENT_NETWORK", success=False, breaker="open")
    assert engine.get_retry_policy("shop.pay", NETWORK).adjustments == ()
    for _ in range(20):
        engine.record_retry_attempt("shop.pay", "TRANSIENT_NETWORK", success=False, breaker="closed")

    assert engine.get_retry_policy("shop.pay", NETWORK, {"breaker": "ramp"}).max_retries == 3
    assert engine.get_retry_policy("shop.pay", NETWORK, {"breaker": "closed"}).max_retries == 2


def test_each_retry_learns_from_retries_of_its_own_number() -> None:
    engine = RetryEngine(learning=MemoryLearningStore())
    for _ in range(10):
        engine.record_retry_attempt("shop.pay", "TRANSIENT_NETWORK", success=True, retry=1)
        engine.record_retry_attempt("shop.pay", "TRANSIENT_NETWORK", success=False, retry=2)

    delays = [
        engine.get_retry_policy("shop.pay", NETWORK, {"retry_count": count}).initial_delay
        for count in range(3)
    ]

    assert delays == pytest.approx([42, 90, 60])  # too little is known of the third: 10 of 20 change nothing


def test_a_poison_task_type_gets_one_retry() -> None:
    policy = RetryEngine().get_retry_policy("shop.pay", NETWORK, {"poison": True})

    assert policy.max_retries == 1
    assert policy.adjustments[-1].rule == "poison"


def test_a_failure_type_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="No failure type 'NETWORK'"):
        RetryEngine().record_retry_attempt("shop.pay", "NETWORK")


def test_a_deep_queue_lengthens_delays_whoever_tells_its_depth() -> None:
    asked = RetryEngine(queue_depth=lambda _task: 101).get_retry_policy("shop.pay", NETWORK)
    told = RetryEngine().get_retry_policy("shop.pay", NETWORK, {"queue_depth": 101})

    assert asked.initial_delay == told.initial_delay == pytest.approx(78)


def test_a_classification_that_advises_against_a_retry_is_followed() -> None:
    from dataclasses import replace

    hopeless = replace(NETWORK, retry_recommended=False)

    policy = RetryEngine().get_retry_policy("shop.pay", hopeless)

    assert policy.max_retries == 0
    assert policy.adjustments[-1].reason.startswith("The same call would fail again")
    by_hand = RetryEngine({"TRANSIENT_NETWORK": {"max_retries": 3}})
    assert by_hand.get_retry_policy("shop.pay", hopeless).max_retries == 3


def test_settings_may_retry_what_is_not_retried_by_default() -> None:
    engine = RetryEngine({"UNKNOWN": {"max_retries": 2}})

    assert engine.get_retry_policy("shop.pay", classified(FailureType.UNKNOWN)).max_retries == 2


class TestDeclaredPolicies:
    def policy(self, options: Options, kind: FailureType = FailureType.TRANSIENT_NETWORK) -> RetryPolicy:
        return RetryEngine().get_retry_policy("shop.pay", classified(kind), {"options": options})

    def test_a_policy_replaces_the_types_own(self) -> None:
        policy = self.policy(Options(policy=PATIENT))

        assert (policy.key, policy.max_retries) == ("patient", 9)
        assert policy.adjustments[-1].reason == "Declared by the task: policy patient"

    def test_a_name_stands_for_that_types_policy(self) -> None:
        assert self.policy(Options(policy="EXTERNAL_API_DOWN")).initial_delay == 900

    def test_a_permanent_failure_stays_unretried_under_a_policy_or_a_name(self) -> None:
        for declared in (PATIENT, "EXTERNAL_API_DOWN"):
            assert self.policy(Options(policy=declared), FailureType.PERMANENT_LOGIC).max_retries == 0

    def test_a_function_decides_also_about_permanent_failures(self) -> None:
        options = Options(policy=lambda policy, exception, context: PATIENT)

        assert self.policy(options, FailureType.PERMANENT_LOGIC).max_retries == 9

    def test_a_function_that_answers_none_leaves_the_policy(self) -> None:
        assert self.policy(Options(policy=lambda *_: None)).key == "TRANSIENT_NETWORK"

    def test_a_function_that_raises_costs_a_log_line(self, caplog: pytest.LogCaptureFixture) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError("theirs")

        with caplog.at_level(logging.WARNING):
            assert self.policy(Options(policy=broken)).key == "TRANSIENT_NETWORK"
        assert "goes on without policy function: ZeroDivisionError: theirs" in caplog.text

    def test_an_unknown_name_costs_a_log_line(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            assert self.policy(Options(policy="PATIENT")).key == "TRANSIENT_NETWORK"
        assert "no failure type of that name" in caplog.text

    def test_a_maximum_age_is_taken_over(self) -> None:
        assert self.policy(Options(max_age_seconds=60)).max_age_seconds == 60


class BrokenStore:
    def record(self, task_name: str, failure_type: str, success: bool, retry: int | None = None) -> None:
        raise OSError("gone")

    def samples(self, task_name: str, failure_type: str, retry: int | None = None) -> Samples:
        raise OSError("gone")


def test_broken_sources_cost_one_log_line_each_and_never_the_policy(caplog: pytest.LogCaptureFixture) -> None:
    def no_broker(_task: str) -> int:
        raise OSError("no broker")

    engine = RetryEngine(learning=BrokenStore(), queue_depth=no_broker)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            engine.record_retry_attempt("shop.pay", "TRANSIENT_NETWORK")
            assert engine.get_retry_policy("shop.pay", NETWORK).initial_delay == 60

    assert [record.getMessage() for record in caplog.records] == [
        "Retry engine goes on without learning: OSError: gone",
        "Retry engine goes on without queue depth: OSError: no broker",
    ]
