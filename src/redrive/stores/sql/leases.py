"""Leases in the database, by its clock."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from redrive.leases import FREE, Change, Guess, Lease, Outline, StoreUnavailable, next_fence, outline
from redrive.stores.sql.connection import Cursor, Database

T = TypeVar("T")

_COLUMNS = "kind, key, owner, fence, state, expires_at, data"
_EMPTY = "-"
"""State of a row that only exists to be locked."""

_MICROSECOND = timedelta(microseconds=1)

_NOW = "(SELECT clock_timestamp() AS now) t"
_ENDS = "t.now + %s * interval '1 microsecond'"
_FENCE = "floor(extract(epoch FROM t.now) * 1000)::bigint"
_WRITE_IF_VACANT = (
    "INSERT INTO redrive_lease AS r (kind, key, owner, state, expires_at, data, fence)"
    f" SELECT %s, %s, %s, %s, {_ENDS}, %s::jsonb, {_FENCE} FROM {_NOW}"
    " ON CONFLICT (kind, key) DO UPDATE SET owner = EXCLUDED.owner, state = EXCLUDED.state,"
    " expires_at = EXCLUDED.expires_at, data = EXCLUDED.data, fence = GREATEST(EXCLUDED.fence, r.fence + 1)"
    f" WHERE r.state IN ('{_EMPTY}', '{FREE}') OR r.expires_at <= clock_timestamp()"
    " RETURNING r.fence, r.expires_at"
)
"""PostgreSQL: writes a document where there is no live one, with a fence above the last one."""
_WRITE_IF_SAME = (
    f"UPDATE redrive_lease r SET owner = %s, state = %s, expires_at = {_ENDS}, data = %s::jsonb,"
    f" fence = COALESCE(%s::bigint, GREATEST({_FENCE}, %s)) FROM {_NOW}"
    " WHERE kind = %s AND key = %s AND r.owner = %s AND r.fence = %s AND r.state = %s AND r.expires_at = %s"
    " AND r.expires_at > t.now RETURNING r.expires_at"
)
"""PostgreSQL: replaces a live document that nobody has changed."""


def _lease(row: Mapping[str, Any] | tuple[Any, ...], cursor: Cursor) -> Lease | None:
    kind, key, owner, fence, state, expires_at, data = tuple(row)[:7]
    if state == _EMPTY:
        return None
    d = cursor.dialect
    return Lease(
        kind=kind,
        key=key,
        owner=owner,
        fence=fence,
        state=state,
        expires_at=d.read_moment(expires_at),
        data=d.read_json(data),
    )


class SqlLeaseStore:
    """A :class:`~redrive.leases.LeaseStore` on the database: one row per lease, locked while it changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transact(self, kind: str, key: str, change: Change[T], *, guess: Guess | None = None) -> T:
        """Apply change to one document; its row is locked meanwhile. Raises StoreUnavailable.

        On PostgreSQL a change with a right guess is one statement and one round trip.
        """
        if guess is not None and self._database.is_postgresql and (plan := outline(guess.lease, change)):
            found = self._try_guess(kind, key, guess.lease, plan)
            if found is not None:
                return change(*found)[1]
        return self._database.run(lambda cursor: self._transact(cursor, kind, key, change))

    def get(self, kind: str, key: str) -> Lease | None:
        """One document as stored, or None. Raises StoreUnavailable."""

        def read(cursor: Cursor) -> Lease | None:
            row = cursor.one(
                f"SELECT {_COLUMNS} FROM redrive_lease WHERE kind = %s AND key = %s", [kind, key]
            )
            return None if row is None else _lease(row, cursor)

        return self._database.run(read)

    def all(self, kind: str) -> Sequence[Lease]:
        """Every document of a kind, sorted by key. Raises StoreUnavailable."""

        def read(cursor: Cursor) -> list[Lease]:
            rows = cursor.all(f"SELECT {_COLUMNS} FROM redrive_lease WHERE kind = %s ORDER BY key", [kind])
            return [lease for row in rows if (lease := _lease(row, cursor)) is not None]

        return self._database.run(read)

    def delete_expired(self, kinds: Sequence[str], limit: int = 1_000) -> int:
        """Delete up to limit documents of these kinds that have ended. Returns how many."""
        if not kinds:
            return 0
        places = ", ".join(["%s"] * len(kinds))

        def work(cursor: Cursor) -> int:
            now = cursor.dialect.now
            return cursor.execute(
                f"DELETE FROM redrive_lease WHERE id IN (SELECT id FROM redrive_lease WHERE kind IN ({places})"
                # Asked twice: the lease may have been renewed while the deletion waited for its row.
                f" AND expires_at < {now} LIMIT %s) AND expires_at < {now}",
                [*kinds, limit],
            )

        return self._database.run(work)

    def _try_guess(
        self, kind: str, key: str, guess: Lease | None, plan: Outline
    ) -> tuple[Lease | None, datetime] | None:
        """Write what a change makes of the guessed document, if that is stored; returns it and the database's time."""
        new = plan.changed
        values = [new.owner, new.state, plan.left // _MICROSECOND, json.dumps(dict(new.data))]
        if guess is None:
            row = self._database.run_alone(_WRITE_IF_VACANT, [kind, key, *values])
            if row is None:
                return None
            fence, expires_at = row
            now = expires_at - plan.left
            # What was left of an earlier holder has raised the fence.
            left_over = Lease(kind=kind, key=key, fence=fence - 1, state=FREE, expires_at=now)
            return (None if next_fence(None, now) == fence else left_over), now
        fence = new.fence if plan.keeps_fence else None
        row = self._database.run_alone(
            _WRITE_IF_SAME,
            [
                *values,
                fence,
                plan.least_fence,
                kind,
                key,
                guess.owner,
                guess.fence,
                guess.state,
                guess.expires_at,
            ],
        )
        return None if row is None else (guess, row[0] - plan.left)

    def _transact(self, cursor: Cursor, kind: str, key: str, change: Change[T]) -> T:
        row = self._lock(cursor, kind, key)
        before = _lease(row, cursor)
        now = cursor.dialect.read_moment(row[7])
        if now is None:
            raise StoreUnavailable("the database did not say what time it is")
        after, answer = change(before, now)
        if after is None:
            cursor.execute("DELETE FROM redrive_lease WHERE kind = %s AND key = %s", [kind, key])
        elif after != before:
            d = cursor.dialect
            cursor.execute(
                f"UPDATE redrive_lease SET owner = %s, fence = %s, state = %s, expires_at = %s, data = {d.json}"
                " WHERE kind = %s AND key = %s",
                [
                    after.owner,
                    after.fence,
                    after.state,
                    d.moment(after.expires_at),
                    json.dumps(dict(after.data)),
                    kind,
                    key,
                ],
            )
        return answer

    def _lock(self, cursor: Cursor, kind: str, key: str) -> tuple[Any, ...]:
        """The locked row and the database's time; a missing row is made first."""
        d = cursor.dialect
        for_update = "FOR UPDATE" if d.vendor == "postgresql" else ""
        select = f"SELECT {_COLUMNS}, {d.now} FROM redrive_lease WHERE kind = %s AND key = %s {for_update}"
        row = cursor.one(select, [kind, key])
        # Somebody else may delete the row between our insert and our lock: then it is made again.
        for _ in range(5):
            if row is not None:
                return row
            cursor.execute(
                "INSERT INTO redrive_lease (kind, key, owner, fence, state, expires_at, data)"
                f" VALUES (%s, %s, '', 0, %s, NULL, {d.json})"
                " ON CONFLICT DO NOTHING",
                [kind, key, _EMPTY, "{}"],
            )
            row = cursor.one(select, [kind, key])
        raise StoreUnavailable(f"lease {kind} {key} changed under us too many times")


def put(
    cursor: Cursor, kind: str, key: str, *, data: Mapping[str, Any], seconds: float, owner: str = ""
) -> None:
    """Write a document that ends in so many seconds, whoever wrote it before (heartbeats, samples)."""
    d = cursor.dialect
    cursor.execute(
        "INSERT INTO redrive_lease (kind, key, owner, fence, state, expires_at, data)"
        f" VALUES (%s, %s, %s, 0, 'held', {d.after}, {d.json}) ON CONFLICT (kind, key) DO UPDATE SET"
        " owner = EXCLUDED.owner, state = EXCLUDED.state, expires_at = EXCLUDED.expires_at, data = EXCLUDED.data",
        [kind, key, owner, seconds, json.dumps(dict(data))],
    )


def database_now(cursor: Cursor) -> datetime | None:
    """The database's time."""
    row = cursor.one(f"SELECT {cursor.dialect.now}")
    return None if row is None else cursor.dialect.read_moment(row[0])
