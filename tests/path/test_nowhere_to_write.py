"""The database is away and the spill's disk is full: what can be kept is kept until one of them is back."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.path.conftest import SOON
from tests.servers import PostgresServer
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

CELERY = {"imports": ["shop.chaos"]}
SAID = "could be stored neither in SQL nor in the spill"


class FullSpill:
    """A spill directory in which nothing can be written, until :meth:`free`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700)
        self._link = directory / "spill.jsonl"
        self._link.symlink_to("/dev/full")

    def free(self) -> None:
        self._link.unlink(missing_ok=True)


@pytest.fixture
def full(tmp_path: Path) -> Iterator[FullSpill]:
    spill = FullSpill(tmp_path / "spill")
    yield spill
    spill.free()


@pytest.fixture
def worker_and_project(
    make_project: Callable[..., Project],
    postgres: PostgresServer,
    postgres_url: str,
    broker_url: str,
    full: FullSpill,
) -> tuple[Worker, Project]:
    """A worker that can write nothing, on either broker."""
    redrive = {**SOON, "SPILL": {"DIRECTORY": str(full.directory)}}
    project = make_project(database_url=postgres_url, broker_url=broker_url, redrive=redrive, celery=CELERY)
    worker = project.worker(concurrency=1)
    postgres.kill()
    return worker, project


def test_a_failed_task_that_is_acknowledged_late_goes_back_to_its_queue(
    worker_and_project: tuple[Worker, Project], postgres: PostgresServer, full: FullSpill
) -> None:
    worker, project = worker_and_project

    task_id = project.send("shop.chaos.late_permanent", label="one")
    wait_until(lambda: worker.log().count(SAID) > 1, 30, project.logs)
    postgres.start()

    rows = project.wait_for_rows(
        "SELECT exception_type FROM redrive_taskfailurerecord WHERE task_id = %s AND status = 'PENDING'",
        task_id,
        seconds=40,
    )
    assert rows == [{"exception_type": "ValueError"}]


def test_a_lost_child_is_remembered_by_the_main_process(
    worker_and_project: tuple[Worker, Project], postgres: PostgresServer, full: FullSpill
) -> None:
    worker, project = worker_and_project

    task_id = project.send("shop.tasks.killed", "one")
    wait_until(lambda: worker.says(SAID), 30, project.logs)
    full.free()
    postgres.start()

    rows = project.wait_for_rows(
        "SELECT status, failure_type FROM redrive_taskfailurerecord WHERE task_id = %s", task_id, seconds=40
    )
    assert rows == [{"status": "PENDING", "failure_type": "SYSTEM_OUT_OF_MEMORY"}]
