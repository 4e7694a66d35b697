"""What the contract fixes, word by word."""

import json
from datetime import UTC, datetime

import pytest
from billiard.exceptions import TimeLimitExceeded, WorkerLostError
from celery.exceptions import Reject, Retry, SoftTimeLimitExceeded
from celery.utils.serialization import UnpickleableExceptionWrapper

from redrive.taxonomy import (
    REMEDIES,
    AlertLevel,
    Classifier,
    Downstream,
    ExceptionFacts,
    FailureCategory,
    FailureTaxonomy,
    FailureType,
    RemediationAction,
    extract,
)
from redrive.taxonomy.rules import TextRule


def test_value_error_prints_as_permanent_validation() -> None:
    classification = FailureTaxonomy.classify(ValueError("Invalid data"))

    assert str(classification.failure_type) == "FailureType.PERMANENT_VALIDATION"
    assert classification.failure_type.value == "PERMANENT_VALIDATION"
    assert classification.retry_recommended is False
    assert f"{classification.confidence:.2%}".endswith("%")


def test_values_equal_names_and_every_type_has_category_and_remedy() -> None:
    assert len(FailureType) == 17
    for member in FailureType:
        assert member.value == member.name
        assert isinstance(member.category, FailureCategory)
        assert REMEDIES[member].actions
    assert FailureType.CONFIG_MISSING_SETTING.category is FailureCategory.CONFIGURATION
    assert FailureType.SYSTEM_WORKER_LOST.category is FailureCategory.SYSTEM
    assert {action.value for action in RemediationAction} == {
        "AUTO_RETRY", "MANUAL_RETRY", "FIX_DATA", "FIX_CONFIG", "SCALE_RESOURCES", "ALERT_TEAM", "CHECK_EXTERNAL",
        "INVESTIGATE",
    }  # fmt: skip


def test_to_dict_is_ready_for_json_and_carries_the_evidence() -> None:
    data = FailureTaxonomy.classify(MemoryError(), {"task_name": "a.b", "retry_count": 2}).to_dict()

    assert json.loads(json.dumps(data)) == data
    assert data["failure_type"] == "SYSTEM_OUT_OF_MEMORY"
    assert data["category"] == "SYSTEM"
    assert data["alert_level"] == AlertLevel.CRITICAL == "critical"
    assert data["context"] == {"task_name": "a.b", "retry_count": 2}
    assert data["evidence"][0]["rule"] == "class.memory"


def test_facts_survive_json() -> None:
    try:
        try:
            raise ConnectionResetError(104, "Connection reset by peer")
        except ConnectionResetError as problem:
            raise RuntimeError("sync failed") from problem
    except RuntimeError as failure:
        facts = extract(failure)

    again = ExceptionFacts.from_dict(json.loads(json.dumps(facts.to_dict())))

    assert again == facts
    assert facts.chain[0].via == "cause"
    assert facts.frames[-1].function == "test_facts_survive_json"


def test_lost_worker_by_signal_9_is_memory_only_when_confirmed() -> None:
    lost = WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 12.")

    guess = FailureTaxonomy.classify(lost)
    confirmed = FailureTaxonomy.classify(lost, {"oom_confirmed": True})

    assert guess.failure_type is FailureType.SYSTEM_OUT_OF_MEMORY
    assert guess.confidence <= 0.6
    assert confirmed.failure_type is FailureType.SYSTEM_OUT_OF_MEMORY
    assert confirmed.confidence >= 0.95


@pytest.mark.parametrize("text", ["signal 15 (SIGTERM)", "signal 11 (SIGSEGV)", "exitcode 0", "exitcode 1"])
def test_lost_worker_otherwise_is_worker_lost(text: str) -> None:
    lost = WorkerLostError(f"Worker exited prematurely: {text} Job: 12.")

    assert FailureTaxonomy.classify(lost).failure_type is FailureType.SYSTEM_WORKER_LOST


@pytest.mark.parametrize("limit", [SoftTimeLimitExceeded(), TimeLimitExceeded(300)])
def test_time_limits_are_external_timeouts_and_worth_a_retry(limit: Exception) -> None:
    classification = FailureTaxonomy.classify(limit)

    assert classification.failure_type is FailureType.EXTERNAL_TIMEOUT
    assert classification.retry_recommended


