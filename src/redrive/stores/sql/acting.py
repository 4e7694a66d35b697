"""What operators do with records, each act one conditional update and one event."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redrive.dead_letters import Route, Status
from redrive.payload import MessageSource, StoredMessage, is_sealed, to_json, why_not_stored, with_errbacks
from redrive.stores.sql.connection import Cursor, Database
from redrive.stores.sql.tables import REVOKED, SETTLE_SECONDS, TABLE, bounded

_NO_MESSAGE = "Its message could not be had when it failed, so it cannot be sent again."


@dataclass(frozen=True, slots=True)
class Found:
    """A record by its task's id."""

    id: int
    status: str


def find_record(cursor: Cursor, task_id: str) -> Found | None:
    """The record of a task, or None."""
    row = cursor.one(f"SELECT id, status FROM {TABLE} WHERE task_id = %s", [bounded(task_id, 255)])
    return None if row is None else Found(*row)


class SqlRecordStore:
    """A :class:`~redrive.dead_letters.RecordStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def act(
        self,
        record_id: int,
        act: str,
        *,
        actor: str,
        reason: str,
        decision: str,
        route: Route | None,
        errbacks: bool = False,
    ) -> str:
        """Carry out an act; "" or why nothing was changed. Raises StoreUnavailable."""

        def work(cursor: Cursor) -> str:
            row = cursor.one(
                f"SELECT status, task_id, message_source, content_type, properties FROM {TABLE} WHERE id = %s",
                [record_id],
            )
            if row is None:
                return "There is no such record."
            status, task_id, source, content_type, properties = row
            if act == "abandon":
                refused = _abandon(cursor, record_id, status, decision)
            elif source == "none":
                return why_not_stored(cursor.dialect.read_json(properties), _NO_MESSAGE)
            elif errbacks and is_sealed(content_type):
                return "Its message is sealed, so its errbacks were not kept. Retry it without them."
            else:
                refused = _retry(cursor, record_id, status, decision)
            if refused:
                return refused
            if route is not None:
                _reroute(cursor, record_id, route)
            if errbacks:
                _restore_errbacks(cursor, record_id)
            if act != "abandon":
                task_id = _renew_id(cursor, record_id)
            numbers = {"record": record_id, "was": status, **({"priority": route.label} if route else {})}
            add_event(cursor, actor=actor, kind=act, subject=task_id, reason=reason, numbers=numbers)
            return ""

        return self._database.run(work)


def _retry(cursor: Cursor, record_id: int, status: str, decision: str) -> str:
    """A new round for a dead letter, no more waiting for one that waits."""
    d = cursor.dialect
    if status == Status.RESOLVED:
        return "It is resolved already."
    if status == Status.RETRYING:
        changed = cursor.execute(
            f"UPDATE {TABLE} SET next_retry_at = {d.after}, hold_reason = '', decision = %s, updated_at = {d.now}"
            " WHERE id = %s AND status = 'RETRYING' AND published_at IS NULL AND started_attempt <= attempt",
            [SETTLE_SECONDS, bounded(decision, 4_000), record_id],
        )
        return "" if changed else "It is on its way or running already."
    if _still_runs(cursor, record_id):
        return "It was abandoned while it ran, and still runs. Wait for its end."
    changed = cursor.execute(
        f"UPDATE {TABLE} SET status = 'RETRYING', next_retry_at = {d.after}, first_attempt = attempt + 1,"
        " retry_count = 0, published_at = NULL, lease_owner = '', lease_expires_at = NULL, started_attempt = attempt,"
        f" publishes = 0, hold_reason = '', abandoned_at = NULL, decision = %s, updated_at = {d.now}"
        " WHERE id = %s AND status IN ('PENDING', 'ABANDONED')",
        [SETTLE_SECONDS, bounded(decision, 4_000), record_id],
    )
    return "" if changed else "Somebody else was faster."


def _still_runs(cursor: Cursor, record_id: int) -> bool:
    """Whether a keeper vouches for a worker that runs it: one beside it would be too many."""
    return (
        cursor.one(
            f"SELECT 1 FROM {TABLE} r JOIN redrive_lease w ON w.kind = 'worker' AND w.key = r.started_by"
            f" WHERE r.id = %s AND r.started_attempt > r.attempt AND w.expires_at >= {cursor.dialect.now}",
            [record_id],
        )
        is not None
    )


def _abandon(cursor: Cursor, record_id: int, status: str, decision: str) -> str:
    """Give up. A task that runs at this moment goes on, and is resolved after all if it succeeds."""
    d = cursor.dialect
    if status not in (Status.PENDING, Status.RETRYING):
        return f"It is {status.lower()} already."
    changed = cursor.execute(
        f"UPDATE {TABLE} SET status = 'ABANDONED', abandoned_at = {d.now}, next_retry_at = NULL, published_at = NULL,"
        f" lease_owner = '', lease_expires_at = NULL, hold_reason = '', decision = %s, updated_at = {d.now}"
        " WHERE id = %s AND status IN ('PENDING', 'RETRYING')",
        [bounded(decision, 4_000), record_id],
    )
    return "" if changed else "Somebody else was faster."


def _renew_id(cursor: Cursor, record_id: int) -> str:
    """The id that the task is sent under: its own, or a new one where workers remember its own as revoked."""
    row = cursor.one(
        f"SELECT task_id, exception_type, headers, properties FROM {TABLE} WHERE id = %s", [record_id]
    )
    if row is None or row[1] != REVOKED:
        return "" if row is None else str(row[0])
    d = cursor.dialect
    old, new = str(row[0]), str(uuid.uuid4())
    headers, properties = d.read_json(row[2]), d.read_json(row[3])
    headers.update({name: new for name in ("id", "root_id") if headers.get(name) == old})
    if properties.get("correlation_id") == old:
        properties["correlation_id"] = new
    cursor.execute(
        f"UPDATE {TABLE} SET task_id = %s, headers = {d.json}, properties = {d.json} WHERE id = %s",
        [new, to_json(headers), to_json(properties), record_id],
    )
    return new


def _reroute(cursor: Cursor, record_id: int, route: Route) -> None:
    """Send the record's next message elsewhere; which number its priority is depends on the broker."""
    d = cursor.dialect
    row = cursor.one(f"SELECT properties FROM {TABLE} WHERE id = %s", [record_id])
    properties = d.read_json(row[0]) if row else {}
    properties["redrive_priorities"] = dict(route.priorities)
    cursor.execute(
        f"UPDATE {TABLE} SET queue_name = %s, exchange = '', routing_key = %s, properties = {d.json} WHERE id = %s",
        [route.queue, route.queue, to_json(properties), record_id],
    )


