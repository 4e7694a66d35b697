"""Killed at each arrow of a task's path, at the very moment: the database holds the victim's statement meanwhile.

A trigger makes the one statement of that arrow sleep; what sent it is killed with SIGKILL while it sleeps.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.path.conftest import SOON
from tests.path.records import record_of
from tests.servers import ValkeyServer
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

PATIENT = {"initial_delay": 2, "backoff_factor": 1, "max_delay": 2, "max_retries": 20}
ARROWS = {
    # arrow: (table, trigger's event, condition)
    "body to record": ("redrive_failureattempt", "INSERT", "NEW.outcome = 'failed'"),
    "keeper to broker": (
        "redrive_taskfailurerecord",
        "UPDATE",
        "NEW.published_at IS NOT NULL AND OLD.published_at IS NULL",
    ),
    "broker to body": ("redrive_taskfailurerecord", "UPDATE", "NEW.started_attempt > OLD.started_attempt"),
    "body to resolved": ("redrive_taskfailurerecord", "UPDATE", "NEW.status = 'RESOLVED'"),
}


@pytest.fixture
def patient(make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer) -> Project:
    """Short delays, and enough retries for a kill and a failure."""
    names = ("TRANSIENT_NETWORK", "SYSTEM_WORKER_LOST", "SYSTEM_OUT_OF_MEMORY")
    return make_project(
        database_url=postgres_url,
        broker_url=valkey.url,
        redrive={**SOON, "POLICIES": dict.fromkeys(names, PATIENT)},
        environment={"RESULT_URL": valkey.database_url(2)},
    )


@contextmanager
def held_at(project: Project, arrow: str) -> Iterator[None]:
    """The arrow's statement sleeps once; on return its sender is to be killed, then the trigger goes."""
    table, event, condition = ARROWS[arrow]
    project.query("CREATE TABLE held (id int)")
    project.query("CREATE SEQUENCE held_count")
    project.query(
        "CREATE FUNCTION hold() RETURNS trigger AS $$ BEGIN"
        " IF nextval('held_count') = 1 THEN PERFORM pg_sleep(1.5); END IF; RETURN NEW; END $$ LANGUAGE plpgsql"
    )
    project.query(
        f"CREATE TRIGGER hold BEFORE {event} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION hold()"
    )
    yield
    project.query(f"DROP TRIGGER hold ON {table}")


def sleeps(project: Project) -> bool:
    """Whether the held statement is asleep at this moment."""
    return bool(project.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))


def kill_children(worker: Worker) -> None:
    """SIGKILL every process of the pool: whichever had sent the statement is among them."""
    for pid in worker.children():
        psutil.Process(pid).kill()


def kill_keeper(worker: Worker) -> None:
    for child in psutil.Process(worker.pid).children():
        if "redrive.keeper" in child.cmdline():
            child.kill()


@pytest.mark.parametrize(
    ("arrow", "kill"),
    [
        ("body to record", kill_children),
        ("keeper to broker", kill_keeper),
        ("broker to body", kill_children),
        ("body to resolved", kill_children),
    ],
)
def test_a_kill_at_an_arrow_loses_nothing_and_runs_nothing_twice(
    patient: Project, arrow: str, kill: Callable[[Worker], None]
) -> None:
    worker = patient.worker(concurrency=1)

    with held_at(patient, arrow):
        task_id = patient.send("shop.tasks.recovers", "one")
        wait_until(lambda: sleeps(patient), 30, patient.logs, every=0.02)
        kill(worker)

    record_of(patient, task_id, "RESOLVED", seconds=60)
    assert len(patient.runs("recovers", "one")) == 2  # the first fails, the second succeeds; no third
