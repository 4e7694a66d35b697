"""What a row says after endings of all kinds, in any order, more than once."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from redrive.dead_letters import Outcome, Proposal
from redrive.models import TaskFailureRecord
from redrive.payload import StoredMessage
from redrive.stores.sql.connection import Database
from tests.stores.endings import (
    BEGAN,
    MESSAGE,
    change,
    failure,
    hold,
    record,
    row_of,
    rows_of,
    seconds_between,
    success,
)
from tests.stores.races import in_processes


def outcomes(database: Database) -> list[tuple[int, str]]:
    rows = rows_of(database, "SELECT attempt, outcome FROM redrive_failureattempt ORDER BY attempt")
    return [(row["attempt"], row["outcome"]) for row in rows]


def test_a_failure_that_may_pass_waits_for_its_moment(database: Database) -> None:
    recorded = record(database, failure(delay=7200))

    row = row_of(database)
    assert (recorded.where, recorded.status, recorded.retry, recorded.new) == ("sql", "RETRYING", True, True)
    assert (row["status"], row["attempt"], row["retry_count"], row["max_retries"]) == ("RETRYING", 1, 0, 3)
    due = database.run(lambda cursor: cursor.dialect.read_moment(row["next_retry_at"]))
    assert due == failure().ended_at + timedelta(hours=2)
    assert row["decision"] == "It may pass."


def test_a_task_is_due_no_sooner_than_two_seconds_after_it_was_recorded(database: Database) -> None:
    """The clock of the worker that proposed the moment may be behind the database's."""
    record(database, failure(ended_at=datetime.now(UTC) - timedelta(seconds=5), delay=2))

    row = rows_of(database, "SELECT next_retry_at, updated_at FROM redrive_taskfailurerecord")[0]
    assert seconds_between(database, row["updated_at"], row["next_retry_at"]) == pytest.approx(2, abs=0.1)


def test_an_id_that_is_used_again_begins_a_new_round(database: Database) -> None:
    record(database, failure(1, retries=0))
    change(
        database, "UPDATE redrive_taskfailurerecord SET status = 'RESOLVED', resolved_at = first_failed_at"
    )

    recorded = record(database, failure(1, ended_at=datetime.now(UTC)))

    row = row_of(database)
    assert (recorded.new, recorded.retry) == (True, True)
    assert (row["status"], row["attempt"], row["first_attempt"], row["retry_count"]) == ("RETRYING", 2, 2, 0)


def test_an_ending_from_before_the_task_was_resolved_changes_nothing(database: Database) -> None:
    record(database, failure(1, retries=0))
    now = datetime.now(UTC)
    change(database, "UPDATE redrive_taskfailurerecord SET status = 'RESOLVED', resolved_at = %s", str(now))

    recorded = record(database, failure(1, ended_at=now - timedelta(minutes=1)))

    assert (recorded.new, row_of(database)["status"]) == (False, "RESOLVED")


def test_a_failure_for_good_is_pending_and_never_due(database: Database) -> None:
    recorded = record(database, failure(retries=0))

    row = row_of(database)
    assert (recorded.status, recorded.retry) == ("PENDING", False)
    assert (row["status"], row["next_retry_at"]) == ("PENDING", None)


def test_the_same_ending_again_changes_nothing(database: Database) -> None:
    first = record(database, failure())
    before = row_of(database)

    again = record(database, failure())

    assert (again.new, again.retry, again.record_id) == (False, True, first.record_id)
    assert row_of(database) == before
    assert outcomes(database) == [(1, "failed")]


def test_an_ending_seen_by_two_is_recorded_once_whatever_they_saw(database: Database) -> None:
    record(database, failure())

    later = failure()
    again = record(database, replace(later, ended_at=later.ended_at + timedelta(seconds=1), source="signal"))

    assert not again.new
    assert outcomes(database) == [(1, "failed")]


def test_the_same_ending_of_a_message_that_claims_too_much_counts_once(database: Database) -> None:
    record(database, failure(1))

    record(database, failure(7))
    record(database, failure(7))

    assert row_of(database)["attempt"] == 2


def test_of_processes_that_record_one_ending_exactly_one_is_new(database: Database) -> None:
    answers = in_processes(6, database, _record_first)

    assert sorted(answers) == ["again"] * 5 + ["new"]
    assert outcomes(database) == [(1, "failed")]


