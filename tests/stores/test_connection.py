"""A connection of Redrive's own: whatever happens to the host's, to the server, or to the process."""

import gc
import os
import signal
import threading
import time

import pytest
from django.core import mail
from django.db import DatabaseError, connections, transaction

from redrive.leases import StoreUnavailable
from redrive.stores.sql.connection import Cursor, Database, StoreRefused, in_tests
from tests.servers import PostgresServer
from tests.stores.databases import on_postgres, on_sqlite
from tests.stores.endings import change, failure, record, row_of, rows_of
from tests.waiting import wait_until


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
    with (
        transaction.atomic(using=database.alias),
        pytest.raises(StoreUnavailable, match="inside a transaction"),
    ):
        record(database, failure())

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


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("settings", [None, {"ENGINE": "no.such.backend", "NAME": "x"}])
def test_an_alias_that_cannot_be_used_is_an_absent_database(
    settings: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
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

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            database.run(_ask)
    postgres.start()

    assert row_of(database)["status"] == "RETRYING"


@on_postgres
def test_a_lock_that_somebody_holds_is_waited_for_two_seconds(database: Database) -> None:
    with transaction.atomic(using=database.alias), connections[database.alias].cursor() as cursor:
        cursor.execute("LOCK TABLE redrive_taskfailurerecord")
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"timeout"):
            record(database, failure())
        took = time.monotonic() - began

    assert took > 1.5
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

    assert took > 1.5


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


LIMITS = (
    "SELECT name, setting, source, reset_val FROM pg_settings"
    " WHERE name IN ('statement_timeout', 'lock_timeout') ORDER BY name"
)


@on_postgres
def test_time_limits_belong_to_the_transaction_and_not_to_the_connection(database: Database) -> None:
    """A pooler refuses them as startup parameters (source ``client``), and its connections are others' as well."""
    assert database.run(lambda cursor: cursor.all(LIMITS)) == [
        ("lock_timeout", "2000", "session", "0"),
        ("statement_timeout", "2000", "session", "0"),
    ]


@on_postgres
def test_a_statement_that_does_not_end_is_ended_after_two_seconds(database: Database) -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="statement timeout"):
        database.run(lambda cursor: cursor.one("SELECT pg_sleep(20)"))

    assert time.monotonic() - began > 1.5


@on_postgres
def test_the_hosts_own_options_and_isolation_are_left_to_the_host(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"options": "-c work_mem=5MB -c default_transaction_isolation=serializable"}
    monkeypatch.setitem(connections.settings[database.alias], "OPTIONS", options)

    assert database.run(lambda cursor: cursor.one("SELECT current_setting('work_mem')")) == ("5MB",)
    assert database.run(lambda cursor: cursor.one("SHOW transaction_isolation")) == ("read committed",)


@on_postgres
def test_an_engine_is_known_by_its_vendor_whatever_it_is_called(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings[database.alias], "ENGINE", "tests.stores.instrumented")

    name = database.run(lambda cursor: cursor.one("SELECT current_setting('application_name')"))

    assert name == ("redrive",)


@on_postgres
def test_a_connection_whose_server_process_is_frozen_is_given_up_for_a_new_one(database: Database) -> None:
    backend = database.run(_backend)
    os.kill(backend, signal.SIGSTOP)

    began = time.monotonic()
    try:
        other = database.run(_backend)
        took = time.monotonic() - began
    finally:
        os.kill(backend, signal.SIGCONT)

    assert other != backend
    assert took > 2.5


@on_postgres
def test_a_frozen_server_is_an_absent_one(database: Database, postgres: PostgresServer) -> None:
    frozen = (postgres.pid, database.run(_backend))
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)

    try:
        with pytest.raises(StoreUnavailable):
            database.run(_ask)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)

    assert database.run(_ask) == (1,)


@on_postgres
def test_what_may_have_been_committed_is_not_run_again(database: Database) -> None:
    runs: list[int] = []

    def freeze_before_the_commit(cursor: Cursor) -> None:
        cursor.execute(
            "INSERT INTO redrive_event (at, actor, kind, subject, reason, numbers)"
            " VALUES (now(), 'a', 'k', 's', 'r', '{}')"
        )
        runs.append(_backend(cursor))
        os.kill(runs[-1], signal.SIGSTOP)

    with pytest.raises(StoreUnavailable, match="has not answered for 3 seconds"):
        database.run(freeze_before_the_commit)
    os.kill(runs[0], signal.SIGCONT)

    assert len(runs) == 1
    count = "SELECT count(*) AS n FROM redrive_event"
    wait_until(lambda: rows_of(database, count)[0]["n"] == 1, 5, "the commit that was on its way is done")


@pytest.mark.usefixtures("as_in_production")
def test_a_host_that_has_sent_a_mail_to_memory_is_not_in_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The locmem backend makes ``mail.outbox`` with the first mail, in production as well."""
    monkeypatch.setattr(mail, "outbox", [], raising=False)

    assert not in_tests()


def test_a_hosts_test_run_is_known() -> None:
    assert in_tests()
