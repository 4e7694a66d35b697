"""With everything of ours stopped the host's tasks run, and what fails meanwhile is not lost."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import PostgresServer, RabbitServer, ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until


def spilled(directory: Path) -> list[str]:
    """Task ids of the endings that wait in a spill directory."""
    texts = [file.read_text() for file in directory.glob("spill*.jsonl")]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    return [line["payload"]["task_id"] for line in lines if line["kind"] == "ending"]


@pytest.mark.parametrize(
    "arguments", [(), ("--max-tasks-per-child", "1")], ids=["children stay", "one task each"]
)
def test_failures_wait_in_the_spill_until_a_keeper_and_the_database_are_there(
    arguments: tuple[str, ...],
    make_project: Callable[..., Project],
    postgres: PostgresServer,
    postgres_url: str,
    valkey: ValkeyServer,
    rabbitmq: RabbitServer,
    tmp_path: Path,
) -> None:
    spill = tmp_path / "spill"
    project = make_project(
        database_url=postgres_url,
        broker_url=rabbitmq.create_virtual_host(),
        redis_url=valkey.database_url(1),
        redrive={"KEEPER": {"START_WITH_WORKER": False}, "SPILL": {"DIRECTORY": str(spill)}},
    )
    postgres.kill()
    valkey.kill()
    project.worker(arguments=arguments)

    for number in range(10):
        project.send("shop.tasks.succeed", f"good {number}")
    project.send("shop.tasks.once", "idempotent")
    failed = {project.send("shop.tasks.invalid_input", f"bad {number}") for number in range(5)}
    failed.add(project.send("shop.tasks.recovers", "transient", 99))
    failed.add(project.send("shop.tasks.killed", "killed"))

    project.wait_for_runs(10, "succeed")
    project.wait_for_runs(1, "once")
    wait_until(lambda: set(spilled(spill)) == failed, 30, lambda: f"{spilled(spill)}\n{project.logs()}")
    postgres.start()
    project.command("redrive", "keeper", ready="is at work")
    statement = "SELECT task_id, status FROM redrive_taskfailurerecord"
    wait_until(lambda: len(project.query(statement)) == len(failed), 30, project.logs)
    rows = {row["task_id"]: row["status"] for row in project.query(statement)}
    assert set(rows) == failed
    assert sorted(rows.values()) == ["PENDING"] * 6 + ["RETRYING"]


def test_a_waiting_task_that_was_spilled_runs_when_it_is_due(
    make_project: Callable[..., Project], postgres: PostgresServer, postgres_url: str, valkey: ValkeyServer
) -> None:
    soon = {"TRANSIENT_NETWORK": {"initial_delay": 2, "max_delay": 2}}
    project = make_project(database_url=postgres_url, broker_url=valkey.url, redrive={"POLICIES": soon})
    postgres.kill()
    project.worker()

    task_id = project.send("shop.tasks.recovers", "one")
    project.wait_for_runs(1, "recovers")
    postgres.start()

    rows = project.wait_for_rows(
        "SELECT attempt FROM redrive_taskfailurerecord WHERE task_id = %s AND status = 'RESOLVED'",
        task_id,
        seconds=60,
    )
    assert rows == [{"attempt": 2}]
    assert len(project.runs("recovers", "one")) == 2


def test_without_a_place_to_write_celerys_own_countdown_carries_the_retry(
    make_project: Callable[..., Project], postgres: PostgresServer, postgres_url: str, valkey: ValkeyServer
) -> None:
    redrive = {
        "POLICIES": {"TRANSIENT_NETWORK": {"initial_delay": 2, "max_delay": 2}},
        "SPILL": {"DIRECTORY": "/proc/nowhere"},
    }
    project = make_project(database_url=postgres_url, broker_url=valkey.url, redrive=redrive)
    postgres.kill()
    worker = project.worker()

    project.send("shop.tasks.recovers", "one")

    project.wait_for_runs(2, "recovers")
    assert worker.says("could be stored neither in SQL nor in the spill")
