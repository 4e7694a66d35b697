"""``manage.py redrive doctor`` in a project, with real servers and a real worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers import PostgresServer, RabbitServer, ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

# What is true of the test project on purpose: a development server whose tasks end in every way a task can.
KNOWN = {
    "project.debug",
    "tasks.uncovered",
    "tasks.late-ack-unsafe",
    "tasks.reject-lost",
    "broker.redis-take",
    "broker.visibility-limit",
    "spill.volatile",
}


def doctor(project: Project, *arguments: str, code: int) -> dict[str, Any]:
    """The JSON of one examination that ends with the given code."""
    text = project.manage("redrive", "doctor", "--json", *arguments, code=code)
    found: dict[str, Any] = json.loads(text)
    assert found["exit_code"] == code
    return found


def ids(found: dict[str, Any], severity: str) -> set[str]:
    return {one["id"] for one in found["findings"] if one["severity"] == severity}


def ignoring(names: set[str]) -> list[str]:
    return [word for name in sorted(names) for word in ("--ignore", name)]


def test_project_without_workers_has_warnings_and_no_errors(project: Project) -> None:
    found = doctor(project, code=0)

    assert ids(found, "error") == set()
    assert ids(found, "warning") == KNOWN | {"workers.none", "keeper.none"}
    assert found["counts"]["warning"] == len(KNOWN) + 2


def test_strict_counts_warnings_that_are_not_ignored(project: Project) -> None:
    doctor(project, "--strict", code=1)

    found = doctor(project, "--strict", *ignoring(KNOWN | {"workers.none", "keeper.none"}), code=0)

    assert ids(found, "warning") == set()


def test_worker_and_its_keeper_are_seen(project: Project) -> None:
    worker = project.worker(
        concurrency=2, queues=["celery", "critical", "high_priority", "reports", "maintenance"]
    )
    project.wait_for_rows("SELECT 1 FROM redrive_lease WHERE kind = 'worker'")

    found = doctor(project, code=0)

    said = {one["id"]: one["saw"] for one in found["findings"] if one["severity"] == "ok"}
    assert f"worker-{worker.port}@" in said["workers.none"]
    assert "(prefork, 2)" in said["workers.none"]
    assert said["keeper.none"] == "A keeper is at work."
    assert "up to 3 connections" in said["database.connections"]
    assert "queues.level-unread" in said
    assert ids(found, "warning") == KNOWN


def test_worker_on_rabbitmq_answers_and_its_queues_are_compared(
    make_project: Callable[..., Project], postgres_url: str, rabbitmq: RabbitServer
) -> None:
    project = make_project(database_url=postgres_url, broker_url=rabbitmq.create_virtual_host())
    project.worker(concurrency=1)
    project.extra["CELERY"] = json.dumps({"task_queue_max_priority": 10})

    found = doctor(project, code=2)

    assert "queues.declared-differently" in ids(found, "error")
    assert {"queues.level-unread", "broker.consumer-timeout"} <= ids(found, "warning")


@pytest.mark.parametrize("broken", [{"MODEE": "on"}, {"CELERY_APP": "nowhere.celery:app"}])
def test_broken_settings_are_findings_and_not_the_end(project: Project, broken: dict[str, str]) -> None:
    project.extra["REDRIVE"] = json.dumps(broken)

    found = doctor(project, code=2)

    expected = {"MODEE": "project.check", "CELERY_APP": "celery.app"}[next(iter(broken))]
    assert ids(found, "error") == {expected}


def test_everything_stopped_is_three_findings_and_no_traceback(
    project: Project, valkey: ValkeyServer, postgres: PostgresServer
) -> None:
    valkey.stop()
    postgres.stop()

    text = project.manage("redrive", "doctor", code=2)

    assert "Traceback" not in text
    assert "ERROR    broker.unreachable" in text
    assert "ERROR    redis.unreachable" in text
    assert "ERROR    database.unreachable" in text
    assert "3 errors" in text.splitlines()[-1]


def test_retry_that_nobody_sends_is_an_error(project: Project) -> None:
    project.query(
        "INSERT INTO redrive_lease (kind, key, owner, fence, state, data, expires_at)"
        " VALUES ('duty', 'sample', 'x', 1, 'held', '{}', now() - interval '1 hour')"
    )
    worker = project.worker(
        concurrency=1, environment={"REDRIVE": '{"KEEPER": {"START_WITH_WORKER": false}}'}
    )
    wait_until(lambda: worker.running, 5, "the worker runs")

    found = doctor(project, code=2)

    assert ids(found, "error") == {"keeper.none"}
    assert "keeper.unvouched" in ids(found, "warning")


def test_misspelt_id_is_refused_with_the_closest_one(project: Project) -> None:
    text = project.manage("redrive", "doctor", "--ignore", "keeper.non", code=1)

    assert "There is no finding 'keeper.non'. Did you mean keeper.none?" in text


def test_database_without_our_tables_says_what_to_type(
    make_project: Callable[..., Project], postgres: PostgresServer, valkey: ValkeyServer
) -> None:
    project = make_project(database_url=postgres.create_database(), broker_url=valkey.url)

    text = project.manage("redrive", "doctor", code=2)

    assert "ERROR    database.migrations" in text
    assert "Type: manage.py migrate redrive" in text
