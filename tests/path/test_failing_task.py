"""One task's path, from its body to its record and back."""

import json
from typing import Any

from tests.path.records import record_of
from tests.servers.django_project import Project


def test_a_failure_leaves_its_record(soon_on: Project) -> None:
    soon_on.worker()

    task_id = soon_on.send("shop.tasks.invalid_input", "one", business_unit="north")

    record = record_of(soon_on, task_id, "PENDING")
    assert record["task_name"] == "shop.tasks.invalid_input"
    assert record["failure_type"] == "PERMANENT_VALIDATION"
    assert record["exception_type"] == "ValueError"
    assert record["exception_message"] == "invalid quantity for one: -1"
    assert 'raise ValueError(f"invalid quantity' in record["traceback"]
    assert _json(record["task_args"]) == ["one"]
    assert _json(record["task_kwargs"]) == {"business_unit": "north"}
    assert record["business_unit"] == "north"
    assert record["queue_name"] == "celery"
    assert record["message_source"] == "raw"
    assert (record["attempt"], record["retry_count"]) == (1, 0)


def test_a_task_declared_safe_recovers_by_itself(soon_on: Project) -> None:
    soon_on.worker()

    task_id = soon_on.send("shop.tasks.recovers", "one")

    record = record_of(soon_on, task_id, "RESOLVED")
    assert len(soon_on.runs("recovers", "one")) == 2
    assert (record["attempt"], record["retry_count"]) == (2, 1)
    attempts = soon_on.query("SELECT attempt, outcome FROM redrive_failureattempt ORDER BY attempt")
    assert attempts == [{"attempt": 1, "outcome": "failed"}, {"attempt": 2, "outcome": "succeeded"}]


def test_a_transient_failure_of_an_undeclared_task_waits_for_a_person(soon: Project) -> None:
    soon.worker()

    task_id = soon.send("shop.tasks.recovers_undeclared", "one")

    record = record_of(soon, task_id, "PENDING")
    assert record["failure_type"] == "TRANSIENT_NETWORK"
    assert "retry_safe=True" in record["decision"]


def test_a_dead_task_is_redriven_under_its_own_id(soon_on: Project) -> None:
    soon_on.worker()
    path = soon_on.scratch / "fixed"
    task_id = soon_on.send("shop.tasks.invalid_until", "one", str(path))
    record_of(soon_on, task_id, "PENDING")
    path.touch()

    printed = soon_on.manage("redrive", "retry", task_id, "--reason", "the file is there now")

    assert "1 will run again" in printed
    record = record_of(soon_on, task_id, "RESOLVED")
    assert record["attempt"] == 2
    events = soon_on.query("SELECT kind, subject, reason FROM redrive_event")
    assert events == [{"kind": "retry", "subject": task_id, "reason": "the file is there now"}]


def test_retries_end_after_the_number_the_policy_allows(soon: Project) -> None:
    soon.worker()

    task_id = soon.send("shop.tasks.recovers", "one", 99)

    record = record_of(soon, task_id, "PENDING")
    assert len(soon.runs("recovers", "one")) == 4  # TRANSIENT_NETWORK: the first run and three retries
    assert (record["retry_count"], record["max_retries"]) == (3, 3)
    assert "3 retries" in record["decision"]


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
