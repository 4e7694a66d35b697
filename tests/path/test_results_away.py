"""Results or broker are away when a task ends: Celery acknowledges and says nothing; it is recorded all the same."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.path.conftest import SOON
from tests.servers import ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

FAST = {"result_backend_transport_options": {"retry_policy": {"max_retries": 1, "interval_max": 0.1}}}


@pytest.fixture
def results(server_directory: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(server_directory / "results")
    server.start()
    server.empty()
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


@pytest.fixture(params=["valkey", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def broker(request: pytest.FixtureRequest) -> Any:
    """The broker's server itself."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def chords(
    make_project: Callable[..., Project], postgres_url: str, broker: Any, results: ValkeyServer
) -> Project:
    url = broker.create_virtual_host() if hasattr(broker, "create_virtual_host") else broker.url
    impatient = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.1}
    return make_project(
        database_url=postgres_url,
        broker_url=url,
        redrive=SOON,
        celery={**FAST, "task_publish_retry_policy": impatient},
        environment={"RESULT_URL": results.url},
    )


def send_chord(project: Project, gate: Path) -> str:
    """Two members, of which the second waits for the gate; the id of the body."""
    code = (
        "from celery import chord; from shop.tasks import succeed, wait_then_succeed;"
        f"print(chord([succeed.s('first'), wait_then_succeed.s('last', {str(gate)!r})])(succeed.s()).id)"
    )
    return project.manage("shell", "-v", "0", "-c", code).split()[-1]


def ran_body(project: Project) -> bool:
    return any(run["label"] == ["first", "last"] for run in project.runs("succeed"))


def test_a_chords_body_that_could_not_be_sent_waits_for_a_person_and_can_be_sent(
    chords: Project, broker: Any
) -> None:
    chords.worker(concurrency=2)
    gate = chords.scratch / "gate"
    body = send_chord(chords, gate)
    chords.wait_for_runs(1, "wait_then_succeed", "last")
    broker.kill()
    gate.touch()

    found = row(chords, body)
    broker.start()

    assert "OperationalError" in str(found["exception_type"])
    assert "could not send it" in str(found["decision"])
    chords.manage("redrive", "retry", body)
    wait_until(lambda: ran_body(chords), 30, lambda: f"the body runs\n{chords.logs()}")


def test_a_chords_body_whose_members_results_cannot_be_read_waits_for_a_person(
    chords: Project, results: ValkeyServer
) -> None:
    chords.worker(concurrency=2)
    gate = chords.scratch / "gate"
    body = send_chord(chords, gate)
    with redis.Redis.from_url(results.url) as client:
        wait_until(lambda: client.keys("*.j"), 20, "the first result is kept")
        (key,) = client.keys("*.j")
        client.zremrangebyrank(key, 0, -1)
        client.zadd(key, {"no result": 0})
    gate.touch()

    found = row(chords, body)

    assert "could not be read" in str(found["decision"])
    assert not ran_body(chords)
