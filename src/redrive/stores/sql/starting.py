"""Let exactly one copy of a message run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redrive.dead_letters import Ending, Status
from redrive.stores.sql.connection import Cursor
from redrive.stores.sql.recording import Insert, columns
from redrive.stores.sql.tables import ROW_VERSION, TABLE, bounded


@dataclass(frozen=True, slots=True)
class Start:
    """Whether a message may run its task now, and why not."""

    run: bool
    why: str = ""
    deliveries: int = 0
    """How often the running attempt was delivered again, this time included."""
    noted: bool = False
    """Whether the row was made for this start, so that it goes with a success."""


def mark_started(
    cursor: Cursor,
    task_id: str,
    attempt: int,
    worker: str,
    *,
    child: str = "",
    redelivered: bool,
    child_is_gone: Callable[[str], bool] = lambda _child: False,
) -> Start:
    """Let exactly one copy of a republished message run.

    The first to arrive marks the row. A second copy is refused; one the broker delivered again runs only if the
    worker that had started it is gone, or if it was this worker and ``child_is_gone`` says so of its process.
    """
    d = cursor.dialect
    task_id, worker = bounded(task_id, 255), bounded(worker, 255)
    changed = cursor.execute(
        f"UPDATE {TABLE} SET started_attempt = %s, started_at = {d.now}, started_by = %s, started_child = %s,"
        f" updated_at = {d.now} WHERE task_id = %s AND status = 'RETRYING' AND attempt = %s AND started_attempt < %s",
        [attempt, worker, child, task_id, attempt - 1, attempt],
    )
    if changed:
        return Start(run=True)
    row = cursor.one(
        "SELECT status, attempt, started_attempt, started_by, started_child, deliveries"
        f" FROM {TABLE} WHERE task_id = %s",
        [task_id],
    )
    if row is None:
        return Start(run=True)
    status, ended, started, started_by, started_child, deliveries = row
    if status != Status.RETRYING:
        return Start(run=False, why=f"its record is {status}")
    if ended >= attempt or started > attempt:
        return Start(run=False, why=f"attempt {attempt} has ended already")
    if started < attempt:
        return Start(run=True)
    lost = started_by == worker and child_is_gone(started_child)
    if not redelivered or not (lost or _is_gone(cursor, started_by)):
        if redelivered:
            _count_refused(cursor, task_id)
        return Start(run=False, why=f"attempt {attempt} was started by {started_by}")
    taken = cursor.execute(
        f"UPDATE {TABLE} SET started_at = {d.now}, started_by = %s, started_child = %s, deliveries = deliveries + 1"
        " WHERE task_id = %s AND status = 'RETRYING' AND started_attempt = %s AND started_by = %s",
        [worker, child, task_id, attempt, started_by],
    )
    return Start(
        run=bool(taken), why="" if taken else "another worker took it over", deliveries=deliveries + 1
    )


def unmark_started(cursor: Cursor, task_id: str, attempt: int) -> None:
    """Let the same attempt start once more: the task itself put its message back, so that it is no poison either.

    A row that was made for the start only goes; the next start makes one of its own.
    """
    values = [bounded(task_id, 255), attempt]
    mine = "WHERE task_id = %s AND status = 'RETRYING' AND started_attempt = %s"
    if cursor.execute(f"DELETE FROM {TABLE} {mine} AND first_failed_at IS NULL AND holds = 0", values):
        return
    cursor.execute(
        f"UPDATE {TABLE} SET started_attempt = attempt, started_by = '', started_child = '', deliveries = 0 {mine}",
        values,
    )


def note_start(
    cursor: Cursor,
    ending: Ending,
    worker: str,
    *,
    child: str = "",
    redelivered: bool,
    child_is_gone: Callable[[str], bool] = lambda _child: False,
) -> Start:
    """Note that a message which came from no record starts (the ledger), and how often it was delivered.

    The row is hidden (``first_failed_at`` is empty) and deleted when the task succeeds. A copy that the broker delivers
    again runs only if its attempt has no ending yet and whoever had started it is gone.

    Args:
        ending: The attempt as far as it is known: the task and its whole message.
    """
    d = cursor.dialect
    values = {
        **columns(ending),
        "status": Status.RETRYING.value,
        "attempt": ending.attempt - 1,
        "first_attempt": 1,
        "retry_count": 0,
        "max_retries": 0,
        "decision": "",
        "hold_reason": "",
        "holds": 0,
        "deliveries": 1 if redelivered else 0,
        "started_attempt": ending.attempt,
        "started_by": bounded(worker, 255),
        "started_child": child,
        "publishes": 0,
        "lease_owner": "",
        "version": ROW_VERSION,
    }
    insert = Insert(cursor, values)
    insert.add_sql("updated_at", d.now)
    insert.add_sql("started_at", d.now)
    inserted = cursor.one(f"{insert.sql(TABLE)} ON CONFLICT (task_id) DO NOTHING RETURNING id", insert.params)
    if inserted is not None:
        return Start(run=True, deliveries=values["deliveries"], noted=True)
    row = cursor.one(
        f"SELECT status, attempt, started_attempt, started_by, started_child FROM {TABLE} WHERE task_id = %s",
        [bounded(ending.task_id, 255)],
    )
    if row is None or not redelivered:
        return Start(run=True)
    status, ended, started, started_by, started_child = row
    if ended >= ending.attempt:
        return Start(run=False, why=f"attempt {ending.attempt} has ended already; its record is {status}")
    lost = started_by == worker and child_is_gone(started_child)
    if started >= ending.attempt and started_by and not (lost or _is_gone(cursor, started_by)):
        _count_refused(cursor, bounded(ending.task_id, 255))
        return Start(run=False, why=f"attempt {ending.attempt} was started by {started_by}")
    taken = cursor.one(
        f"UPDATE {TABLE} SET started_attempt = %s, started_at = {d.now}, started_by = %s, started_child = %s,"
        " deliveries = deliveries + 1 WHERE task_id = %s AND status = 'RETRYING' AND attempt = %s AND started_by = %s"
        " RETURNING deliveries",
        [ending.attempt, bounded(worker, 255), child, bounded(ending.task_id, 255), ended, started_by],
    )
    if taken is None:
        return Start(run=False, why="another worker took it over")
    return Start(run=True, deliveries=taken[0], noted=True)


def vouch_first(cursor: Cursor, worker: str, *, seconds: float) -> None:
    """A first sign of life of a worker whose keeper has not got to it yet: it may be killed before."""
    d = cursor.dialect
    cursor.execute(
        "INSERT INTO redrive_lease (kind, key, owner, fence, state, expires_at, data)"
        f" VALUES ('worker', %s, '', 0, 'held', {d.after}, {d.json}) ON CONFLICT DO NOTHING",
        [bounded(worker, 255), seconds, "{}"],
    )


def _count_refused(cursor: Cursor, task_id: str) -> None:
    """Remember that the broker gave the message back, in case the worker that had started it turns out to be gone."""
    cursor.execute(f"UPDATE {TABLE} SET deliveries = deliveries + 1 WHERE task_id = %s", [task_id])


def _is_gone(cursor: Cursor, worker: str) -> bool:
    """Whether no keeper vouches for the worker any more. A worker nobody ever vouched for is not known to be gone."""
    return (
        cursor.one(
            f"SELECT 1 FROM redrive_lease WHERE kind = 'worker' AND key = %s AND expires_at < {cursor.dialect.now}",
            [worker],
        )
        is not None
    )
