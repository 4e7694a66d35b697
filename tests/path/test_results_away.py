"""The result backend is away: Celery acknowledges and says nothing; the ending is recorded all the same."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.path.conftest import SOON
from tests.servers import ValkeyServer
from tests.servers.django_project import Project

FAST = {"result_backend_transport_options": {"retry_policy": {"max_retries": 1, "interval_max": 0.1}}}


@pytest.fixture
def results(server_directory: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(server_directory / "results")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def project(
    make_project: Callable[..., Project], postgres_url: str, broker_url: str, results: ValkeyServer
) -> Project:
    return make_project(
        database_url=postgres_url,
        broker_url=broker_url,
        redrive=SOON,
        celery=FAST,
        environment={"RESULT_URL": results.url},
    )


def row(project: Project, task_id: str) -> dict[str, object]:
    """The record, once it waits for a person."""
    statement = (
        "SELECT attempt, exception_type, decision FROM redrive_taskfailurerecord"
        " WHERE task_id = %s AND status = 'PENDING'"
    )
    return project.wait_for_rows(statement, task_id, seconds=90)[0]


@pytest.mark.parametrize(
    ("task", "exception"),
    [
        ("killed", "billiard.exceptions.WorkerLostError"),
        ("hard_limit", "billiard.exceptions.TimeLimitExceeded"),
    ],
)
def test_a_child_that_is_gone_is_recorded(
    task: str, exception: str, project: Project, results: ValkeyServer
) -> None:
    project.worker(concurrency=1)
    results.kill()

    task_id = project.send(f"shop.tasks.{task}", "one")

    found = row(project, task_id)
    assert (found["attempt"], found["exception_type"]) == (1, exception)


def test_a_retry_whose_result_is_lost_is_not_taken_for_resolved(
    project: Project, results: ValkeyServer, tmp_path: Path
) -> None:
    path = tmp_path / "open"
    project.worker(concurrency=1)
    task_id = project.send("shop.tasks.fails_until", "one", str(path))
    project.wait_for_rows(
        "SELECT 1 FROM redrive_taskfailurerecord WHERE task_id = %s AND status = 'RETRYING'", task_id
    )

    path.touch()
    results.kill()

    found = row(project, task_id)
    assert "only its result is lost" in str(found["decision"])
    assert len(project.runs("fails_until", "one")) == found["attempt"]
