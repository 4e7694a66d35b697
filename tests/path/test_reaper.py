"""Who is taken for gone, and who is not: paused, slow, or cut off from the database.

The sentinel is a worker that is killed for real at the same moment. Once it is taken for gone, whoever is not by then
has had all the time it takes.
"""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.path.conftest import SOON
from tests.path.records import record_of
from tests.servers import PostgresServer, ValkeyServer
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

HEARTBEAT = 2.0
ROW = "SELECT status, first_failed_at, started_attempt FROM redrive_taskfailurerecord WHERE task_id = %s"


@pytest.fixture
def ledgered(make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer) -> Project:
    """Every task is in the ledger, and heartbeats are short."""
    keeper: dict[str, Any] = {**SOON["KEEPER"], "HEARTBEAT_SECONDS": HEARTBEAT}
    return make_project(
        database_url=postgres_url, broker_url=valkey.url, redrive={"LEDGER": "all", "KEEPER": keeper}
    )


def start(project: Project, queue: str, gate: Path) -> tuple[Worker, str]:
    """A worker of its own and a ledgered task that runs on it until the gate is there."""
    worker = project.worker(concurrency=1, queues=[queue])
    task_id = project.send("shop.tasks.wait_then_succeed", queue, str(gate), options={"queue": queue})
    project.wait_for_runs(1, "wait_then_succeed", queue)
    return worker, task_id


def tell(worker: Worker, number: signal.Signals, *, keeper: bool) -> None:
    """Send a signal to a worker and its children, and to its keeper if told."""
    main = psutil.Process(worker.pid)
    for child in main.children():
        if keeper or "redrive.keeper" not in child.cmdline():
            child.send_signal(number)
    main.send_signal(number)


def test_a_paused_worker_is_not_taken_for_gone(ledgered: Project) -> None:
    gate = ledgered.scratch / "gate"
    paused, task_id = start(ledgered, "paused", gate)
    sentinel, dead = start(ledgered, "sentinel", gate)
    ledgered.command("redrive", "keeper", ready="is at work")

    tell(paused, signal.SIGSTOP, keeper=False)
    sentinel.kill()

    assert record_of(ledgered, dead, "PENDING")["failure_type"] == "SYSTEM_WORKER_LOST"
    assert ledgered.query(ROW, task_id) == [
        {"status": "RETRYING", "first_failed_at": None, "started_attempt": 1}
    ]
    tell(paused, signal.SIGCONT, keeper=False)
    gate.touch()
    wait_until(lambda: not ledgered.query(ROW, task_id), 20, ledgered.logs)


def test_while_the_database_is_away_nobody_is_taken_for_gone(
    ledgered: Project, postgres: PostgresServer
) -> None:
    gate = ledgered.scratch / "gate"
    _, task_id = start(ledgered, "cut off", gate)
    sentinel, dead = start(ledgered, "sentinel", gate)

    postgres.kill()
    sentinel.kill()
    stale = time.monotonic() + 3 * HEARTBEAT  # by then every sign of life has run out, and the grace after it
    wait_until(lambda: time.monotonic() > stale, 10, "all signs of life are old")
    postgres.start()

    assert record_of(ledgered, dead, "PENDING", seconds=60)["failure_type"] == "SYSTEM_WORKER_LOST"
    assert ledgered.query(ROW, task_id) == [
        {"status": "RETRYING", "first_failed_at": None, "started_attempt": 1}
    ]
    gate.touch()
    wait_until(lambda: not ledgered.query(ROW, task_id), 20, ledgered.logs)


def test_one_that_was_taken_for_gone_and_succeeds_is_resolved(ledgered: Project) -> None:
    """Paused with its keeper, as a frozen machine is: nobody can tell it from a dead one."""
    gate = ledgered.scratch / "gate"
    frozen, task_id = start(ledgered, "frozen", gate)
    ledgered.command("redrive", "keeper", ready="is at work")

    tell(frozen, signal.SIGSTOP, keeper=True)
    lost = record_of(ledgered, task_id, "PENDING")
    tell(frozen, signal.SIGCONT, keeper=True)
    gate.touch()

    record = record_of(ledgered, task_id, "RESOLVED")
    assert lost["exception_message"].endswith("gave no sign of life any more.")
    assert "was only slow" in record["decision"]
    assert len(ledgered.runs("wait_then_succeed", "frozen")) == 1


def test_the_lease_of_a_running_task_holds_its_whole_message(ledgered: Project) -> None:
    gate = ledgered.scratch / "gate"
    _, task_id = start(ledgered, "running", gate)

    rows = ledgered.wait_for_rows("SELECT * FROM redrive_taskfailurerecord WHERE task_id = %s", task_id)

    assert json.loads(bytes(rows[0]["body"]))[0] == ["running", str(gate)]
    assert (rows[0]["message_source"], rows[0]["routing_key"]) == ("raw", "running")
    gate.touch()
