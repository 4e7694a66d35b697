"""PostgreSQL, through psycopg."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from tests.servers import PostgresServer
from tests.servers.process import free_port
from tests.taxonomy.drivers.driven import Driven, check
from tests.waiting import wait_until

DATABASE = "TRANSIENT_DATABASE"
Url = str


def query(*statements: str) -> Any:
    """Run the statements on one connection, each in a transaction of its own; the last one fails."""

    def provoke(url: Url) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    return provoke


def run_while_locked(*statements: str) -> Any:
    """Run the statements while somebody else holds both rows of ``stock``."""

    def provoke(url: Url) -> None:
        with psycopg.connect(url) as holder, psycopg.connect(url) as connection:
            holder.execute("SELECT * FROM stock FOR UPDATE")
            for statement in statements:
                connection.execute(statement)

    return provoke


def deadlock(url: Url) -> None:
    """Two transactions that lock two rows in opposite order; whichever the server chooses is told."""
    problems: list[BaseException] = []

    def lock(connection: psycopg.Connection, row: int) -> None:
        try:
            connection.execute("UPDATE stock SET left_over = 1 WHERE id = %s", [row])
        except psycopg.Error as problem:
            problems.append(problem)
            connection.rollback()

    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        for connection in (first, second):
            connection.execute("SET deadlock_timeout = '20ms'")
        lock(first, 1)
        lock(second, 2)
        other = threading.Thread(target=lock, args=(first, 2))
        other.start()
        lock(second, 1)
        other.join()
    raise problems[0]


def serialization_failure(url: Url) -> None:
    with psycopg.connect(url) as first, psycopg.connect(url) as second:
        for connection in (first, second):
            connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
            connection.execute("SELECT sum(left_over) FROM stock")
        first.execute("UPDATE stock SET left_over = 5 WHERE id = 1")
        second.execute("UPDATE stock SET left_over = 5 WHERE id = 2")
        first.commit()
        second.commit()


def end_of_session(url: Url, function: str) -> None:
    """A statement that somebody else ends, by cancelling it or by terminating its session."""
    with psycopg.connect(url, autocommit=True) as boss, psycopg.connect(url, autocommit=True) as victim:
        number = victim.info.backend_pid

        def act() -> None:
            wait_until(
                lambda: (
                    boss.execute(
                        "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'", [number]
                    ).fetchone()
                    is not None
                ),
                10,
                "the victim sleeps",
            )
            boss.execute(f"SELECT {function}(%s)", [number])

        helper = threading.Thread(target=act)
        helper.start()
        try:
            victim.execute("SELECT pg_sleep(30)")
        finally:
            helper.join()


def idle_in_transaction(url: Url) -> None:
    with psycopg.connect(url, autocommit=True) as watcher, psycopg.connect(url) as connection:
        connection.execute("SET idle_in_transaction_session_timeout = '30ms'")
        number = connection.info.backend_pid
        wait_until(
            lambda: (
                watcher.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [number]).fetchone() is None
            ),
            10,
            "the session has ended",
        )
        connection.execute("SELECT 1")


def role_is_full(url: Url) -> None:
    with psycopg.connect(url, autocommit=True) as boss:
        boss.execute("DROP ROLE IF EXISTS crowded")
        boss.execute("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    psycopg.connect(url, user="crowded")


def no_right(url: Url) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS guest")
        connection.execute("CREATE ROLE guest")
        connection.execute("SET ROLE guest")
        connection.execute("SELECT * FROM stock")


def role_may_not_log_in(url: Url) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS nologin_role")
        connection.execute("CREATE ROLE nologin_role NOLOGIN")
    psycopg.connect(url, user="nologin_role")


def aborted_transaction(url: Url) -> None:
    with psycopg.connect(url) as connection:
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT 1/0")
        connection.execute("SELECT 1")


def closed_connection(url: Url) -> None:
    connection = psycopg.connect(url)
    connection.close()
    connection.execute("SELECT 1")


def with_parameters(statement: str, *parameters: Any) -> Any:
    def provoke(url: Url) -> None:
        with psycopg.connect(url) as connection:
            connection.execute(statement, parameters)

    return provoke


def refused(url: Url) -> None:
    psycopg.connect(f"postgresql://redrive@127.0.0.1:{free_port()}/shop", connect_timeout=2)


CASES = (
    Driven("deadlock", DATABASE, True, deadlock),
    Driven("serialization failure", DATABASE, True, serialization_failure),
    Driven("statement timeout", DATABASE, True, query("SET statement_timeout = 20", "SELECT pg_sleep(5)")),
    Driven("locked, nowait", DATABASE, True, run_while_locked("SELECT * FROM stock FOR UPDATE NOWAIT")),
    Driven(
        "lock timeout",
        DATABASE,
        True,
        run_while_locked("SET lock_timeout = 20", "UPDATE stock SET left_over = 0"),
    ),
    Driven("cancelled by an operator", DATABASE, True, lambda url: end_of_session(url, "pg_cancel_backend")),
    Driven("session terminated", DATABASE, True, lambda url: end_of_session(url, "pg_terminate_backend")),
    Driven("idle in transaction too long", DATABASE, True, idle_in_transaction),
    Driven("connection limit of the role", f"{DATABASE},CONFIG_INVALID_SETTING", True, role_is_full),
    Driven("connection closed before", DATABASE, True, closed_connection),
    Driven("refused", f"{DATABASE},TRANSIENT_NETWORK", True, refused),
    Driven(
        "read-only transaction",
        f"{DATABASE},CONFIG_INVALID_SETTING",
        True,
        query("SET default_transaction_read_only = on", "DELETE FROM stock"),
    ),
    Driven(
        "temporary files limited",
        "SYSTEM_DISK_FULL",
        False,
        query(
            "SET work_mem = '64kB'",
            "SET temp_file_limit = '64kB'",
            "SELECT count(*) FROM (SELECT g, repeat('x', 500) AS t FROM generate_series(1, 20000) g ORDER BY t, g DESC"
            " OFFSET 1) s",
        ),
    ),
    Driven(
        "unique",
        "PERMANENT_VALIDATION,PERMANENT_LOGIC",
        False,
        query("INSERT INTO stock VALUES (1, 'a', 1, NULL)"),
    ),
    Driven(
        "not null",
        "PERMANENT_VALIDATION,PERMANENT_LOGIC",
        False,
        query("INSERT INTO stock VALUES (9, NULL, 1, NULL)"),
    ),
    Driven(
        "check",
        "PERMANENT_VALIDATION,PERMANENT_LOGIC",
        False,
        query("UPDATE stock SET left_over = -1"),
    ),
    Driven(
        "foreign key, insert",
        "PERMANENT_VALIDATION,PERMANENT_NOT_FOUND",
        False,
        query("INSERT INTO stock VALUES (9, 'x', 1, 77)"),
    ),
    Driven(
        "foreign key, delete",
        "PERMANENT_LOGIC,PERMANENT_VALIDATION",
        False,
        query("DELETE FROM shelf"),
    ),
    Driven("too long", "PERMANENT_VALIDATION", False, query("UPDATE stock SET name = 'much too long'")),
    Driven("out of range", "PERMANENT_VALIDATION", False, query("SELECT 99999999999::int")),
    Driven("bad date", "PERMANENT_VALIDATION", False, query("SELECT '2026-02-31'::date")),
    Driven("NUL byte", "PERMANENT_VALIDATION", False, with_parameters("SELECT %s::text", "a\x00b")),
    Driven("division by zero", "PERMANENT_LOGIC", False, query("SELECT 1/0")),
    Driven("syntax", "PERMANENT_LOGIC", False, query("SELEKT 1")),
    Driven("placeholders", "PERMANENT_LOGIC", False, with_parameters("SELECT %s, %s", 1)),
    Driven("transaction aborted before", f"PERMANENT_LOGIC,{DATABASE}", False, aborted_transaction),
    Driven("no such table", "CONFIG_INVALID_SETTING", False, query("SELECT * FROM absent")),
    Driven("no such column", "CONFIG_INVALID_SETTING", False, query("SELECT absent FROM stock")),
    Driven("no right on a table", "PERMANENT_PERMISSION", False, no_right),
    Driven(
        "no such role",
        "CONFIG_INVALID_SETTING",
        False,
        lambda url: psycopg.connect(url, user="nobody_here"),
    ),
    Driven("role may not log in", "CONFIG_INVALID_SETTING", False, role_may_not_log_in),
    Driven(
        "no such database",
        "CONFIG_INVALID_SETTING",
        False,
        lambda url: psycopg.connect(url, dbname="nothing_here"),
    ),
    Driven(
        "extension not installed",
        "CONFIG_MISSING_SERVICE",
        False,
        query("CREATE EXTENSION no_such_extension"),
    ),
)


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> str:
    postgres_server.start()
    url = postgres_server.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE shelf (id int PRIMARY KEY)")
        connection.execute(
            "CREATE TABLE stock (id int PRIMARY KEY, name varchar(5) NOT NULL, left_over int CHECK (left_over >= 0),"
            " shelf int REFERENCES shelf)"
        )
        connection.execute("INSERT INTO shelf VALUES (1)")
        connection.execute("INSERT INTO stock VALUES (1, 'a', 1, 1), (2, 'b', 1, NULL)")
    return url


@pytest.mark.parametrize("case", CASES, ids=str)
def test_postgres_failure_is_understood(case: Driven, url: str) -> None:
    check(case, url)