@pytest.mark.parametrize(
    "wrapped",
    [
        Reject(ConnectionResetError(104, "Connection reset by peer")),
        Retry("later", ConnectionResetError(104, "Connection reset by peer")),
        ExceptionGroup("several", [ConnectionResetError(104, "Connection reset by peer")]),
        UnpickleableExceptionWrapper(
            "builtins", "ConnectionResetError", ("[Errno 104] Connection reset by peer",)
        ),
    ],
)
def test_wrappers_are_read_through(wrapped: Exception) -> None:
    assert FailureTaxonomy.classify(wrapped).failure_type is FailureType.TRANSIENT_NETWORK


def test_row_missing_just_after_publish_is_worth_a_retry() -> None:
    class DoesNotExist(Exception):  # noqa: N818 - the name Django gives it
        pass

    missing = DoesNotExist("Order matching query does not exist.")

    race = FailureTaxonomy.classify(missing, {"retry_count": 0, "seconds_since_publish": 0.2})
    later = FailureTaxonomy.classify(missing, {"retry_count": 0, "seconds_since_publish": 30})

    assert race.failure_type is later.failure_type is FailureType.PERMANENT_NOT_FOUND
    assert race.retry_recommended
    assert not later.retry_recommended


def test_project_rules_come_first_and_leave_the_same_trail() -> None:
    rule = TextRule(
        id="project.stock",
        says=FailureType.PERMANENT_LOGIC,
        trust=0.9,
        source="shop handbook",
        any_of=("out of stock",),
    )
    classifier = Classifier(project_rules=[rule])

    classification = classifier.classify(ConnectionError("out of stock"))

    assert classification.failure_type is FailureType.PERMANENT_LOGIC
    assert classification.confidence == pytest.approx(0.9)
    assert classification.evidence[0].rule == "project.stock"


def test_downstream_decides_between_ours_and_a_third_party() -> None:
    classifier = Classifier(
        downstreams={
            "pricing": Downstream(own=True, hosts=("pricing.internal",)),
            "stripe": Downstream(own=False),
        }
    )
    facts = ExceptionFacts(
        "requests.exceptions",
        "ReadTimeout",
        ("requests.exceptions.ReadTimeout", "requests.exceptions.Timeout"),
        "HTTPConnectionPool(host='pricing.internal', port=80): Read timed out. (read timeout=5)",
    )

    assert classifier.classify_facts(facts).failure_type is FailureType.TRANSIENT_NETWORK
    assert Classifier().classify_facts(facts).failure_type is FailureType.EXTERNAL_TIMEOUT
    assert (
        classifier.classify_facts(facts, {"downstream": "stripe"}).failure_type
        is FailureType.EXTERNAL_TIMEOUT
    )


def test_configured_classifier_is_used_and_can_be_taken_back() -> None:
    rule = TextRule(id="project.any", says=FailureType.UNKNOWN, trust=0.4, source="test", any_of=("invalid",))
    FailureTaxonomy.configure(Classifier(project_rules=[rule]))
    try:
        configured = FailureTaxonomy.classify(ValueError("invalid data"))
    finally:
        FailureTaxonomy.configure(None)

    assert configured.failure_type is FailureType.UNKNOWN
    assert (
        FailureTaxonomy.classify(ValueError("Invalid data")).failure_type is FailureType.PERMANENT_VALIDATION
    )


def test_secrets_do_not_reach_sentence_or_evidence() -> None:
    problem = ConnectionError("cannot reach amqp://app:hunter2@mq:5672 with token=abc123def")

    text = json.dumps(FailureTaxonomy.classify(problem).to_dict())

    assert "hunter2" not in text
    assert "abc123def" not in text


def test_clock_is_only_asked_for_dates() -> None:
    classifier = Classifier(now=lambda: datetime(2025, 6, 3, 8, 0, 0, tzinfo=UTC))
    facts = ExceptionFacts(
        "shop", "Busy", message="503", attrs={"header.retry-after": "Tue, 03 Jun 2025 08:00:30 GMT"}
    )

    assert classifier.classify_facts(facts).retry_delay_seconds == 30.0
