"""Messages of strangers: forged headers, odd bytes, giants, an old protocol. Recorded, and no limit is skipped."""

from __future__ import annotations

import json
from typing import Any

import pytest
from celery import Celery, signature

from tests.path.records import record_of
from tests.servers.django_project import Project

GIANT = 5_000_000
FORGED: dict[str, Any] = {
    "huge numbers": {
        "version": 99,
        "attempt": 10**12,
        "retries": -(10**12),
        "first_seen": "9999-12-31T23:59:59+00:00",
    },
    "negative": {
        "version": 1,
        "attempt": -50,
        "retries": 0,
        "first_seen": "never",
        "failure_type": "x" * 5000,
    },
    "first for ever": {
        "version": 1,
        "attempt": 1,
        "retries": -1000,
        "first_seen": "2099-01-01T00:00:00+00:00",
    },
    "no mapping": "let me through",
}


def test_what_strangers_send_is_recorded_and_skips_no_limit(soon_on: Project) -> None:
    soon_on.worker(concurrency=2)
    rabbitmq = soon_on.extra["BROKER_URL"].startswith("amqp")
    odd: Any = b"\xff\xfe" if rabbitmq else "\udcff"
    for name, header in FORGED.items():
        options = {"task_id": name, "headers": {"redrive": header}}
        soon_on.send("shop.tasks.recovers", name, 99, options=options)
    soon_on.send("shop.tasks.invalid_input", "x" * GIANT, options={"task_id": "giant"})
    soon_on.send("shop.tasks.invalid_input", "odd", options={"task_id": "odd", "headers": {"odd": odd}})
    with Celery(broker=soon_on.extra["BROKER_URL"], set_as_current=False) as old:
        old.conf.task_protocol = 1
        old.send_task("shop.tasks.invalid_input", ["old"], task_id="old")

    for name in FORGED:
        record = record_of(soon_on, name, "PENDING", seconds=60)
        assert 1 <= len(soon_on.runs("recovers", name)) <= 4, name
        assert record["exception_type"] == "ConnectionRefusedError"
    giant = record_of(soon_on, "giant", "PENDING")
    assert len(bytes(giant["body"])) > GIANT
    assert f"({GIANT:,} characters)" in json.dumps(giant["task_args"])
    assert len(json.dumps(giant["task_args"])) < 10_000
    assert record_of(soon_on, "odd", "PENDING")["message_source"] == "raw"
    soon_on.manage("redrive", "retry", record_of(soon_on, "old", "PENDING")["task_id"])
    soon_on.wait_for_runs(2, "invalid_input", "old")


@pytest.mark.parametrize("attempt", ["7", None, [1]])
def test_an_attempt_that_is_no_number_is_a_first_run(soon: Project, attempt: Any) -> None:
    soon.worker(concurrency=1)

    task_id = soon.send(
        "shop.tasks.invalid_input", "one", options={"headers": {"redrive": {"attempt": attempt}}}
    )

    assert record_of(soon, task_id, "PENDING")["attempt"] == 1


@pytest.mark.parametrize("task", ["recovers", "retry_by_hand"])
def test_an_unknown_failure_type_in_a_header_disturbs_no_retry(soon: Project, task: str) -> None:
    """It may be forged, or come from a keeper of a newer release."""
    soon.worker(concurrency=1)
    header = {"version": 1, "attempt": 2, "retries": 0, "failure_type": "TRANSIENT_NEWTYPE"}
    errback = signature("shop.tasks.succeed", ("errback",), immutable=True)

    task_id = soon.send(
        f"shop.tasks.{task}", "one", 1, options={"headers": {"redrive": header}, "link_error": [errback]}
    )

    record = record_of(soon, task_id, "RESOLVED")
    ends = soon.query(
        "SELECT attempt, outcome FROM redrive_failureattempt WHERE record_id = %s ORDER BY id",
        record["id"],
    )
    assert [(end["attempt"], end["outcome"]) for end in ends] == [(2, "failed"), (3, "succeeded")]
    assert soon.runs("succeed", "errback") == []
