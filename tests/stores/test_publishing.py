"""What keepers do with rows that wait: each is one keeper's at a time, and nothing waits for ever."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from redrive.payload import MessageSource
from redrive.stores.sql import publishing
from redrive.stores.sql.connection import Database
from redrive.stores.sql.publishing import Due
from tests.stores.endings import (
    MESSAGE,
    change,
    failure,
    hold,
    make_due,
    record,
    row_of,
    rows_of,
    seconds_between,
    success,
    vouch,
)
from tests.stores.races import in_processes

PAST = "UPDATE redrive_taskfailurerecord SET lease_expires_at = '2020-01-01 00:00:00.000000'"


def waiting(database: Database, task_id: str = "t1", *, seconds_ago: float = 60, **changes: Any) -> None:
    """A failed task whose moment has come."""
    record(database, failure(1, task_id=task_id, **changes))
    make_due(database, task_id, seconds_ago=seconds_ago)


def claim(database: Database, owner: str = "k1", *, limit: int = 100) -> list[Due]:
    return database.run(lambda cursor: publishing.claim_due(cursor, owner, limit=limit, lease_seconds=30))


def publish(database: Database, due: Due, owner: str = "k1", *, seconds: float = 300) -> bool:
    return database.run(
        lambda cursor: publishing.mark_published(cursor, due, owner, republish_seconds=seconds)
    )


def ids(due: list[Due]) -> list[str]:
    return [one.task_id for one in due]


def test_what_is_due_is_claimed_with_its_whole_message(database: Database) -> None:
    waiting(database, options={"retry_safe": True})

    (due,) = claim(database)

    assert (due.task_id, due.attempt, due.retries, due.publishes) == ("t1", 1, 1, 0)
    assert due.message == MESSAGE
    assert due.options == {"retry_safe": True}
    assert due.first_failed_at == failure(1).ended_at


def test_what_is_not_due_or_does_not_wait_is_left_alone(database: Database) -> None:
    record(database, failure(task_id="later", delay=7200))
    record(database, failure(task_id="dead", retries=0))
    record(database, failure(task_id="done"))
    record(database, success(2, task_id="done"))
    waiting(database, "newer")
    change(database, "UPDATE redrive_taskfailurerecord SET version = 2 WHERE task_id = 'newer'")

    assert claim(database) == []


def test_the_longest_overdue_comes_first_and_no_more_than_asked(database: Database) -> None:
    for number in range(20):
        waiting(database, f"t{number:02}", seconds_ago=number * 60)

    assert ids(claim(database, limit=3)) == ["t19", "t18", "t17"]
    assert ids(claim(database, limit=2)) == ["t16", "t15"]


def test_a_claimed_row_is_nobody_elses_until_its_lease_is_over(database: Database) -> None:
    waiting(database)
    claim(database, "k1")

    assert claim(database, "k2") == []
    assert claim(database, "k1") == []
    change(database, PAST)
    assert ids(claim(database, "k2")) == ["t1"]


def test_threads_never_claim_one_row_twice(database: Database) -> None:
    for number in range(60):
        waiting(database, f"t{number}")
    claimed: list[str] = []

    def keep(owner: str) -> None:
        while batch := claim(database, owner, limit=7):
            claimed.extend(ids(batch))
        database.close()

    threads = [threading.Thread(target=keep, args=(f"k{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(claimed) == 60
    assert len(set(claimed)) == 60


def test_processes_never_claim_one_row_twice(database: Database) -> None:
    for number in range(60):
        waiting(database, f"t{number}")

    def keep(own: Database, number: int) -> list[str]:
        mine: list[str] = []
        while batch := claim(own, f"k{number}", limit=7):
            mine.extend(ids(batch))
        return mine

    claimed = [task_id for mine in in_processes(4, database, keep) for task_id in mine]

    assert len(claimed) == 60
    assert len(set(claimed)) == 60


def test_a_published_row_is_out_until_its_message_counts_as_lost(database: Database) -> None:
    waiting(database)
    (due,) = claim(database)

    assert publish(database, due)

    row = row_of(database)
    assert (row["publishes"], row["lease_owner"]) == (1, "")
    assert claim(database) == []
    assert database.run(publishing.reclaim_unstarted) == 0
    change(database, PAST)
    assert database.run(publishing.reclaim_unstarted) == 1
    (again,) = claim(database)
    assert again.publishes == 1


def test_a_message_is_waited_for_twice_as_long_each_time(database: Database) -> None:
    waiting(database)

    for expected in (100, 200, 400):
        (due,) = claim(database)
        publish(database, due, seconds=100)
        row = row_of(database)
        assert round(seconds_between(database, row["published_at"], row["lease_expires_at"])) == expected
        change(database, PAST)
        database.run(publishing.reclaim_unstarted)


@pytest.mark.parametrize("ending", [success(2), failure(2), failure(2, retries=0), hold(2, seconds=1)])
def test_a_task_that_has_ended_already_is_not_marked_as_sent(database: Database, ending: object) -> None:
    """The worker can be faster than the keeper that has sent it the message."""
    waiting(database)
    (due,) = claim(database)
    record(database, ending)  # type: ignore[arg-type]  # an Ending
    before = row_of(database)

    assert not publish(database, due)
    assert row_of(database) == before


def test_a_keeper_that_lost_its_lease_marks_nothing(database: Database) -> None:
    waiting(database)
    (due,) = claim(database, "k1")
    change(database, PAST)
    claim(database, "k2")

    assert not publish(database, due, "k1")
    assert publish(database, due, "k2")


def test_a_message_that_was_started_is_not_sent_again(database: Database) -> None:
    waiting(database)
    (due,) = claim(database)
    publish(database, due)
    change(database, PAST)
    change(database, "UPDATE redrive_taskfailurerecord SET started_attempt = 2")

    assert database.run(publishing.reclaim_unstarted) == 0
    assert claim(database) == []


def test_a_row_of_a_newer_version_is_neither_reclaimed_nor_ended(database: Database) -> None:
    waiting(database)
    (due,) = claim(database)
    publish(database, due)
    change(database, PAST)
    change(database, "UPDATE redrive_taskfailurerecord SET version = 2")
    assert database.run(publishing.reclaim_unstarted) == 0

    vouch(database, "w1", seconds=-600)
    change(database, "UPDATE redrive_taskfailurerecord SET started_attempt = 2, started_by = 'w1'")
    assert database.run(lambda cursor: publishing.find_vanished(cursor, grace_seconds=0)) == []


def test_a_retry_of_celery_is_never_ours_to_send(database: Database) -> None:
    from redrive.dead_letters import Proposal

    record(database, failure(proposal=Proposal(retry=True, native=True)))

    assert claim(database) == []
    assert database.run(publishing.reclaim_unstarted) == 0


def test_a_row_that_was_given_back_waits_and_says_why(database: Database) -> None:
    waiting(database)
    (due,) = claim(database)

    database.run(
        lambda cursor: publishing.postpone(cursor, due, "k1", seconds=60, reason="closed", held=True)
    )

    row = row_of(database)
    assert (row["hold_reason"], row["holds"], row["lease_owner"], row["attempt"]) == ("closed", 1, "", 1)
    assert claim(database) == []


def test_a_row_without_a_source_of_its_message_does_not_stop_the_others(database: Database) -> None:
    waiting(database, "odd")
    waiting(database, "good")
    change(database, "UPDATE redrive_taskfailurerecord SET message_source = '' WHERE task_id = 'odd'")

    found = {due.task_id: due.message.source for due in claim(database)}

    assert found == {"odd": MessageSource.NONE, "good": MessageSource.RAW}


@pytest.mark.parametrize(("silent_for", "found"), [(29, []), (31, ["t1"])])
def test_an_attempt_vanishes_with_its_worker_after_the_grace(
    database: Database, silent_for: float, found: list[str]
) -> None:
    waiting(database)
    vouch(database, "w1", seconds=-silent_for)
    change(database, "UPDATE redrive_taskfailurerecord SET started_attempt = 2, started_by = 'w1'")

    vanished = database.run(lambda cursor: publishing.find_vanished(cursor, grace_seconds=30))

    assert [(one.due.task_id, one.started_by) for one in vanished] == [(task_id, "w1") for task_id in found]


def test_only_what_is_finished_and_old_is_deleted(database: Database) -> None:
    for status in ("PENDING", "RETRYING", "RESOLVED", "ABANDONED"):
        for age in ("old", "new"):
            record(database, failure(task_id=f"{status}-{age}"))
            moment = "2020-01-01 00:00:00.000000" if age == "old" else "2099-01-01 00:00:00.000000"
            change(
                database,
                "UPDATE redrive_taskfailurerecord SET status = %s, resolved_at = %s, abandoned_at = %s,"
                " last_failed_at = %s WHERE task_id = %s",
                *(status, moment, moment, moment, f"{status}-{age}"),
            )

    days = timedelta(days=30)
    deleted = database.run(lambda cursor: publishing.purge(cursor, resolved=days, abandoned=days))

    assert deleted == 2
    left = {row["task_id"] for row in rows_of(database, "SELECT task_id FROM redrive_taskfailurerecord")}
    assert left == {
        *("PENDING-old", "PENDING-new", "RETRYING-old", "RETRYING-new"),
        *("RESOLVED-new", "ABANDONED-new"),
    }
    assert rows_of(database, "SELECT count(*) AS n FROM redrive_failureattempt")[0]["n"] == 6
    assert database.run(lambda cursor: publishing.purge(cursor, resolved=days, abandoned=days)) == 0


def test_deletion_goes_in_steps(database: Database) -> None:
    for number in range(5):
        waiting(database, f"t{number}")
    change(
        database,
        "UPDATE redrive_taskfailurerecord SET status = 'RESOLVED', resolved_at = '2020-01-01 00:00:00.000000'",
    )
    days = timedelta(days=30)

    steps = [
        database.run(lambda cursor: publishing.purge(cursor, resolved=days, abandoned=days, limit=2))
        for _ in range(4)
    ]

    assert steps == [2, 2, 1, 0]
