"""MODE observe records and changes nothing, MODE off writes nothing: the same run as on the first day."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.newcomer.bakery import Bakery, open_bakery
from tests.servers import ValkeyServer
from tests.waiting import wait_until

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


@pytest.fixture(params=["postgres", "sqlite"])
def watched_bakery(
    request: pytest.FixtureRequest, tmp_path: Path, valkey_server: ValkeyServer
) -> Iterator[Bakery]:
    with open_bakery(request.param, "observe", tmp_path, valkey_server, request) as bakery:
        yield bakery


@pytest.fixture(params=["postgres", "sqlite"])
def switched_off_bakery(
    request: pytest.FixtureRequest, tmp_path: Path, valkey_server: ValkeyServer
) -> Iterator[Bakery]:
    with open_bakery(request.param, "off", tmp_path, valkey_server, request) as bakery:
        yield bakery


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
