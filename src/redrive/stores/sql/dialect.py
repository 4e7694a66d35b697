"""How statements are said to PostgreSQL and to SQLite, and how they travel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from json import loads
from typing import Any

TIMEOUT_SECONDS = 2
"""Longest wait for a connection, a lock or a statement."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The few words in which PostgreSQL and SQLite differ."""

    vendor: str
    begin: str
    """Starts a transaction with our time limits, in one round trip, whatever the host has set for its own."""
    now: str
    after: str
    """SQL for "now plus %s seconds" by the database's clock."""
    skip_locked: str
    json_cast: str
    moment_cast: str
    greatest: str
    least: str
    """Functions that give the greatest and the least of their arguments."""
    zone: tzinfo = UTC
    """Of the moments that the connection reads without one."""

    @property
    def settled(self) -> str:
        """SQL for a moment (first place) or, where that is less than so many seconds off (second) though not long ago
        (third), the end of those seconds by the database's clock: the clock of whoever gave the moment may differ."""
        return f"{self.greatest}({self.moment_place}, {self.least}({self.after}, {self.moment_place}))"

    @property
    def seconds_since_1970(self) -> str:
        """SQL for the database's clock as a number, whatever its time zone."""
        if self.vendor == "postgresql":
            return "EXTRACT(EPOCH FROM clock_timestamp())"
        return "(julianday('now') - 2440587.5) * 86400.0"

    @property
    def json(self) -> str:
        """Placeholder for a JSON text."""
        return f"%s{self.json_cast}"

    def carried(self, key: str, old: str, new: str) -> str:
        """SQL for a new JSON object with one key of an old one that has it and where the new one does not."""
        if self.vendor == "postgresql":
            found = f"{old}->'{key}'"
            carried = f"jsonb_build_object('{key}', {found}) || {new}"
        else:
            found = f"json_extract({old}, '$.{key}')"
            carried = f"json_insert({new}, '$.{key}', {found})"
        return f"CASE WHEN {found} IS NULL THEN {new} ELSE {carried} END"

    @property
    def moment_place(self) -> str:
        """Placeholder for a moment where its type cannot be told from a column."""
        return f"%s{self.moment_cast}"

    def moment(self, value: datetime | None) -> Any:
        """A datetime as a parameter."""
        if value is None:
            return None
        value = value.astimezone(
            UTC
        )  # one without a zone is in local time, as Django's own are without USE_TZ
        return value if self.vendor == "postgresql" else value.strftime("%Y-%m-%d %H:%M:%S.%f")

    def read_moment(self, value: Any) -> datetime | None:
        """A datetime as the database gave it, aware."""
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return (value if value.tzinfo is not None else value.replace(tzinfo=self.zone)).astimezone(UTC)
        return None

    @staticmethod
    def read_json(value: Any) -> Any:
        """A JSON value as the database gave it (text or already parsed)."""
        return loads(value) if isinstance(value, str | bytes) else value


_SQLITE_FORMAT = "%%Y-%%m-%%d %%H:%%M:%%f"
DIALECTS = {
    "postgresql": Dialect(
        vendor="postgresql",
        begin=(
            f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '{TIMEOUT_SECONDS}s';"
            f" SET LOCAL lock_timeout = '{TIMEOUT_SECONDS}s'"
        ),
        now="clock_timestamp()",
        after="(clock_timestamp() + make_interval(secs => %s))",
        skip_locked="FOR UPDATE SKIP LOCKED",
        json_cast="::jsonb",
        moment_cast="::timestamptz",
        greatest="GREATEST",
        least="LEAST",
    ),
    "sqlite": Dialect(
        vendor="sqlite",
        begin="BEGIN IMMEDIATE",
        now=f"strftime('{_SQLITE_FORMAT}', 'now')",
        after=f"strftime('{_SQLITE_FORMAT}', 'now', %s || ' seconds')",
        skip_locked="",
        json_cast="",
        moment_cast="",
        greatest="MAX",
        least="MIN",
    ),
}


class Cursor:
    """A database cursor that knows its dialect. ``%s`` placeholders on both databases.

    Args:
        begin: What begins the transaction, sent with the first statement; empty if it has begun.
    """

    def __init__(self, cursor: Any, dialect: Dialect, begin: str = "") -> None:
        self._cursor = cursor
        self.dialect = dialect
        self._begin = begin
        self._travels = bool(begin)
        self._later: tuple[str, tuple[Any, ...]] | None = None

    def execute(self, sql: str, params: list[Any] | tuple[Any, ...] = ()) -> int:
        """Run one statement; returns the number of rows it changed."""
        self._send(sql, params)
        return int(self._cursor.rowcount)

    def one(self, sql: str, params: list[Any] | tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        self._send(sql, params)
        row = self._cursor.fetchone()
        return None if row is None else tuple(row)

    def all(self, sql: str, params: list[Any] | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Every row."""
        self._send(sql, params)
        return [tuple(row) for row in self._cursor.fetchall()]

    def dicts(self, sql: str, params: list[Any] | tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """Every row, by column name."""
        self._send(sql, params)
        names = [column[0] for column in self._cursor.description]
        return [dict(zip(names, row, strict=True)) for row in self._cursor.fetchall()]

    def later(self, sql: str, params: list[Any] | tuple[Any, ...] = ()) -> None:
        """Run a statement whose result nobody wants, before the next one: the last of all travels with the COMMIT."""
        if self._travels:
            self._flush()
            self._later = (sql, tuple(params))
        else:
            self._send(sql, params)

    def commit(self) -> None:
        """End the transaction, if a statement has begun it."""
        if self._later is not None:
            (sql, params), self._later = self._later, None
            self._send(f"{sql}; COMMIT", params)
        elif not self._begin:
            self._send("COMMIT", ())

    def _flush(self) -> None:
        if self._later is not None:
            (sql, params), self._later = self._later, None
            self._send(sql, params)

    def _send(self, sql: str, params: list[Any] | tuple[Any, ...]) -> None:
        self._flush()
        begin, self._begin = self._begin, ""
        if not begin:
            self._cursor.execute(sql, tuple(params))
            return
        self._cursor.execute(f"{begin}; {sql}", tuple(params))
        for _ in begin.split(";"):
            self._cursor.nextset()
