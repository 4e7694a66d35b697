"""Of all copies of a message, one runs."""

import pytest

from redrive.dead_letters import Outcome
from redrive.stores.sql import publishing, starting
from redrive.stores.sql.connection import Database
from redrive.stores.sql.starting import Start
from tests.stores.endings import change, failure, hold, record, row_of, success, vouch
from tests.stores.races import in_processes


def start(database: Database, attempt: int = 2, worker: str = "w1", *, redelivered: bool = False) -> Start:
    return database.run(
        lambda cursor: starting.mark_started(cursor, "t1", attempt, worker, redelivered=redelivered)
    )


def test_the_first_copy_runs_and_the_second_does_not(database: Database) -> None:
    record(database, failure(1))

    assert start(database, worker="w1") == Start(run=True)
    assert start(database, worker="w2") == Start(run=False, why="attempt 2 was started by w1")
    row = row_of(database)
    assert (row["started_attempt"], row["started_by"]) == (2, "w1")


def test_of_processes_with_a_copy_each_one_runs_it(database: Database) -> None:
    record(database, failure(1))

    answers = in_processes(6, database, lambda own, number: start(own, worker=f"w{number}").run)

    assert sorted(answers) == [False] * 5 + [True]


def test_a_task_without_a_record_runs(database: Database) -> None:
    assert start(database).run


@pytest.mark.parametrize("status", ["PENDING", "RESOLVED", "ABANDONED"])
def test_a_copy_of_what_does_not_wait_any_more_does_not_run(database: Database, status: str) -> None:
    record(database, failure(1))
    change(database, "UPDATE redrive_taskfailurerecord SET status = %s", status)

    assert start(database) == Start(run=False, why=f"its record is {status}")


def test_a_copy_of_an_attempt_that_has_ended_does_not_run(database: Database) -> None:
    record(database, failure(1))
    start(database)
    record(database, failure(2))

    assert start(database, 2) == Start(run=False, why="attempt 2 has ended already")
    assert start(database, 3).run


def test_a_redelivered_copy_waits_for_a_worker_that_is_alive(database: Database) -> None:
    record(database, failure(1))
    vouch(database, "w1", seconds=60)
    start(database, worker="w1")

    assert not start(database, worker="w2", redelivered=True).run


def test_a_redelivered_copy_takes_over_from_a_worker_that_is_gone_once(database: Database) -> None:
    record(database, failure(1))
    vouch(database, "w1", seconds=-1)
    start(database, worker="w1")

    assert not start(database, worker="w2").run  # nobody delivered it again: it is a copy
    assert start(database, worker="w2", redelivered=True) == Start(run=True, deliveries=1)
    assert not start(database, worker="w3", redelivered=True).run
    row = row_of(database)
    assert (row["started_by"], row["deliveries"]) == ("w2", 2)  # the refused one is remembered


def test_a_worker_nobody_ever_vouched_for_is_not_known_to_be_gone(database: Database) -> None:
    record(database, failure(1))
    start(database, worker="w1")

    assert not start(database, worker="w2", redelivered=True).run


def test_of_processes_that_take_over_one_does(database: Database) -> None:
    record(database, failure(1))
    vouch(database, "w1", seconds=-1)
    start(database, worker="w1")

    answers = in_processes(
        6, database, lambda own, number: start(own, worker=f"n{number}", redelivered=True).run
    )

    assert sorted(answers) == [False] * 5 + [True]


def test_a_held_task_starts_as_the_attempt_it_was_held_from(database: Database) -> None:
    record(database, hold(1))

    assert start(database, 1).run
    assert not start(database, 1, worker="w2").run


def note(database: Database, worker: str = "w1", *, redelivered: bool = False, child: str = "") -> Start:
    return database.run(
        lambda cursor: starting.note_start(
            cursor,
            failure(1),
            worker,
            child=child,
            redelivered=redelivered,
            child_is_gone=lambda child: child == "dead",
        )
    )


def test_a_redelivered_stranger_runs_unless_its_ending_is_recorded(database: Database) -> None:
    record(database, failure(1, retries=0))

    answer = note(database, redelivered=True)

    assert answer == Start(run=False, why="attempt 1 has ended already; its record is PENDING")


def test_a_noted_task_is_hidden_holds_its_message_and_goes_with_its_success(database: Database) -> None:
    assert note(database) == Start(run=True, noted=True)

    row = row_of(database)
    assert (row["first_failed_at"], row["attempt"], row["started_attempt"], row["started_by"]) == (
        None,
        0,
        1,
        "w1",
    )
    assert bytes(row["body"]) == failure(1).message.body  # type: ignore[union-attr]  # it has one
    record(database, success(1))
    assert row_of(database) == {}


def test_a_noted_task_that_fails_becomes_a_record(database: Database) -> None:
    note(database)

    recorded = record(database, failure(1, retries=0))

    assert (recorded.status, row_of(database)["attempt"]) == ("PENDING", 1)


def test_deliveries_of_one_message_are_counted(database: Database) -> None:
    vouch(database, "w1", seconds=-1)
    vouch(database, "w2", seconds=-1)

    answers = [note(database, worker, redelivered=True) for worker in ("w1", "w2", "w3")]

    assert [(answer.run, answer.deliveries) for answer in answers] == [(True, 1), (True, 2), (True, 3)]


def test_a_copy_given_back_while_its_run_may_be_alive_is_refused_and_remembered(database: Database) -> None:
    vouch(database, "w1", seconds=60)
    note(database, "w1")

    assert note(database, "w2", redelivered=True) == Start(run=False, why="attempt 1 was started by w1")
    vouch(database, "w1", seconds=-60)
    (vanished,) = database.run(lambda cursor: publishing.find_vanished(cursor, grace_seconds=30))
    assert vanished.deliveries == 1
    assert database.run(lambda cursor: publishing.start_again(cursor, vanished))
    assert not database.run(lambda cursor: publishing.start_again(cursor, vanished))
    assert start(database, 1, "w2").run


def test_a_copy_given_back_by_a_dead_child_of_the_same_worker_runs_at_once(database: Database) -> None:
    vouch(database, "w1", seconds=60)
    note(database, "w1", child="dead")

    assert note(database, "w1", redelivered=True, child="next").run


def test_a_task_id_no_column_holds_is_asked_for_without_harm(database: Database) -> None:
    odd = "a\x00b\ud800" + "x" * 300
    record(database, failure(1, task_id=odd))
    record(database, success(2, task_id=odd))

    answer = database.run(lambda cursor: starting.mark_started(cursor, odd, 2, "w", redelivered=False))

    assert not answer.run
    assert record(database, failure(2, task_id=odd, outcome=Outcome.REVOKED)).status == "RESOLVED"
