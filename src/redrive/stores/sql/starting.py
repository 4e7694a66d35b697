"""Let exactly one copy of a message run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redrive.dead_letters import Status
from redrive.stores.sql.connection import Cursor
from redrive.stores.sql.tables import TABLE, bounded


@dataclass(frozen=True, slots=True)
class Start:
    """Whether a message may run its task now, and why not."""

    run: bool
    why: str = ""
    deliveries: int = 0


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
    """Let the same attempt start once more: its message went back to its queue."""
    cursor.execute(
        f"UPDATE {TABLE} SET started_attempt = attempt, started_by = '', started_child = ''"
        " WHERE task_id = %s AND status = 'RETRYING' AND started_attempt = %s",
        [bounded(task_id, 255), attempt],
    )


def check_redelivered(cursor: Cursor, task_id: str, attempt: int) -> Start:
    """Whether a message without our header that the broker delivered again may run: not if its ending is recorded."""
    row = cursor.one(f"SELECT status, attempt FROM {TABLE} WHERE task_id = %s", [bounded(task_id, 255)])
    if row is None or row[1] < attempt:
        return Start(run=True)
    return Start(run=False, why=f"attempt {attempt} has ended already; its record is {row[0]}")


def _is_gone(cursor: Cursor, worker: str) -> bool:
    """Whether no keeper vouches for the worker any more. A worker nobody ever vouched for is not known to be gone."""
    return (
        cursor.one(
            f"SELECT 1 FROM redrive_lease WHERE kind = 'worker' AND key = %s AND expires_at < {cursor.dialect.now}",
            [worker],
        )
        is not None
    )
