"""The database that holds Redrive's tables, over a connection with the workers' own time limits."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections
from django.db.migrations.loader import MigrationLoader

from redrive.conf import get_settings
from redrive.doctor.examinations.backlog import CAP
from redrive.doctor.facts import Backlog, DatabaseFacts
from redrive.leases import StoreUnavailable
from redrive.stores.sql.connection import DIALECTS, Cursor, Database
from redrive.stores.sql.leases import database_now
from redrive.stores.sql.tables import ROW_VERSION

OVERDUE = timedelta(minutes=1)
UNSTARTED = timedelta(minutes=10)
_FREQUENT_DUTIES = ("sample", "reap")
"""Keepers take these every ten seconds, so their leases show whether one is alive."""


def database_facts() -> DatabaseFacts:
    """The database. Raises StoreUnavailable if it is away."""
    alias = get_settings().database
    if alias in connections.settings and connections[alias].vendor not in DIALECTS:
        return DatabaseFacts(alias=alias, vendor=connections[alias].vendor, version=(), backlog=None)
    database = Database()
    ours = sorted(name for app, name in _migrations_on_disk() if app == "redrive")
    try:
        return database.run(lambda cursor: _look(cursor, alias, ours))
    finally:
        database.close()


def _migrations_on_disk() -> Iterable[tuple[str, str]]:
    """(app, migration) of the whole project; follows MIGRATION_MODULES."""
    loader = MigrationLoader(None)
    return list(loader.disk_migrations or {})


def _look(cursor: Cursor, alias: str, migrations: list[str]) -> DatabaseFacts:
    vendor = cursor.dialect.vendor
    applied = _applied(cursor)
    # Without the first migration there is no table to ask; with a later one missing there is.
    has_tables = _has_table(cursor, "redrive_taskfailurerecord") and _has_table(cursor, "redrive_lease")
    before = datetime.now(UTC)
    now = database_now(cursor)
    after = datetime.now(UTC)
    if now is None:
        raise StoreUnavailable("the database did not say what time it is")
    facts: dict[str, Any] = {
        "alias": alias,
        "vendor": vendor,
        "latency": _latency(cursor),
        "unapplied": tuple(name for name in migrations if name not in applied),
        "clock_ahead": (now - (before + (after - before) / 2)).total_seconds(),
        "backlog": _backlog(cursor, now) if has_tables else None,
        **(_leases(cursor, now) if has_tables else {}),
        **(_postgresql(cursor) if vendor == "postgresql" else _sqlite(cursor)),
    }
    return DatabaseFacts(**facts)


def _number(cursor: Cursor, sql: str) -> int:
    row = cursor.one(sql)
    return 0 if row is None else int(row[0])


def _text(cursor: Cursor, sql: str) -> str:
    row = cursor.one(sql)
    return "" if row is None else str(row[0])


def _has_table(cursor: Cursor, name: str) -> bool:
    sql = {
        "postgresql": "SELECT to_regclass(%s) IS NOT NULL",
        "sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = %s",
    }[cursor.dialect.vendor]
    row = cursor.one(sql, [name])
    return bool(row and row[0])


def _applied(cursor: Cursor) -> set[str]:
    if not _has_table(cursor, "django_migrations"):
        return set()
    return {str(row[0]) for row in cursor.all("SELECT name FROM django_migrations WHERE app = 'redrive'")}


def _latency(cursor: Cursor) -> float:
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        cursor.one("SELECT 1")
        taken.append(time.perf_counter() - began)
    return min(taken)


def _postgresql(cursor: Cursor) -> dict[str, Any]:
    number = _number(cursor, "SELECT current_setting('server_version_num')::int")
    limit = _number(
        cursor,
        "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        # Since PostgreSQL 16.
        " - coalesce(current_setting('reserved_connections', true), '0')::int",
    )
    return {
        "version": (number // 10_000, number % 10_000),
        "read_only": _text(cursor, "SELECT current_setting('transaction_read_only')") == "on",
        "connection_limit": limit,
        "connections_used": _number(
            cursor,
            "SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL"
            " AND application_name IS DISTINCT FROM 'redrive'",
        ),
    }


def _sqlite(cursor: Cursor) -> dict[str, Any]:
    numbers = _text(cursor, "SELECT sqlite_version()").split(".")
    return {
        "version": tuple(int(number) for number in numbers),
        "journal_mode": _text(cursor, "PRAGMA journal_mode"),
    }


def _leases(cursor: Cursor, now: datetime) -> dict[str, Any]:
    d = cursor.dialect
    rows = cursor.all(
        "SELECT kind, key, expires_at FROM redrive_lease WHERE expires_at IS NOT NULL"
        " AND (kind = 'worker' OR (kind = 'duty' AND key IN (%s, %s)))",
        _FREQUENT_DUTIES,
    )
    ends = [
        (kind, key, (end - now).total_seconds())
        for kind, key, value in rows
        if (end := d.read_moment(value)) is not None
    ]
    return {
        "keeper_seen": max((left for _, _, left in ends), default=None),
        "vouched": tuple(
            sorted({key.partition("#")[0] for kind, key, left in ends if kind == "worker" and left > 0})
        ),
    }


def _backlog(cursor: Cursor, now: datetime) -> Backlog:
    d = cursor.dialect
    overdue, oldest_due = _count(
        cursor,
        "SELECT count(*), min(at) FROM (SELECT next_retry_at AS at FROM redrive_taskfailurerecord"
        " WHERE status = 'RETRYING' AND published_at IS NULL AND started_attempt <= attempt AND version <= %s"
        " AND next_retry_at < %s ORDER BY next_retry_at LIMIT %s) AS found",
        [ROW_VERSION, d.moment(now - OVERDUE)],
    )
    # What was sent more than once was not started before; each sending sets the time anew.
    unstarted_where = [ROW_VERSION, d.moment(now - UNSTARTED)]
    unstarted, oldest_sent = _count(
        cursor,
        "SELECT count(*), min(at) FROM (SELECT published_at AS at FROM redrive_taskfailurerecord"
        " WHERE status = 'RETRYING' AND published_at IS NOT NULL AND lease_owner = '' AND started_attempt <= attempt"
        " AND version <= %s AND (published_at < %s OR publishes > 1) LIMIT %s) AS found",
        unstarted_where,
    )
    queues: list[str] = []
    if unstarted:
        rows = cursor.all(
            "SELECT DISTINCT queue_name FROM redrive_taskfailurerecord WHERE status = 'RETRYING'"
            " AND published_at IS NOT NULL AND lease_owner = '' AND started_attempt <= attempt"
            " AND version <= %s AND (published_at < %s OR publishes > 1) ORDER BY queue_name",
            unstarted_where,
        )
        queues = [str(row[0]) for row in rows]
    pending, oldest_failed = _count(
        cursor,
        "SELECT count(*), min(at) FROM (SELECT first_failed_at AS at FROM redrive_taskfailurerecord"
        " WHERE status = 'PENDING' AND first_failed_at IS NOT NULL ORDER BY first_failed_at LIMIT %s) AS found",
        [],
    )

    def age(moment: datetime | None) -> float:
        return 0.0 if moment is None else (now - moment).total_seconds()

    return Backlog(
        overdue=overdue,
        oldest_overdue=age(oldest_due),
        pending=pending,
        oldest_pending=age(oldest_failed),
        unstarted=unstarted,
        oldest_unstarted=age(oldest_sent),
        unstarted_queues=tuple(queues),
    )


def _count(cursor: Cursor, sql: str, parameters: list[Any]) -> tuple[int, datetime | None]:
    row = cursor.one(sql, [*parameters, CAP + 1])
    return (0, None) if row is None else (int(row[0]), cursor.dialect.read_moment(row[1]))
