"""The same call runs once at a time, and once per window."""

from tests.path.records import record_of
from tests.servers.django_project import Project
from tests.waiting import wait_until


def test_a_duplicate_waits_for_the_first_and_gets_its_result(soon: Project) -> None:
    soon.worker(concurrency=2)
    path = soon.scratch / "open"
    first = soon.send("shop.tasks.once", "one", str(path))
    soon.wait_for_runs(1, "once", "one")

    second = soon.send("shop.tasks.once", "one", str(path))

    record = record_of(soon, second, "RETRYING")
    assert record["first_failed_at"] is None
    assert first in record["hold_reason"]
    path.touch()
    soon.manage("redrive", "retry", second)
    statement = "SELECT id FROM redrive_taskfailurerecord WHERE task_id = %s"
    wait_until(lambda: not soon.query(statement, second), 30, soon.logs)
    assert len(soon.runs("once", "one")) == 1


def test_a_failed_call_may_be_made_again(soon: Project) -> None:
    soon.worker()
    dead = soon.send("shop.tasks.documented_style", "one", 99, "nothing")
    record_of(soon, dead, "PENDING")

    again = soon.send("shop.tasks.documented_style", "one", 99, "nothing")

    record_of(soon, again, "PENDING")