def _record_first(database: Database, _number: int) -> str:
    return "new" if record(database, failure()).new else "again"


def test_of_processes_that_record_a_failure_and_a_success_of_one_attempt_one_wins(database: Database) -> None:
    record(database, failure(1))

    answers = in_processes(4, database, _record_either)

    assert sorted(answers) == ["again", "again", "again", "new"]
    assert len(outcomes(database)) == 2


def _record_either(database: Database, number: int) -> str:
    return "new" if record(database, failure(2) if number % 2 else success(2)).new else "again"


def test_the_row_counts_retries_and_not_the_message(database: Database) -> None:
    """Three retries: attempts 2, 3 and 4 run again; the fourth failure is the last, whatever it claims."""
    statuses = [record(database, failure(claimed)).status for claimed in (1, 2, 50, 51)]

    assert statuses == ["RETRYING", "RETRYING", "RETRYING", "PENDING"]
    row = row_of(database)
    assert (row["attempt"], row["retry_count"], row["next_retry_at"]) == (4, 3, None)
    assert row["decision"] == "All 3 retries are used up. It may pass."


@pytest.mark.parametrize(("claimed", "kept"), [(-5, 1), (0, 1), (10**12, 10_000)])
def test_a_number_no_column_holds_is_cut_and_the_failure_kept(
    database: Database, claimed: int, kept: int
) -> None:
    ending = replace(failure(), attempt=claimed)

    assert record(database, ending).status == "RETRYING"
    assert row_of(database)["attempt"] == kept


def test_a_failure_without_a_message_cannot_run_again(database: Database) -> None:
    recorded = record(database, failure(message=None))

    row = row_of(database)
    assert (recorded.status, recorded.retry, row["next_retry_at"]) == ("PENDING", False, None)
    assert row["decision"] == "Its message could not be had, so it cannot be sent again. It may pass."


def test_a_failure_without_a_message_runs_again_with_the_message_of_before(database: Database) -> None:
    record(database, failure(1))

    recorded = record(database, failure(2, message=None))

    row = row_of(database)
    assert recorded.retry
    assert bytes(row["body"]) == MESSAGE.body
    assert row["next_retry_at"] is not None


def test_a_retry_that_celery_sent_is_nobody_elses(database: Database) -> None:
    record(database, failure(proposal=Proposal(retry=True, native=True, reason="Celery sent it.")))

    row = row_of(database)
    assert (row["status"], row["lease_owner"]) == ("RETRYING", "celery")
    assert row["published_at"] is not None


def test_success_resolves(database: Database) -> None:
    record(database, failure(1))

    recorded = record(database, success(2))

    row = row_of(database)
    assert (recorded.status, row["status"], row["next_retry_at"]) == ("RESOLVED", "RESOLVED", None)
    assert row["resolved_at"] is not None
    assert outcomes(database) == [(1, "failed"), (2, "succeeded")]
    assert not record(database, success(2)).new


def test_success_of_a_task_that_never_failed_leaves_nothing(database: Database) -> None:
    assert not record(database, success(1)).new
    assert row_of(database) == {}


def test_a_late_success_of_an_attempt_that_is_recorded_as_lost_changes_nothing(database: Database) -> None:
    record(database, failure(1, retries=0))

    record(database, success(1))

    assert row_of(database)["status"] == "PENDING"


def test_an_abandoned_task_that_fails_stays_abandoned(database: Database) -> None:
    record(database, failure(1))
    change(database, "UPDATE redrive_taskfailurerecord SET status = 'ABANDONED'")

    recorded = record(database, failure(2, started=True))

    row = row_of(database)
    assert (recorded.status, recorded.retry) == ("ABANDONED", False)
    assert (row["status"], row["next_retry_at"], row["attempt"]) == ("ABANDONED", None, 2)


def test_an_abandoned_task_that_succeeds_is_resolved(database: Database) -> None:
    record(database, failure(1))
    change(database, "UPDATE redrive_taskfailurerecord SET status = 'ABANDONED'")

    assert record(database, success(2)).status == "RESOLVED"


def test_a_revoked_task_does_not_run_again_by_itself(database: Database) -> None:
    recorded = record(database, failure(1, outcome=Outcome.REVOKED, proposal=None))

    assert (recorded.retry, row_of(database)["next_retry_at"]) == (False, None)
    assert outcomes(database) == [(1, "revoked")]


