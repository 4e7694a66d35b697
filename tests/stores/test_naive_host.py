"""With `USE_TZ = False` every moment is still written and read as what it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from redrive.idempotency import Claimed, Claims, Running
from redrive.leases import Acquired, Busy, Leases
from redrive.stores.sql.connection import Database
from redrive.stores.sql.leases import SqlLeaseStore, database_now
from redrive.stores.sql.publishing import claim_due
from tests.stores.endings import failure, record

pytestmark = pytest.mark.usefixtures("naive_host")
MINUTE = timedelta(minutes=1)


def test_a_duty_is_taken_once(database: Database) -> None:
    leases = Leases(SqlLeaseStore(database))

    answers = [leases.acquire("duty", "purge", owner=owner, ttl=MINUTE) for owner in ("a", "b")]

    assert [type(answer) for answer in answers] == [Acquired, Busy]


def test_a_call_is_claimed_once(database: Database) -> None:
    claims = Claims(SqlLeaseStore(database))

    answers: list[Any] = [
        claims.claim("k", task_id=task_id, token=task_id, ttl=MINUTE) for task_id in ("t1", "t2")
    ]

    assert [type(answer) for answer in answers] == [Claimed, Running]
    assert timedelta() < answers[1].until - datetime.now(UTC) <= MINUTE


def test_a_record_keeps_its_moments(database: Database) -> None:
    failed_at = datetime.now(UTC) - 60 * MINUTE
    record(database, failure(ended_at=failed_at, delay=1))

    due = database.run(lambda cursor: claim_due(cursor, "keeper", limit=9, lease_seconds=60))

    assert [one.first_failed_at for one in due] == [failed_at]


def test_the_hosts_own_connection_says_the_same_time(database: Database) -> None:
    """It is used in eager mode and in the host's tests; its session has the host's time zone."""
    now = database.run(database_now, eager=True)

    assert now is not None
    assert abs(now - datetime.now(UTC)) < MINUTE


def test_a_lease_on_the_hosts_own_connection_ends_when_it_says(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.test.utils import _TestState

    monkeypatch.setattr(_TestState, "saved_data", None, raising=False)
    claims = Claims(SqlLeaseStore(database))

    claim = claims.claim("k", task_id="t1", token="t1", ttl=MINUTE)

    assert isinstance(claim, Claimed)
    assert isinstance(claims.claim("k", task_id="t2", token="t2", ttl=MINUTE), Running)
