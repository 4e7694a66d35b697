"""The probe of the database against PostgreSQL and SQLite: running, spoilt, stopped, silent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import override_settings

from redrive.doctor.facts import Away, DatabaseFacts
from redrive.doctor.probes.database import database_facts
from redrive.stores.sql.connection import Database
from redrive.stores.sql.leases import put
from tests.doctor.asking import ask, silent_server
from tests.servers import PostgresServer


@pytest.fixture
def alias(database_alias: str) -> Iterator[str]:
    with override_settings(REDRIVE={"DATABASE": database_alias}):
        yield database_alias


@pytest.mark.usefixtures("alias")
def test_database_is_known(database_url: str) -> None:
    facts = database_facts()

    assert facts.vendor == ("postgresql" if database_url.startswith("postgres") else "sqlite")
    assert facts.version >= (3, 35)
    assert (facts.unapplied, facts.read_only, facts.keeper_seen, facts.vouched) == ((), False, None, ())
    assert abs(facts.clock_ahead) < 1
    assert 0 < facts.latency < 1
    assert facts.backlog is not None
    assert facts.backlog.overdue == facts.backlog.pending == facts.backlog.unstarted == 0
    if facts.vendor == "postgresql":
        assert facts.connection_limit
        assert facts.connection_limit > facts.connections_used >= 0
    else:
        assert facts.journal_mode == "delete"


def test_keepers_and_workers_are_known_by_their_leases(alias: str) -> None:
    def leases(cursor: Any) -> None:
        put(cursor, "worker", "alive@shop#10-1", data={}, seconds=30)
        put(cursor, "worker", "gone@shop#11-1", data={}, seconds=-300)
        put(cursor, "duty", "sample", data={}, seconds=20)
        put(cursor, "duty", "purge", data={}, seconds=7200)

    Database(alias).run(leases)

    facts = database_facts()

    assert facts.vouched == ("alive@shop",)
    assert facts.keeper_seen == pytest.approx(30, abs=5)


def test_keeper_that_left_long_ago_is_not_at_work(alias: str) -> None:
    def leases(cursor: Any) -> None:
        put(cursor, "duty", "sample", data={}, seconds=-300)
        put(cursor, "duty", "purge", data={}, seconds=7200)

    Database(alias).run(leases)

    assert database_facts().keeper_seen == pytest.approx(-300, abs=5)


def _record(alias: str, task_id: str, **values: Any) -> None:
    from redrive.models import TaskFailureRecord

    failed = datetime.now(UTC) - timedelta(hours=2)
    TaskFailureRecord(
        task_id=task_id, task_name="shop.pay", first_failed_at=failed, queue_name="work", **values
    ).save(using=alias)


def test_records_that_should_have_moved_on_are_counted(alias: str) -> None:
    now = datetime.now(UTC)
    ago = {seconds: now - timedelta(seconds=seconds) for seconds in (20, 70, 500, 700)}
    waiting = {"status": "RETRYING", "attempt": 1}
    _record(alias, "overdue", next_retry_at=ago[70], **waiting)
    _record(alias, "due", next_retry_at=ago[20], **waiting)
    _record(alias, "running", next_retry_at=ago[70], **{**waiting, "started_attempt": 2})
    _record(alias, "newer", next_retry_at=ago[70], version=99, **waiting)
    _record(alias, "sent", next_retry_at=ago[700], published_at=ago[500], publishes=1, **waiting)
    _record(alias, "unstarted", next_retry_at=ago[700], published_at=ago[700], publishes=1, **waiting)
    _record(alias, "again", next_retry_at=ago[700], published_at=ago[20], publishes=2, **waiting)
    _record(alias, "dead", status="PENDING")
    _record(alias, "given up", status="ABANDONED")
    connections[alias].close()

    backlog = database_facts().backlog

    assert backlog is not None
    assert (backlog.overdue, backlog.unstarted, backlog.pending) == (1, 2, 1)
    assert backlog.oldest_overdue == pytest.approx(70, abs=15)
    assert backlog.oldest_unstarted == pytest.approx(700, abs=15)
    assert backlog.oldest_pending == pytest.approx(7200, abs=15)
    assert backlog.unstarted_queues == ("work",)


def test_missing_tables_are_migrations_to_apply(alias: str) -> None:
    Database(alias).run(lambda cursor: cursor.execute("DROP TABLE django_migrations"))
    Database(alias).run(lambda cursor: cursor.execute("DROP TABLE redrive_lease"))

    facts = database_facts()

    assert facts.backlog is None
    assert "0001_tables" in facts.unapplied


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_stopped_postgresql_is_away_by_the_probes_own_limits(alias: str, postgres: PostgresServer) -> None:
    postgres.stop()

    answer = ask(database_facts)

    assert isinstance(answer, Away)
    assert str(postgres.port) in answer.reason


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_silent_postgresql_is_away_by_the_probes_own_limits(
    alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_server() as address:
        monkeypatch.setitem(connections.settings[alias], "PORT", address.partition(":")[2])
        monkeypatch.setitem(connections[alias].settings_dict, "PORT", address.partition(":")[2])
        answer = ask(database_facts)

    assert isinstance(answer, Away)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_in_wal_mode_is_known_and_left_so(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=wal")
    connections[alias].close()

    assert database_facts().journal_mode == "wal"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_read_only_database_is_known(alias: str) -> None:
    name = connections[alias].settings_dict["NAME"]
    with connections[alias].cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    facts = database_facts()

    assert isinstance(facts, DatabaseFacts)
    assert facts.read_only
