"""People change records: one act wins, every act is an event, and nothing is sent twice for it."""

import json
import threading
from dataclasses import replace

import pytest
from django.db import connections, transaction

from redrive.dead_letters import DeadLetters, Route
from redrive.payload import within
from redrive.stores.sql import publishing, starting
from redrive.stores.sql.acting import SqlRecordStore, find_record
from redrive.stores.sql.connection import Database
from tests.stores.databases import on_postgres
from tests.stores.endings import (
    MESSAGE,
    change,
    failure,
    record,
    row_of,
    rows_of,
    seconds_between,
    success,
    vouch,
)
from tests.stores.races import in_processes
from tests.waiting import wait_until


@pytest.fixture
def letters(database: Database) -> DeadLetters:
    return DeadLetters(SqlRecordStore(database))


def dead(database: Database, **changes: object) -> int:
    record_id = record(database, failure(retries=0, **changes)).record_id  # type: ignore[arg-type]  # Ending's fields
    assert record_id is not None
    return record_id


def events(database: Database) -> list[tuple[str, str, str]]:
    rows = rows_of(database, "SELECT actor, kind, subject FROM redrive_event ORDER BY id")
    return [(row["actor"], row["kind"], row["subject"]) for row in rows]


def test_a_dead_letter_is_sent_back_for_a_new_round(database: Database, letters: DeadLetters) -> None:
    record_id = dead(database)

    acted = letters.retry([record_id], actor="ann", reason="fixed")

    row = row_of(database)
    assert (acted.done, acted.refused) == ([record_id], {})
    assert (row["status"], row["attempt"], row["first_attempt"], row["retry_count"]) == ("RETRYING", 1, 2, 0)
    assert row["decision"] == "Redriven by ann. fixed"
    assert events(database) == [("ann", "retry", "t1")]


def test_it_is_due_after_it_has_settled(database: Database, letters: DeadLetters) -> None:
    letters.retry([dead(database)], actor="ann")

    assert 0 < seconds_between(database, None, row_of(database)["next_retry_at"]) <= 2


def test_what_waits_is_hurried_but_may_settle_first(database: Database, letters: DeadLetters) -> None:
    record_id = record(database, failure(delay=90_000)).record_id
    assert record_id is not None

    assert letters.retry([record_id], actor="ann").done == [record_id]

    row = row_of(database)
    assert 0 < seconds_between(database, None, row["next_retry_at"]) <= 2
    assert row["first_attempt"] == 1


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("published_at = '2020-01-01 00:00:00.000000'", "It is on its way or running already."),
        ("started_attempt = 2", "It is on its way or running already."),
        ("status = 'RESOLVED'", "It is resolved already."),
        (
            "message_source = 'none'",
            "Its message could not be had when it failed, so it cannot be sent again.",
        ),
    ],
)
def test_what_cannot_be_sent_is_refused_without_an_event(
    database: Database, letters: DeadLetters, sql: str, why: str
) -> None:
    record_id = record(database, failure()).record_id
    assert record_id is not None
    change(database, f"UPDATE redrive_taskfailurerecord SET {sql}")

    assert letters.retry([record_id, 999], actor="ann").refused == {
        record_id: why,
        999: "There is no such record.",
    }
    assert events(database) == []


def test_a_task_whose_message_was_too_large_to_store_is_refused_with_what_to_do(
    database: Database, letters: DeadLetters
) -> None:
    recorded = record(database, failure(message=within(MESSAGE, 1)))
    assert (recorded.status, recorded.retry, recorded.record_id is None) == ("PENDING", False, False)
    record_id = recorded.record_id or 0

    why = letters.retry([record_id], actor="ann").refused[record_id]

    assert why.startswith("Its message has 17 bytes, and REDRIVE['PAYLOAD']['MAX_BYTES'] is 1.")
    assert why.endswith("call the task again with its arguments.")
    assert row_of(database)["decision"].startswith(why)
    assert letters.abandon([record_id], actor="ann").done == [record_id]


def test_errbacks_of_a_sealed_message_are_refused(database: Database, letters: DeadLetters) -> None:
    record_id = dead(database, message=replace(MESSAGE, content_type="sealed:application/json"))

    refused = letters.retry([record_id], actor="ann", errbacks=True).refused

    assert refused[record_id].startswith("Its message is sealed, so its errbacks were not kept.")
    assert letters.retry([record_id], actor="ann").done == [record_id]


def test_an_abandoned_task_that_still_runs_is_not_sent_beside_itself(
    database: Database, letters: DeadLetters
) -> None:
    record_id = record(database, failure()).record_id
    assert record_id is not None
    vouch(database, "w1", seconds=60)
    database.run(lambda cursor: starting.mark_started(cursor, "t1", 2, "w1", redelivered=False))
    letters.abandon([record_id], actor="ann")

    refused = letters.retry([record_id], actor="bob").refused

    assert refused == {record_id: "It was abandoned while it ran, and still runs. Wait for its end."}
    vouch(database, "w1", seconds=-1)
    assert letters.retry([record_id], actor="bob").done == [record_id]


