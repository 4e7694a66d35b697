"""Messages that are sealed where they are stored, and messages that are too large to store."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.path.conftest import SOON
from tests.path.records import record_of
from tests.servers import PostgresServer, ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

CLEAR = "a-card-number-in-clear"


def test_a_sealed_task_waits_unread_and_succeeds(
    make_project: Callable[..., Project],
    postgres: PostgresServer,
    postgres_url: str,
    valkey: ValkeyServer,
    tmp_path: Path,
) -> None:
    redrive = {
        **SOON,
        "KEEPER": {**SOON["KEEPER"], "START_WITH_WORKER": False},
        "SPILL": {"DIRECTORY": str(tmp_path / "spill")},
        "PAYLOAD": {"CODEC": "shop.sealing.Codec", "MAX_BYTES": 100_000},
        "LEDGER": "all",
    }
    project = make_project(database_url=postgres_url, broker_url=valkey.url, redrive=redrive)
    project.worker(concurrency=1)
    statement = "SELECT * FROM redrive_taskfailurerecord WHERE task_id = %s"

    stored = project.send("shop.tasks.recovers", CLEAR)
    row = record_of(project, stored, "RETRYING")
    large = project.send("shop.tasks.recovers", CLEAR + "x" * 100_000)
    refused = record_of(project, large, "PENDING")
    postgres.kill()
    spilled = project.send("shop.tasks.recovers", CLEAR + " spilled")
    file = tmp_path / "spill" / "spill.jsonl"
    wait_until(lambda: file.exists() and spilled in file.read_text(), 30, project.logs)
    lines = file.read_text()

    whole = json.dumps(
        [row, refused], default=lambda value: str(bytes(value) if hasattr(value, "obj") else value)
    )
    assert CLEAR not in whole
    assert bytes(row["body"]).startswith(b"toy")
    assert CLEAR not in lines
    assert "Its message has 100," in refused["decision"]
    postgres.start()
    shown = project.manage("redrive", "show", stored)
    assert "<sealed>" in shown
    assert "It is sealed" in shown
    assert "Its message has 100," in project.manage("redrive", "show", large)
    assert "call the task again with its arguments" in project.manage("redrive", "retry", large, code=None)
    project.command("redrive", "keeper", ready="is at work")
    for task_id in (stored, spilled):
        assert record_of(project, task_id, "RESOLVED", seconds=60)["attempt"] == 2
    assert len(project.runs("recovers", CLEAR)) == 2
    assert project.query(statement, large)[0]["status"] == "PENDING"


def test_a_retry_by_hand_whose_message_is_not_stored_is_left_to_celery(
    make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer
) -> None:
    redrive = {**SOON, "PAYLOAD": {"MAX_BYTES": 10}}
    project = make_project(database_url=postgres_url, broker_url=valkey.url, redrive=redrive)
    project.worker(concurrency=1)

    task_id = project.send("shop.tasks.retry_by_hand", "one", 1)

    assert record_of(project, task_id, "RESOLVED")["message_source"] == "none"
    assert len(project.runs("retry_by_hand", "one")) == 2
