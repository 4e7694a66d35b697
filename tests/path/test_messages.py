"""Messages of every kind come back as they were sent."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.path.records import record_of
from tests.servers.django_project import Project


@pytest.mark.parametrize("compression", ["gzip", "bzip2"])
def test_a_compressed_message_runs_again(soon: Project, compression: str) -> None:
    soon.worker()

    task_id = soon.send("shop.tasks.recovers", "one", options={"compression": compression})

    assert record_of(soon, task_id, "RESOLVED")["attempt"] == 2


def test_a_retry_that_celery_sends_after_a_redrive_runs(soon: Project) -> None:
    """Celery's own retry of a redriven task copies our header and counts on by itself."""
    soon.worker()
    task_id = soon.send("shop.tasks.own_base_retry", "one", 7)
    record_of(soon, task_id, "PENDING")

    soon.manage("redrive", "retry", task_id)

    record_of(soon, task_id, "RESOLVED")
    assert len(soon.runs("own_base_retry", "one")) == 8  # six of the first round, two after the redrive


def test_a_task_that_changes_its_arguments_gets_the_new_ones(soon: Project) -> None:
    soon.worker()

    by_position = soon.send("shop.tasks.changes_its_arguments", "position", 1)
    by_name = soon.send("shop.tasks.changes_its_arguments", label="name", number=1)

    for task_id, label in ((by_position, "position"), (by_name, "name")):
        record_of(soon, task_id, "RESOLVED")
        assert [run["number"] for run in soon.runs("changes_its_arguments", label)] == [1, 2]


def test_an_expired_task_waits_for_a_person_and_runs_when_redriven(soon: Project) -> None:
    expired = {"expires": datetime.now(UTC) - timedelta(minutes=1)}
    task_id = soon.send("shop.tasks.expires_soon", "one", options=expired)
    soon.worker()

    record = record_of(soon, task_id, "PENDING")
    assert "expired before it started" in record["decision"]
    soon.manage("redrive", "retry", task_id)

    # Workers remember the id as revoked, so it goes out under a new one.
    rows = soon.wait_for_rows("SELECT task_id FROM redrive_taskfailurerecord WHERE status = 'RESOLVED'")
    assert [run["task_id"] for run in soon.runs("expires_soon", "one")] == [row["task_id"] for row in rows]
    assert rows[0]["task_id"] != task_id


def test_an_id_that_is_used_again_is_kept_track_of_anew(soon: Project) -> None:
    soon.worker()
    soon.send("shop.tasks.recovers", "first", options={"task_id": "nightly"})
    record_of(soon, "nightly", "RESOLVED")

    soon.send("shop.tasks.recovers", "second", options={"task_id": "nightly"})

    soon.wait_for_runs(2, "recovers", "second")
    assert record_of(soon, "nightly", "RESOLVED")["attempt"] == 4


def test_a_message_that_cannot_be_sent_does_not_keep_the_others_from_it(soon: Project) -> None:
    soon.worker()
    stuck = soon.send("shop.tasks.invalid_input", "stuck")
    record_of(soon, stuck, "PENDING")
    statement = "UPDATE redrive_taskfailurerecord SET exchange = 'gone', routing_key = 'x', content_type = %s"
    soon.query(f"{statement} WHERE task_id = %s", "application/json", stuck)
    soon.query(
        "UPDATE redrive_taskfailurerecord SET properties = '{\"priority\": 1}' WHERE task_id = %s", stuck
    )
    soon.manage("redrive", "retry", stuck)

    other = soon.send("shop.tasks.recovers", "other")

    record_of(soon, other, "RESOLVED")


def test_a_claim_does_not_outlive_a_task_that_left_by_system_exit(soon: Project) -> None:
    soon.worker(concurrency=1)
    first = soon.send("shop.tasks.leaves_by_system_exit", "one")

    record_of(soon, first, "RETRYING", "RESOLVED")
    record_of(soon, first, "RESOLVED")
    assert len(soon.runs("leaves_by_system_exit", "one")) == 2
