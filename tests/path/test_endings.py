"""Ways to end that only a signal sees, or only the worker's main process."""

from collections.abc import Callable

import pytest
from kombu import Connection, Queue

from tests.path.conftest import SOON
from tests.path.records import record_of
from tests.servers import ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

ENDINGS = {
    # task: (failure type, exception, who saw it)
    "invalid_input": ("PERMANENT_VALIDATION", "ValueError", "wrapper"),
    "missing_setting": ("CONFIG_MISSING_SETTING", "KeyError", "wrapper"),
    "missing_row": ("PERMANENT_NOT_FOUND", "shop.models.Order.DoesNotExist", "wrapper"),
    "disk_full": ("SYSTEM_DISK_FULL", "OSError", "wrapper"),
    "fails_in_transaction": ("PERMANENT_VALIDATION", "ValueError", "wrapper"),
    "leaves_autocommit_off": ("PERMANENT_VALIDATION", "ValueError", "wrapper"),
    "unpicklable_error": (None, "shop.tasks.TwoArguments", "wrapper"),
    "soft_limit": ("EXTERNAL_TIMEOUT", "billiard.exceptions.SoftTimeLimitExceeded", "wrapper"),
    "own_base_class": ("PERMANENT_VALIDATION", "ValueError", "task_failure"),
    "hard_limit": ("EXTERNAL_TIMEOUT", "billiard.exceptions.TimeLimitExceeded", "main"),
    "killed": ("SYSTEM_OUT_OF_MEMORY", "billiard.exceptions.WorkerLostError", "main"),
    "exits": ("SYSTEM_WORKER_LOST", "billiard.exceptions.WorkerLostError", "main"),
    "base_exception": (None, "shop.tasks.NotAnException", "main"),
}


def test_every_ending_leaves_one_record_that_says_what_is_known(soon: Project) -> None:
    soon.worker(concurrency=2)
    ids = {task: soon.send(f"shop.tasks.{task}", "one") for task in ENDINGS}

    seen = {}
    for task, task_id in ids.items():
        record = record_of(soon, task_id, "PENDING")
        attempts = soon.query("SELECT source FROM redrive_failureattempt WHERE record_id = %s", record["id"])
        assert record["message_source"] == "raw", task
        assert len(attempts) == 1, task
        kind = record["failure_type"] if ENDINGS[task][0] else None
        seen[task] = (kind, record["exception_type"], attempts[0]["source"])

    assert seen == ENDINGS
    assert len(soon.query("SELECT id FROM redrive_taskfailurerecord")) == len(ENDINGS)


def test_messages_that_no_task_takes_are_kept_and_the_worker_lives(soon_on: Project) -> None:
    """Unknown task, undecodable body, a body that is no triple, a message without an id, a format nobody accepts."""
    soon_on.worker(concurrency=1)
    headers = {"task": "shop.tasks.succeed", "id": "1", "lang": "py", "retries": 0}
    good = b'[["x"], {}, {}]'
    odd = [
        (good, {**headers, "task": "shop.tasks.gone", "id": "unknown"}, "application/json"),
        (b"{not json", {**headers, "id": "undecodable"}, "application/json"),
        (b'{"x": 1}', {**headers, "id": "no triple"}, "application/json"),
        (good, {name: value for name, value in headers.items() if name != "id"}, "application/json"),
        (b"\x80\x04N.", {**headers, "id": "pickled"}, "application/x-python-serialize"),
        (b'[["x"], ["no mapping"], {}]', {**headers, "id": "kwargs"}, "application/json"),
    ]
    with Connection(soon_on.extra["BROKER_URL"]) as connection:
        producer = connection.Producer()
        for body, message_headers, content_type in odd:
            producer.publish(
                body,
                routing_key="celery",
                headers=message_headers,
                content_type=content_type,
                content_encoding="utf-8",
                declare=[Queue("celery", routing_key="celery")],
            )

    def seen() -> dict[str, str]:
        rows = soon_on.query("SELECT task_id, task_name, failure_type FROM redrive_taskfailurerecord")
        known = {"unknown", "undecodable", "no triple", "pickled", "kwargs"}
        return {r["task_id"] if r["task_id"] in known else "without id": r["failure_type"] for r in rows}

    wait_until(lambda: len(seen()) == len(odd), 30, lambda: f"{seen()}\n{soon_on.logs()}")
    assert seen()["unknown"] == "PERMANENT_LOGIC"
    after = soon_on.send("shop.tasks.invalid_input", "still alive")
    assert record_of(soon_on, after, "PENDING")["status"] == "PENDING"


