"""The ledger, and pools other than prefork. How every ending is recorded on prefork: `tests/endings`."""

from collections.abc import Callable

import pytest

from tests.path.conftest import SOON
from tests.path.records import record_of
from tests.servers import ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until


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


@pytest.mark.parametrize("pool", ["threads", "solo", "gevent"])
def test_other_pools_record_failures_and_recover(soon: Project, pool: str) -> None:
    soon.worker(pool=pool)

    dead = soon.send("shop.tasks.invalid_input", "one")
    recovering = soon.send("shop.tasks.recovers", "one")

    record_of(soon, dead, "PENDING")
    assert record_of(soon, recovering, "RESOLVED")["attempt"] == 2
