"""What keepers do with records: claim what is due, note what was sent, find what vanished, delete what is old."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from redrive.payload import MessageSource, StoredMessage
from redrive.stores.sql.connection import Cursor
from redrive.stores.sql.tables import ATTEMPTS, ITEMS, ROW_VERSION, TABLE, bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A record that a keeper has claimed in order to publish it."""

    id: int
    task_id: str
    task_name: str
    attempt: int
    retry_count: int
    first_attempt: int
    publishes: int
    holds: int
    hold_reason: str
    failure_type: str
    downstream: str
    queue_name: str
    app_name: str
    business_unit: str
    first_failed_at: datetime | None
    message: StoredMessage
    options: Mapping[str, Any]

    @property
    def retries(self) -> int:
        """Runs of this round so far: what Celery's ``request.retries`` will be in the next one."""
        return self.attempt + 1 - self.first_attempt


_PLAIN = (
    "id", "task_id", "task_name", "attempt", "retry_count", "first_attempt", "failure_type", "publishes", "holds",
    "hold_reason", "downstream", "queue_name", "app_name", "business_unit",
)  # fmt: skip
_DUE_COLUMNS = (
    f"{', '.join(_PLAIN)}, first_failed_at, body, content_type, content_encoding, headers, properties, exchange,"
    " routing_key, priority, message_source, options"
)


def _due(row: Mapping[str, Any], cursor: Cursor) -> Due:
    d = cursor.dialect
    message = StoredMessage(
        body=bytes(row["body"]),
        content_type=row["content_type"],
        content_encoding=row["content_encoding"],
        headers=d.read_json(row["headers"]),
        properties=d.read_json(row["properties"]),
        exchange=row["exchange"],
        routing_key=row["routing_key"],
        priority=row["priority"],
        source=MessageSource(row["message_source"] or MessageSource.NONE),
    )
    plain = {name: row[name] for name in _PLAIN}
    return Due(
        **plain,
        first_failed_at=d.read_moment(row["first_failed_at"]),
        message=message,
        options=d.read_json(row["options"]),
    )


def claim_due(cursor: Cursor, owner: str, *, limit: int, lease_seconds: float) -> list[Due]:
    """Lease up to limit records that are due to owner, most overdue first. Two keepers never get the same one."""
    d = cursor.dialect
    rows = cursor.dicts(
        # Materialized: PostgreSQL may evaluate a plain sub-select more than once, and lease more than the limit.
        f"WITH due AS MATERIALIZED (SELECT id FROM {TABLE} WHERE status = 'RETRYING' AND next_retry_at <= {d.now}"
        " AND published_at IS NULL AND started_attempt <= attempt"
        f" AND (lease_expires_at IS NULL OR lease_expires_at < {d.now}) AND version <= %s"
        f" ORDER BY next_retry_at LIMIT %s {d.skip_locked})"
        f" UPDATE {TABLE} SET lease_owner = %s, lease_expires_at = {d.after} WHERE id IN (SELECT id FROM due)"
        f" RETURNING next_retry_at, {_DUE_COLUMNS}",
        [ROW_VERSION, limit, owner, lease_seconds],
    )
    return [_due(row, cursor) for row in sorted(rows, key=lambda row: row["next_retry_at"])]


def mark_published(cursor: Cursor, due: Due, owner: str, *, republish_seconds: float) -> bool:
    """Note that the message is out. False if the record has moved on (it may have run already)."""
    d = cursor.dialect
    return bool(
        cursor.execute(
            f"UPDATE {TABLE} SET published_at = {d.now}, last_retry_at = {d.now}, publishes = publishes + 1,"
            f" lease_owner = '', lease_expires_at = {d.after}, hold_reason = '', updated_at = {d.now}"
            " WHERE id = %s AND lease_owner = %s AND attempt = %s",
            [republish_seconds * 2 ** min(due.publishes, 6), due.id, owner, due.attempt],
        )
    )


def postpone(cursor: Cursor, due: Due, owner: str, *, seconds: float, reason: str, held: bool) -> None:
    """Give a claimed record back, due again after seconds. ``held``: by a gate, which is counted."""
    d = cursor.dialect
    cursor.execute(
        f"UPDATE {TABLE} SET next_retry_at = {d.after}, hold_reason = %s, holds = holds + %s, lease_owner = '',"
        f" lease_expires_at = NULL, updated_at = {d.now} WHERE id = %s AND lease_owner = %s",
        [seconds, bounded(reason, 4_000), 1 if held else 0, due.id, owner],
    )