def test_a_poison_message_ends_as_a_dead_letter(soon_on: Project) -> None:
    """It kills its process, goes back to the queue, kills the next: Celery would go on for ever."""
    soon_on.worker(concurrency=1)

    task_id = soon_on.send("shop.tasks.killed_and_requeued", "one")

    record = record_of(soon_on, task_id, "PENDING", seconds=60)
    assert record["failure_type"] == "SYSTEM_WORKER_LOST"
    assert len(soon_on.runs("killed_and_requeued", "one")) == 3


@pytest.mark.parametrize("task", ["rejected", "rejected_with_requeue_after_ack"])
def test_a_reject_is_kept(soon_on: Project, task: str) -> None:
    soon_on.worker()

    task_id = soon_on.send(f"shop.tasks.{task}", "one")

    record = record_of(soon_on, task_id, "PENDING")
    assert ("acknowledged the message before" in record["decision"]) == (task != "rejected")


def test_a_finished_body_whose_result_is_lost_is_kept_as_that(
    make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer
) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    options = {"result_backend_always_retry": False, "redis_retry_on_timeout": False}
    project = make_project(
        database_url=postgres_url,
        broker_url=valkey.url,
        celery={**options, "result_backend_transport_options": {"retry_policy": {"max_retries": 0}}},
        environment={"RESULT_URL": nowhere},
    )
    project.worker(concurrency=1)

    task_id = project.send("shop.tasks.succeed", "one")

    record = record_of(project, task_id, "PENDING", seconds=60)
    assert "only its result is lost" in record["decision"]


@pytest.mark.parametrize("safe", [True, False])
def test_a_ledgered_task_survives_its_worker_under_early_ack(
    make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer, safe: bool
) -> None:
    project = make_project(
        database_url=postgres_url, broker_url=valkey.url, redrive={**SOON, "LEDGER": "all"}
    )
    worker = project.worker()
    path = project.scratch / "open"
    name = "wait_then_succeed_safely" if safe else "wait_then_succeed"
    task_id = project.send(f"shop.tasks.{name}", "one", str(path))
    project.wait_for_runs(1, name)

    worker.kill()
    path.touch()
    worker.start()

    record = record_of(project, task_id, "RESOLVED" if safe else "PENDING", seconds=60)
    assert record["failure_type"] == "SYSTEM_WORKER_LOST"
    assert len(project.runs(name)) == (2 if safe else 1)


def test_a_ledgered_task_that_succeeds_leaves_no_row(
    make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer
) -> None:
    project = make_project(
        database_url=postgres_url, broker_url=valkey.url, redrive={**SOON, "LEDGER": "all"}
    )
    project.worker()
    path = project.scratch / "open"
    project.send("shop.tasks.wait_then_succeed", "one", str(path))
    statement = "SELECT started_attempt, first_failed_at FROM redrive_taskfailurerecord"
    assert project.wait_for_rows(statement) == [{"started_attempt": 1, "first_failed_at": None}]

    path.touch()

    wait_until(lambda: not project.query(statement), 20, project.logs)


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_other_pools_record_failures_and_recover(soon: Project, pool: str) -> None:
    soon.worker(pool=pool)

    dead = soon.send("shop.tasks.invalid_input", "one")
    recovering = soon.send("shop.tasks.recovers", "one")

    record_of(soon, dead, "PENDING")
    assert record_of(soon, recovering, "RESOLVED")["attempt"] == 2