def test_a_task_that_only_waited_is_hidden_and_forgotten_when_it_succeeds(database: Database) -> None:
    held = record(database, hold(seconds=60))

    row = row_of(database)
    assert (held.retry, row["status"], row["attempt"], row["holds"]) == (True, "RETRYING", 0, 1)
    assert row["hold_reason"] == "stripe is down"
    assert (TaskFailureRecord.objects.count(), TaskFailureRecord.every.count()) == (0, 1)
    record(database, success(1))
    assert row_of(database) == {}
    assert outcomes(database) == []


def test_waiting_uses_no_attempt(database: Database) -> None:
    record(database, hold(1, seconds=1))
    record(database, hold(1, seconds=2))

    recorded = record(database, failure(1))

    row = row_of(database)
    assert recorded.status == "RETRYING"
    assert (row["attempt"], row["retry_count"], row["holds"], row["hold_reason"]) == (1, 0, 2, "")
    assert TaskFailureRecord.objects.count() == 1


def test_a_failure_that_the_gate_excuses_is_kept_and_uses_no_attempt(database: Database) -> None:
    kept = {"exception_type": "HTTPError", "classification": {"failure_type": "EXTERNAL_API_DOWN"}}
    record(database, hold(1, seconds=1, **kept))
    record(database, hold(1, seconds=1, **kept))  # the same one, from the spill
    record(database, hold(1, seconds=2, **kept))

    row = row_of(database)
    assert (row["status"], row["attempt"], row["retry_count"], row["holds"]) == ("RETRYING", 0, 0, 2)
    assert (row["failure_type"], row["decision"]) == ("EXTERNAL_API_DOWN", "stripe is down")
    assert TaskFailureRecord.objects.count() == 1
    assert outcomes(database) == [(1, "held"), (1, "held")]
    record(database, success(1))
    assert row_of(database)["status"] == "RESOLVED"


def test_the_same_hold_again_does_not_free_what_runs_by_now(database: Database) -> None:
    record(database, hold(1, seconds=1))
    change(database, "UPDATE redrive_taskfailurerecord SET started_attempt = 1, started_by = 'w'")

    record(database, hold(1, seconds=1))

    row = row_of(database)
    assert (row["holds"], row["started_attempt"], row["started_by"]) == (1, 1, "w")


def test_a_new_hold_frees_the_row_for_the_next_copy(database: Database) -> None:
    record(database, hold(1, seconds=1))
    change(database, "UPDATE redrive_taskfailurerecord SET started_attempt = 1, started_by = 'w'")

    record(database, hold(1, seconds=2))

    row = row_of(database)
    assert (row["holds"], row["started_attempt"], row["started_by"]) == (2, 0, "")


def test_a_task_that_failed_again_after_a_redrive_has_a_new_round(database: Database) -> None:
    record(database, failure(1, retries=1))
    assert record(database, failure(2, retries=1)).status == "PENDING"
    change(
        database,
        "UPDATE redrive_taskfailurerecord SET status = 'RETRYING', first_attempt = attempt + 1, retry_count = 0",
    )

    statuses = [record(database, failure(claimed, retries=1)).status for claimed in (3, 4)]

    assert statuses == ["RETRYING", "PENDING"]
    assert row_of(database)["retry_count"] == 1


def with_properties(**properties: Any) -> StoredMessage:
    return replace(MESSAGE, properties=properties)


def test_of_an_earlier_message_only_its_fired_errbacks_stay(database: Database) -> None:
    old = with_properties(redrive_errbacks=[{"task": "shop.tell"}], redrive_priorities={"redis": 1})
    record(database, failure(1, message=old))

    record(database, failure(2, message=with_properties(priority=3)))

    assert properties_of(database) == {"redrive_errbacks": [{"task": "shop.tell"}], "priority": 3}


def test_a_new_round_has_nothing_of_the_last_rounds_message(database: Database) -> None:
    record(database, failure(1, message=with_properties(redrive_errbacks=[{"task": "shop.tell"}])))
    change(
        database, "UPDATE redrive_taskfailurerecord SET status = 'RESOLVED', resolved_at = first_failed_at"
    )

    record(database, failure(1, message=with_properties(priority=3), ended_at=BEGAN + timedelta(hours=1)))

    assert properties_of(database) == {"priority": 3}


def properties_of(database: Database) -> Any:
    properties = row_of(database)["properties"]
    return json.loads(properties) if isinstance(properties, str) else properties
