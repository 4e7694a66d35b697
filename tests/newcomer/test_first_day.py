"""The documented steps on a fresh project give what the README promises, with a real worker and a real login."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.newcomer.admin_pages import Staff
from tests.newcomer.fresh_project import LOGIN, make_project
from tests.servers import PostgresServer, ValkeyServer
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

pytestmark = pytest.mark.celery

# The first delay after a network failure is a minute by default.
_SOON = {"POLICIES": {"TRANSIENT_NETWORK": {"initial_delay": 2}}}
_TABLES = (
    "redrive_taskfailurerecord",
    "redrive_failureattempt",
    "redrive_failuregroup",
    "redrive_redriverun",
    "redrive_redriveitem",
    "redrive_event",
    "redrive_stat",
    "redrive_lease",
)


@dataclass
class Bakery:
    """A fresh project with its worker and its web server running."""

    project: Project
    worker: Worker
    staff: Staff

    def record(self, task_id: str, status: str) -> dict[str, object]:
        """The record of a task, once it has this status."""
        rows = self.project.wait_for_rows(
            "SELECT * FROM redrive_taskfailurerecord WHERE task_id = %s AND status = %s", task_id, status
        )
        return rows[0]

    def runs(self, line: str) -> int:
        file = self.project.directory / "runs.txt"
        return file.read_text().splitlines().count(line) if file.exists() else 0


def _open(
    database: str, mode: str, directory: Path, valkey: ValkeyServer, request: pytest.FixtureRequest
) -> Iterator[Bakery]:
    url, setting = f"sqlite:///{directory}/db.sqlite3", ""  # SQLite is what startproject writes
    if database == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.start()
        url = server.create_database()
        name = url.rsplit("/", 1)[1]
        setting = (
            "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': '127.0.0.1', "
            f"'PORT': {server.port}, 'USER': 'redrive', 'NAME': {name!r}}}}}"
        )
    valkey.start()
    valkey.empty()
    redrive = _SOON if mode == "on" else _SOON | {"MODE": mode}  # "on" is the default
    project = make_project(directory, setting, url, valkey.url, redrive)
    try:
        worker = project.worker()
        with Staff(project.web().url, LOGIN) as staff:
            yield Bakery(project, worker, staff)
    finally:
        project.close()


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def bakery(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey_server: ValkeyServer
) -> Iterator[Bakery]:
    yield from _open(request.param, "on", tmp_path_factory.mktemp("on"), valkey_server, request)


@pytest.fixture(params=["postgres", "sqlite"])
def watched_bakery(
    request: pytest.FixtureRequest, tmp_path: Path, valkey_server: ValkeyServer
) -> Iterator[Bakery]:
    yield from _open(request.param, "observe", tmp_path, valkey_server, request)


@pytest.fixture(params=["postgres", "sqlite"])
def switched_off_bakery(
    request: pytest.FixtureRequest, tmp_path: Path, valkey_server: ValkeyServer
) -> Iterator[Bakery]:
    yield from _open(request.param, "off", tmp_path, valkey_server, request)


def test_failed_task_is_in_the_admin_with_type_reason_arguments_and_traceback(bakery: Bakery) -> None:
    task_id = bakery.project.send("ovens.tasks.bake", "rye", loaves=-3)
    bakery.record(task_id, "PENDING")

    page = bakery.staff.open_record(task_id)

    assert "ovens.tasks.bake" in page.text
    assert "PERMANENT_VALIDATION" in page.text
    assert "cannot bake -3 loaves" in page.text
    assert "rye" in page.text
    assert "Traceback (most recent call last)" in page.text
    assert bakery.runs("bake rye") == 1


def test_transient_failure_of_a_declared_task_recovers_by_itself(bakery: Bakery) -> None:
    task_id = bakery.project.send("ovens.tasks.deliver", "corner")
    waiting = bakery.record(task_id, "RETRYING")

    (bakery.project.directory / "corner.open").touch()

    resolved = bakery.record(task_id, "RESOLVED")
    assert waiting["failure_type"] == "TRANSIENT_NETWORK"
    assert resolved["id"] == waiting["id"]
    assert bakery.runs("deliver corner") >= 2


def test_transient_failure_of_an_undeclared_task_waits_for_a_person(bakery: Bakery) -> None:
    task_id = bakery.project.send("ovens.tasks.deliver_carefully", "market")

    record = bakery.record(task_id, "PENDING")

    assert record["failure_type"] == "TRANSIENT_NETWORK"
    assert record["next_retry_at"] is None
    assert "MANUAL_RETRY" in bakery.staff.open_record(task_id).text
    assert bakery.runs("deliver market") == 1


def test_dead_task_redriven_from_the_admin_ends_resolved(bakery: Bakery) -> None:
    task_id = bakery.project.send("ovens.tasks.order_flour", "old-mill")
    record = bakery.record(task_id, "PENDING")
    (bakery.project.directory / "old-mill.known").touch()

    bakery.staff.retry(int(str(record["id"])))

    resolved = bakery.record(task_id, "RESOLVED")
    assert resolved["id"] == record["id"]
    assert bakery.runs("order_flour old-mill") == 2


def test_observing_records_and_changes_nothing(watched_bakery: Bakery) -> None:
    bakery = watched_bakery
    invalid = bakery.project.send("ovens.tasks.bake", "rye", loaves=-3)
    transient = bakery.project.send("ovens.tasks.deliver", "corner")

    for task_id, failure_type in ((invalid, "PERMANENT_VALIDATION"), (transient, "TRANSIENT_NETWORK")):
        record = bakery.record(task_id, "PENDING")
        assert record["failure_type"] == failure_type
        assert record["next_retry_at"] is None
    _let_the_worker_finish(bakery)
    assert bakery.runs("bake rye") == 1
    assert bakery.runs("deliver corner") == 1
    # Celery ended the tasks as it does without Redrive: failed, not waiting.
    assert bakery.worker.log().count("raised unexpected: ") == 2


def test_switched_off_writes_nothing(switched_off_bakery: Bakery) -> None:
    bakery = switched_off_bakery
    bakery.project.send("ovens.tasks.bake", "rye", loaves=-3)
    bakery.project.send("ovens.tasks.deliver", "corner")

    wait_until(lambda: bakery.worker.log().count("raised unexpected: ") == 2, 20, bakery.worker.log)
    _let_the_worker_finish(bakery)

    counts = {table: bakery.project.query(f"SELECT count(*) AS n FROM {table}")[0]["n"] for table in _TABLES}
    assert counts == dict.fromkeys(_TABLES, 0)
    home = bakery.project.directory / ".local"
    assert not home.exists(), list(home.rglob("*"))


def _let_the_worker_finish(bakery: Bakery) -> None:
    """A warm shutdown: the pool has done its work, counters are flushed, nothing is in the air."""
    bakery.worker.stop()
    assert not bakery.worker.running