def read_message(cursor: Cursor, record_id: int) -> StoredMessage | None:
    """The body of a record's message with what is needed to read it, or None without a record or a message."""
    row = cursor.one(
        f"SELECT body, content_type, properties, message_source FROM {TABLE} WHERE id = %s", [record_id]
    )
    if row is None or row[3] in ("", "none"):
        return None
    properties = cursor.dialect.read_json(row[2])
    return StoredMessage(
        body=bytes(row[0]), content_type=row[1], properties=properties, source=MessageSource(row[3])
    )


def _restore_errbacks(cursor: Cursor, record_id: int) -> None:
    message = read_message(cursor, record_id)
    if message is not None:
        body = with_errbacks(message).body
        cursor.execute(f"UPDATE {TABLE} SET body = %s WHERE id = %s", [body, record_id])


def add_event(
    cursor: Cursor,
    *,
    actor: str,
    kind: str,
    subject: str,
    reason: str = "",
    numbers: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Note who did what; ``at`` is now if it is None."""
    d = cursor.dialect
    cursor.execute(
        "INSERT INTO redrive_event (at, actor, kind, subject, reason, numbers)"
        f" VALUES (COALESCE({d.moment_place}, {d.now}), %s, %s, %s, %s, {d.json})",
        [
            d.moment(at),
            bounded(actor, 255),
            bounded(kind, 60),
            bounded(subject, 255),
            bounded(reason, 4_000),
            to_json(dict(numbers or {})),
        ],
    )
