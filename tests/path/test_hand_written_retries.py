"""Retries that a task asks for itself keep working, and wait in the database."""

import pytest
import redis

from tests.path.records import record_of
from tests.servers import ValkeyServer
from tests.servers.django_project import Project


def test_the_documented_style_retries_a_deadlock_five_times(soon: Project) -> None:
    soon.worker(concurrency=1)

    task_id = soon.send("shop.tasks.documented_style", "one", 99, "deadlock")

    record = record_of(soon, task_id, "PENDING", seconds=60)
    assert [run["retries"] for run in soon.runs("documented_style", "one")] == [0, 1, 2, 3, 4, 5]
    assert record["failure_type"] == "TRANSIENT_DATABASE"
    assert (record["retry_count"], record["max_retries"]) == (5, 5)
    assert "deadlock detected" in record["exception_message"]


def test_a_hand_written_retry_recovers_and_holds_no_countdown(soon: Project, valkey: ValkeyServer) -> None:
    soon.extra["REDRIVE"] = soon.extra["REDRIVE"].replace('"initial_delay": 2', '"initial_delay": 3600')
    soon.extra["REDRIVE"] = soon.extra["REDRIVE"].replace('"max_delay": 2', '"max_delay": 3600')
    soon.worker()

    task_id = soon.send("shop.tasks.documented_style", "one", 1, "network")

    record = record_of(soon, task_id, "RETRYING")
    waiting = record["next_retry_at"] - record["last_failed_at"]
    assert 1800 <= waiting.total_seconds() <= 5400
    with redis.Redis.from_url(valkey.url) as client:
        assert client.llen("celery") == 0
        assert client.hlen("unacked") == 0
    soon.manage("redrive", "retry", task_id)
    assert record_of(soon, task_id, "RESOLVED")["attempt"] == 2


@pytest.mark.parametrize(("failures", "status", "runs"), [(2, "RESOLVED", 3), (99, "PENDING", 4)])
def test_the_tasks_own_number_of_retries_is_kept(
    soon: Project, failures: int, status: str, runs: int
) -> None:
    soon.worker()

    task_id = soon.send("shop.tasks.retry_by_hand", "one", failures)

    record_of(soon, task_id, status, seconds=40)
    assert len(soon.runs("retry_by_hand", "one")) == runs


@pytest.mark.parametrize(("failures", "status", "runs"), [(1, "RESOLVED", 2), (99, "PENDING", 3)])
def test_autoretry_keeps_its_number_and_waits_in_the_database(
    soon: Project, failures: int, status: str, runs: int
) -> None:
    soon.worker()

    task_id = soon.send("shop.tasks.autoretry", "one", failures)

    record_of(soon, task_id, status, seconds=40)
    assert len(soon.runs("autoretry", "one")) == runs