def reclaim_unstarted(cursor: Cursor) -> int:
    """Make messages that went out but were never started due again (a copy that still comes is refused)."""
    d = cursor.dialect
    return cursor.execute(
        f"UPDATE {TABLE} SET published_at = NULL, lease_expires_at = NULL, next_retry_at = {d.now}"
        f" WHERE status = 'RETRYING' AND published_at IS NOT NULL AND lease_owner = '' AND lease_expires_at < {d.now}"
        " AND started_attempt <= attempt AND version <= %s",
        [ROW_VERSION],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """An attempt that was started by a worker which is gone."""

    due: Due
    started_by: str
    deliveries: int
    """Copies of it that the broker had given back, and that were refused while it was thought to run."""


def find_vanished(cursor: Cursor, *, grace_seconds: float, limit: int = 100) -> list[Vanished]:
    """Attempts whose worker stopped giving signs of life more than grace ago."""
    d = cursor.dialect
    rows = cursor.dicts(
        f"SELECT {_DUE_COLUMNS}, started_by, deliveries FROM {TABLE} r WHERE status = 'RETRYING'"
        " AND started_attempt > attempt AND version <= %s AND EXISTS (SELECT 1 FROM redrive_lease w"
        f" WHERE w.kind = 'worker' AND w.key = r.started_by AND w.expires_at < {d.after}) LIMIT %s",
        [ROW_VERSION, -grace_seconds, limit],
    )
    return [_vanished(row, cursor) for row in rows]


def _vanished(row: Mapping[str, Any], cursor: Cursor) -> Vanished:
    return Vanished(due=_due(row, cursor), started_by=row["started_by"], deliveries=row["deliveries"])


def start_again(cursor: Cursor, vanished: Vanished) -> bool:
    """Let a vanished attempt start once more, in place of the copy that the broker had given back."""
    d = cursor.dialect
    return bool(
        cursor.execute(
            f"UPDATE {TABLE} SET started_attempt = attempt, started_by = '', started_child = '', published_at = NULL,"
            f" lease_owner = '', lease_expires_at = NULL, next_retry_at = {d.now}, updated_at = {d.now}"
            " WHERE id = %s AND status = 'RETRYING' AND started_attempt > attempt AND started_by = %s",
            [vanished.due.id, vanished.started_by],
        )
    )


def find_childless(
    cursor: Cursor, worker: str, *, seconds: float, limit: int = 100
) -> list[tuple[Vanished, str]]:
    """Attempts that a worker's pool children started more than seconds ago, with the id of the child."""
    d = cursor.dialect
    rows = cursor.dicts(
        f"SELECT {_DUE_COLUMNS}, started_by, started_child, deliveries FROM {TABLE} WHERE status = 'RETRYING'"
        " AND started_attempt > attempt AND started_by = %s AND started_child <> ''"
        f" AND started_at < {d.after} AND version <= %s LIMIT %s",
        [worker, -seconds, ROW_VERSION, limit],
    )
    return [(_vanished(row, cursor), row["started_child"]) for row in rows]


def forget_workers(cursor: Cursor) -> int:
    """Delete the signs of life of workers that are gone for a day and that no record names any more."""
    d = cursor.dialect
    return cursor.execute(
        f"DELETE FROM redrive_lease WHERE kind = 'worker' AND expires_at < {d.after}"
        f" AND NOT EXISTS (SELECT 1 FROM {TABLE} r WHERE r.started_by = redrive_lease.key)",
        [-86_400],
    )


def purge(cursor: Cursor, *, resolved: timedelta, abandoned: timedelta, limit: int = 1_000) -> int:
    """Delete up to limit finished records older than told. PENDING and RETRYING ones are never deleted."""
    d = cursor.dialect
    old = (
        f"SELECT id FROM {TABLE} WHERE (status = 'RESOLVED' AND resolved_at < {d.after})"
        # Locked, so that nobody sends one back to work between this and its deletion.
        f" OR (status = 'ABANDONED' AND abandoned_at < {d.after}) LIMIT %s {d.skip_locked}"
    )
    ids = [row[0] for row in cursor.all(old, [-resolved.total_seconds(), -abandoned.total_seconds(), limit])]
    if not ids:
        return 0
    places = ", ".join(["%s"] * len(ids))
    for table in (ATTEMPTS, ITEMS):
        cursor.execute(f"DELETE FROM {table} WHERE record_id IN ({places})", ids)
    return cursor.execute(f"DELETE FROM {TABLE} WHERE id IN ({places})", ids)