def test_of_operators_who_redrive_one_record_one_begins_the_round(database: Database) -> None:
    """Whoever comes after finds it waiting, or already changed: there is one new round and it is sent once."""
    record_id = dead(database)

    in_processes(
        5,
        database,
        lambda own, n: DeadLetters(SqlRecordStore(own)).retry([record_id], actor=f"op{n}").done,
    )

    row = row_of(database)
    assert (row["status"], row["first_attempt"], row["attempt"]) == ("RETRYING", 2, 1)
    change(database, "UPDATE redrive_taskfailurerecord SET next_retry_at = '2020-01-01 00:00:00.000000'")
    claimed = [
        database.run(lambda cursor: publishing.claim_due(cursor, "k", limit=9, lease_seconds=30))
        for _ in range(2)
    ]
    assert [len(batch) for batch in claimed] == [1, 0]


def test_of_operators_who_abandon_one_record_one_does(database: Database) -> None:
    record_id = dead(database)

    done = in_processes(
        5,
        database,
        lambda own, n: DeadLetters(SqlRecordStore(own)).abandon([record_id], actor=f"op{n}").done,
    )

    assert sorted(map(len, done)) == [0, 0, 0, 0, 1]
    assert len(events(database)) == 1


@on_postgres
@pytest.mark.parametrize("act", ["retry", "abandon"])
def test_who_comes_second_while_the_first_is_at_it_is_told_so(database: Database, act: str) -> None:
    """The second has read PENDING when the first commits: only the condition in its update can notice."""
    record_id = dead(database)
    answers: list[str] = []

    def second() -> None:
        store = SqlRecordStore(Database(database.alias))
        answers.append(store.act(record_id, act, actor="bob", reason="", decision="", route=None))

    def is_waiting() -> bool:
        return bool(rows_of(database, "SELECT 1 AS one FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

    thread = threading.Thread(target=second)
    with transaction.atomic(using=database.alias), connections[database.alias].cursor() as cursor:
        cursor.execute("UPDATE redrive_taskfailurerecord SET status = 'RESOLVED'")
        thread.start()
        wait_until(is_waiting, 10, "the second waits for the row")
    thread.join(20)

    assert answers == ["Somebody else was faster."]
    assert row_of(database)["status"] == "RESOLVED"
    assert events(database) == []


@pytest.mark.parametrize("retries", [0, 3])
def test_what_waits_or_is_dead_can_be_given_up_once(
    database: Database, letters: DeadLetters, retries: int
) -> None:
    record_id = record(database, failure(retries=retries)).record_id
    assert record_id is not None

    assert letters.abandon([record_id], actor="ann", reason="old order").done == [record_id]

    row = row_of(database)
    assert (row["status"], row["next_retry_at"], row["decision"]) == (
        "ABANDONED",
        None,
        "Abandoned by ann. old order",
    )
    assert row["abandoned_at"] is not None
    assert letters.abandon([record_id], actor="ann").refused == {record_id: "It is abandoned already."}


def test_what_is_resolved_cannot_be_given_up(database: Database, letters: DeadLetters) -> None:
    record_id = dead(database)
    record(database, success(2))

    assert letters.abandon([record_id], actor="ann").refused == {record_id: "It is resolved already."}


def test_an_abandoned_letter_can_be_sent_back(database: Database, letters: DeadLetters) -> None:
    record_id = dead(database)
    letters.abandon([record_id], actor="ann")

    letters.retry([record_id], actor="bob")

    row = row_of(database)
    assert (row["status"], row["abandoned_at"]) == ("RETRYING", None)
    assert [kind for _, kind, _ in events(database)] == ["abandon", "retry"]


def test_another_priority_takes_its_queue_with_it(database: Database, letters: DeadLetters) -> None:
    record_id = dead(database)

    letters.retry(
        [record_id], actor="ann", route=Route(label="HIGH", queue="fast", priorities={"redis": 1, "amqp": 8})
    )

    row = row_of(database)
    properties = row["properties"]
    properties = json.loads(properties) if isinstance(properties, str) else properties
    assert (row["queue_name"], row["exchange"], row["routing_key"]) == ("fast", "", "fast")
    assert properties["redrive_priorities"] == {"redis": 1, "amqp": 8}
    assert row["decision"] == "Redriven by ann, HIGH priority."


def test_one_refusal_does_not_keep_the_others(database: Database, letters: DeadLetters) -> None:
    first, second = dead(database, task_id="a"), dead(database, task_id="b")

    acted = letters.retry([first, 999, second], actor="ann")

    assert (acted.done, list(acted.refused)) == ([first, second], [999])


def test_reasons_may_be_anything(database: Database, letters: DeadLetters) -> None:
    record_id = dead(database)

    letters.retry([record_id], actor="a\x00" + "n" * 300, reason="\ud800" + "x" * 5_000)

    assert len(row_of(database)["decision"]) == 4_000
    assert events(database)[0][0].startswith("a\\x00n")


def test_a_record_is_found_by_its_tasks_id(database: Database) -> None:
    record_id = dead(database)

    found = database.run(lambda cursor: (find_record(cursor, "t1"), find_record(cursor, "t2\x00")))

    assert found[0] is not None
    assert (found[0].id, found[0].status, found[1]) == (record_id, "PENDING", None)
