"""A connection of Redrive's own: whatever happens to the host's, to the server, or to the process."""

import gc
import os
import threading
import time

import pytest
from django.db import DatabaseError, connections, transaction

from redrive.leases import StoreUnavailable
from redrive.stores.sql.connection import Cursor, Database, StoreRefused
from tests.servers import PostgresServer
from tests.stores.databases import on_postgres, on_sqlite
from tests.stores.endings import change, failure, record, row_of, rows_of


def _vendor(cursor: Cursor) -> str:
    return cursor.dialect.vendor


def _ask(cursor: Cursor) -> object:
    return cursor.one("SELECT 1")


def _backend(cursor: Cursor) -> int:
    return int((cursor.one("SELECT pg_backend_pid()") or (0,))[0])


def _connection_count(database: Database) -> int:
    sql = (
        "SELECT count(*) AS n FROM pg_stat_activity"
        " WHERE application_name = 'redrive' AND datname = current_database()"
    )
    return int(rows_of(database, sql)[0]["n"])


@on_postgres
def test_a_hosts_transaction_in_pieces_does_not_matter(database: Database) -> None:
    with transaction.atomic(using=database.alias), connections[database.alias].cursor() as cursor:
        with pytest.raises(DatabaseError):
            cursor.execute("SELECT nonsense")
        record(database, failure())
        transaction.set_rollback(True, using=database.alias)

    assert row_of(database)["status"] == "RETRYING"


@on_postgres
def test_what_is_recorded_survives_the_hosts_rollback(database: Database) -> None:
    with transaction.atomic(using=database.alias):
        record(database, failure())
        transaction.set_rollback(True, using=database.alias)

    assert row_of(database)["status"] == "RETRYING"


@on_postgres
def test_a_hosts_leaked_autocommit_does_not_matter(database: Database) -> None:
    host = connections[database.alias]
    host.set_autocommit(False)

    record(database, failure())

    host.rollback()
    host.set_autocommit(True)
    assert row_of(database)["status"] == "RETRYING"


@on_sqlite
def test_a_host_inside_a_transaction_of_sqlite_is_told_at_once(database: Database) -> None:
    began = time.monotonic()
    with (
        transaction.atomic(using=database.alias),
        pytest.raises(StoreUnavailable, match="inside a transaction"),
    ):
        record(database, failure())

    assert time.monotonic() - began < 0.5
    assert record(database, failure()).new


@on_sqlite
def test_a_host_without_autocommit_on_sqlite_is_told_at_once(database: Database) -> None:
    host = connections[database.alias]
    host.set_autocommit(False)

    with pytest.raises(StoreUnavailable, match="inside a transaction"):
        record(database, failure())

    host.rollback()
    host.set_autocommit(True)


def test_work_that_fails_leaves_nothing_and_the_connection_as_it_was(database: Database) -> None:
    def half(cursor: Cursor) -> None:
        cursor.execute("DELETE FROM redrive_taskfailurerecord")
        raise ZeroDivisionError

    record(database, failure())
    with pytest.raises(ZeroDivisionError):
        database.run(half)

    assert row_of(database)["status"] == "RETRYING"


def test_values_that_are_refused_are_told_from_a_database_that_is_away(database: Database) -> None:
    with pytest.raises(StoreRefused, match="IntegrityError"):
        change(database, "INSERT INTO redrive_event (at, actor, kind) VALUES (NULL, NULL, NULL)")

    assert rows_of(database, "SELECT 1 AS one") == [{"one": 1}]


def test_missing_tables_are_no_refusal(database: Database) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        change(database, "DELETE FROM redrive_not_yet")

    assert not isinstance(caught.value, StoreRefused)


@pytest.mark.parametrize("settings", [None, {"ENGINE": "no.such.backend", "NAME": "x"}])
def test_an_alias_that_cannot_be_used_is_an_absent_database(
    settings: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.core import mail

    monkeypatch.delattr(mail, "outbox", raising=False)
    if settings is not None:
        known = connections.configure_settings({"default": connections.settings["default"], "odd": settings})
        monkeypatch.setitem(connections.settings, "odd", known["odd"])

    with pytest.raises(StoreUnavailable):
        Database("odd").run(_vendor)


@on_postgres
def test_a_connection_the_server_ended_is_opened_anew(database: Database) -> None:
    backend = database.run(_backend)
    with connections[database.alias].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    assert database.run(_backend) != backend


@on_postgres
@pytest.mark.parametrize("verb", ["stop", "kill"])
def test_a_server_that_is_gone_is_noticed_soon_and_used_when_it_is_back(
    database: Database, postgres: PostgresServer, verb: str
) -> None:
    record(database, failure())
    getattr(postgres, verb)()

    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            database.run(_ask)
    took = time.monotonic() - began
    postgres.start()

    assert took < 5
    assert row_of(database)["status"] == "RETRYING"


@on_postgres
def test_a_lock_that_somebody_holds_is_waited_for_two_seconds(database: Database) -> None:
    with transaction.atomic(using=database.alias), connections[database.alias].cursor() as cursor:
        cursor.execute("LOCK TABLE redrive_taskfailurerecord")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"timeout"):
            record(database, failure())
        took = time.monotonic() - began

    assert 1.5 < took < 4
    assert record(database, failure()).new


@on_sqlite
def test_a_locked_sqlite_file_is_waited_for_two_seconds(database: Database) -> None:
    other = Database(database.alias)
    taken, leave = threading.Event(), threading.Event()

    def hold_the_lock(_cursor: Cursor) -> None:
        taken.set()
        leave.wait(20)

    thread = threading.Thread(target=lambda: (other.run(hold_the_lock), other.close()))
    thread.start()
    taken.wait(20)
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="locked"):
        record(database, failure())
    took = time.monotonic() - began
    leave.set()
    thread.join(20)

    assert 1.5 < took < 4


def test_a_forked_child_has_a_connection_of_its_own(database: Database) -> None:
    record(database, failure(task_id="before"))
    pid = os.fork()
    if pid == 0:
        try:
            record(database, failure(task_id="child"))
            gc.collect()
            database.close()
            os._exit(0)
        except BaseException:
            os._exit(1)
    for number in range(20):
        record(database, failure(task_id=f"parent-{number}"))
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    record(database, failure(task_id="after"))
    assert rows_of(database, "SELECT count(*) AS n FROM redrive_taskfailurerecord")[0]["n"] == 23


@on_postgres
def test_a_child_that_ends_takes_nothing_of_its_parents_with_it(database: Database) -> None:
    backend = database.run(_backend)
    pid = os.fork()
    if pid == 0:
        database.close()
        gc.collect()
        os._exit(0)
    os.waitpid(pid, 0)

    assert database.run(_backend) == backend


@on_postgres
def test_a_thread_that_ends_leaves_no_connection(database: Database) -> None:
    threads = [threading.Thread(target=database.run, args=(_vendor,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    deadline = time.monotonic() + 5
    while _connection_count(database) > 1:
        assert time.monotonic() < deadline


def test_a_closed_connection_is_opened_again(database: Database) -> None:
    database.run(_vendor)
    database.close()
    database.close()

    assert database.run(_vendor) in ("postgresql", "sqlite")


@on_postgres
def test_our_connection_is_not_the_hosts(database: Database) -> None:
    ours = database.run(_backend)
    with connections[database.alias].cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        hosts = cursor.fetchone()[0]

    assert ours != hosts
    assert f"redrive-{database.alias}" not in connections.settings
