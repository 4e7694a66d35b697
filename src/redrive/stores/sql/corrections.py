"""What operators said of failure types, kept with their groups.

A group's ``failure_type`` is what the classifier found, ``correction`` what an operator says: the same type where they
agree, empty where nobody has said anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from redrive.stores.sql.acting import add_event
from redrive.stores.sql.connection import Cursor, Database
from redrive.stores.sql.tables import TABLE, bounded
from redrive.taxonomy import FailureType

GROUPS = "redrive_failuregroup"
CORRECT, CONFIRM, REVOKE = "correct type", "confirm type", "revoke type"
"""Kinds of the events; their subject is the fingerprint."""
MOST_LEARNT = 10_000
"""Corrections that workers are told of, the latest failures first: they are read into memory by every process."""


class SqlCorrectionStore:
    """A :class:`~redrive.taxonomy.CorrectionStore` on the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def judge(self, fingerprint: str, says: FailureType, *, actor: str, reason: str) -> str:
        """Keep what an operator says of a fingerprint, making its group if there is none yet."""

        def work(cursor: Cursor) -> str:
            if not _has_group(cursor, fingerprint) and not _make_group(cursor, fingerprint):
                return "No failure has this fingerprint."
            before = _group(cursor, fingerprint)
            changed = cursor.execute(
                f"UPDATE {GROUPS} SET correction = %s WHERE fingerprint = %s AND correction <> %s",
                [says.value, fingerprint, says.value],
            )
            if not changed:
                return "That was said already."
            kind = CONFIRM if before["found"] == says.value else CORRECT
            numbers = {**before, "says": says.value}
            add_event(cursor, actor=actor, kind=kind, subject=fingerprint, reason=reason, numbers=numbers)
            return ""

        return self._database.run(work)

    def revoke(self, fingerprint: str, *, actor: str, reason: str) -> str:
        """Forget what was said."""

        def work(cursor: Cursor) -> str:
            before = _group(cursor, fingerprint)
            changed = cursor.execute(
                f"UPDATE {GROUPS} SET correction = '' WHERE fingerprint = %s AND correction <> ''",
                [fingerprint],
            )
            if not changed:
                return "Nothing was said of it."
            add_event(cursor, actor=actor, kind=REVOKE, subject=fingerprint, reason=reason, numbers=before)
            return ""

        return self._database.run(work)


def _has_group(cursor: Cursor, fingerprint: str) -> bool:
    return cursor.one(f"SELECT 1 FROM {GROUPS} WHERE fingerprint = %s", [fingerprint]) is not None


def _group(cursor: Cursor, fingerprint: str) -> dict[str, str]:
    """What the classifier found and what was said before; the row is locked until the transaction ends."""
    lock = "FOR UPDATE" if cursor.dialect.vendor == "postgresql" else ""
    row = cursor.one(
        f"SELECT failure_type, correction, task_name FROM {GROUPS} WHERE fingerprint = %s {lock}",
        [fingerprint],
    )
    found, said, task = row or ("", "", "")
    return {"found": found, "said_before": said, "task": task}


def _make_group(cursor: Cursor, fingerprint: str) -> bool:
    """Make the group from its latest record; whether there is one."""
    d = cursor.dialect
    row = cursor.one(
        f"SELECT task_name, failure_type, exception_type, exception_message FROM {TABLE}"
        " WHERE fingerprint = %s AND first_failed_at IS NOT NULL ORDER BY first_failed_at DESC LIMIT 1",
        [fingerprint],
    )
    if row is None:
        return False
    task, kind, exception, message = row
    cursor.execute(
        f"INSERT INTO {GROUPS} (fingerprint, task_name, failure_type, exception_type, title, owner, note, runbook,"
        " correction, pending, retrying, resolved, abandoned, sparkline, first_seen_at, last_seen_at)"
        f" VALUES (%s, %s, %s, %s, %s, '', '', '', '', 0, 0, 0, 0, {d.json}, {d.now}, {d.now})"
        " ON CONFLICT (fingerprint) DO NOTHING",
        [fingerprint, task, kind, exception, bounded(message, 300), "[]"],
    )
    return True


def learnt(cursor: Cursor) -> Mapping[str, str]:
    """What was said, by fingerprint, for the file that workers read."""
    rows = cursor.all(
        f"SELECT fingerprint, correction FROM {GROUPS} WHERE correction <> '' ORDER BY last_seen_at DESC, id DESC"
        f" LIMIT {MOST_LEARNT}"
    )
    return dict(rows)
