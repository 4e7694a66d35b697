"""Fifty tasks wait; something is killed while they wait, and again while they run. All of them run, once each."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.path.conftest import SOON
from tests.servers import PostgresServer
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

FIFTY = 50
# Retries are counted whatever they are for, so the kills need more than one for a lost child.
PATIENT = {"initial_delay": 6, "backoff_factor": 1, "max_delay": 6, "max_retries": 20}
LATER = {
    **SOON,
    "POLICIES": dict.fromkeys(("TRANSIENT_NETWORK", "SYSTEM_WORKER_LOST", "SYSTEM_OUT_OF_MEMORY"), PATIENT),
}


@pytest.fixture(params=["valkey", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def broker(request: pytest.FixtureRequest) -> Any:
    """The broker's server itself."""
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize("victim", ["worker", "child", "keeper", "broker", "database"])
def test_fifty_waiting_tasks_run_once_each(
    victim: str,
    broker: Any,
    postgres: PostgresServer,
    postgres_url: str,
    make_project: Callable[..., Project],
) -> None:
    url = broker.create_virtual_host() if hasattr(broker, "create_virtual_host") else broker.url
    project = make_project(database_url=postgres_url, broker_url=url, redrive=LATER)
    worker = project.worker(concurrency=2)
    servers = {"worker": worker, "broker": broker, "database": postgres}
    path, gate = project.scratch / "open", project.scratch / "gate"
    for number in range(FIFTY):
        project.send("shop.tasks.completes_once_open", f"task {number}", str(path), str(gate))
    wait_until(lambda: _count(project, "RETRYING") == FIFTY, 30, lambda: f"fifty wait\n{project.logs()}")

    _kill(victim, worker, servers)
    path.touch()
    # Two run, and wait in the middle of their bodies: what is killed now has had no effect yet.
    running = "SELECT 1 FROM redrive_taskfailurerecord WHERE started_attempt > attempt"
    wait_until(lambda: len(project.query(running)) == 2, 60, lambda: f"two run\n{project.logs()}")
    _kill(victim, worker, servers)
    gate.touch()

    wait_until(
        lambda: _count(project, "RESOLVED") == FIFTY, 120, lambda: f"{_statuses(project)}\n{project.logs()}"
    )
    runs = Counter(run["label"] for run in project.runs("completes_once_open"))
    assert runs == {f"task {number}": 1 for number in range(FIFTY)}


def _kill(victim: str, worker: Worker, servers: dict[str, Any]) -> None:
    """SIGKILL; what nobody restarts by itself is started again."""
    if victim in servers:
        servers[victim].kill()
        servers[victim].start()
        return
    children = worker.children()
    if victim == "child":
        os.kill(children[0], signal.SIGKILL)
        return
    keepers = [
        child for child in psutil.Process(worker.pid).children() if "redrive.keeper" in child.cmdline()
    ]
    for keeper in keepers:
        keeper.kill()


def _count(project: Project, status: str) -> int:
    rows = project.query("SELECT count(*) AS n FROM redrive_taskfailurerecord WHERE status = %s", status)
    return int(rows[0]["n"])


def _statuses(project: Project) -> str:
    columns = "task_id, status, attempt, started_attempt, publishes, decision, hold_reason"
    rows = project.query(f"SELECT {columns} FROM redrive_taskfailurerecord WHERE status <> 'RESOLVED'")
    return json.dumps(rows, default=str, indent=1)
