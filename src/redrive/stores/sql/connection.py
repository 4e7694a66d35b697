"""A private connection to the database that holds Redrive's tables.

The host's own connection may be in a broken transaction when a task fails, or be closed around every task. Ours is a
copy of its settings with short timeouts, one per process and thread, and never in ``DATABASES``.

The time limits of statements and locks are part of each transaction's BEGIN, not of the connection: a pooler such as
PgBouncer refuses them as startup parameters, and hands the server's connection to others between two transactions.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from selectors import DefaultSelector
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend
from django.utils.connection import ConnectionDoesNotExist

from redrive.clock import SystemClock
from redrive.conf import get_settings
from redrive.leases import StoreUnavailable
from redrive.stores.sql.dialect import DIALECTS, TIMEOUT_SECONDS, Cursor, Dialect

__all__ = ["DIALECTS", "TIMEOUT_SECONDS", "Cursor", "Database", "Dialect", "StoreRefused", "in_tests"]

T = TypeVar("T")

SILENCE_SECONDS = 3.0
"""Longest wait for a server that says nothing at all, where the driver is psycopg 3: longer than it needs to say that
one of the limits above is over."""
CLOCKS_AGREE_SECONDS = 5.0
"""Clocks that differ by less are taken for the same: a busy machine may need that long to read one."""
LEAD_SECONDS = 600.0
"""How long a measured difference is taken for true."""
_REFUSALS = (DataError, IntegrityError)
_TROUBLE = (DatabaseError, InterfaceError)


class StoreRefused(StoreUnavailable):
    """The database answered, and will not take these values: it is not away, and asking again is in vain."""


def _private_settings(alias: str) -> dict[str, Any]:
    """The host's connection settings with our timeouts and nothing shared."""
    settings = deepcopy(connections[alias].settings_dict)
    options = settings.setdefault("OPTIONS", {})
    settings["CONN_MAX_AGE"] = None
    settings["CONN_HEALTH_CHECKS"] = False
    settings["ATOMIC_REQUESTS"] = False
    settings["AUTOCOMMIT"] = True
    vendor = connections[alias].vendor
    if vendor == "postgresql":
        options.pop("pool", None)
        options.pop("server_side_binding", None)  # our statements leave the types of parameters to the client
        options["connect_timeout"] = TIMEOUT_SECONDS
        options["application_name"] = "redrive"
        # Without it a connection whose other end has vanished is waited for as long as the kernel likes.
        options.setdefault("tcp_user_timeout", 2_000 * TIMEOUT_SECONDS)
    elif vendor == "sqlite":
        options["timeout"] = TIMEOUT_SECONDS
    return settings


def in_tests() -> bool:
    """Whether the host's test runner is at work: then its own connection is used, or its tests would not see us."""
    # Not what is set up for tests in passing (``mail.outbox`` exists wherever the locmem backend has sent a mail), and
    # not imported for the asking.
    utils = sys.modules.get("django.test.utils")
    return utils is not None and hasattr(utils._TestState, "saved_data")


class _Own:
    """A thread's connection: closed when the thread ends, forgotten by a process that inherited it."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        # The last reference may go in another thread; Django would not let that one close it.
        connection.inc_thread_sharing()
        self.connection = connection
        self.pid = os.getpid()

    def close(self) -> None:
        connection = self.connection
        if self.pid != os.getpid():
            # The socket (or, in SQLite, the lock) is the parent's. Kept, so that nobody closes it from here.
            _inherited.append(connection.connection)
            connection.connection = None
            return
        try:
            connection.close()
        except _TROUBLE:
            connection.connection = None

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:
            # While the interpreter ends, modules (contextlib among them) are gone already.
            self.pid = 0


_inherited: list[Any] = []


class Database:
    """Runs small pieces of work on the private connection, each in one short transaction."""

    def __init__(self, alias: str | None = None) -> None:
        self._alias = alias
        self._local = threading.local()
        self._lead, self._lead_until = timedelta(0), float("-inf")

    @property
    def alias(self) -> str:
        """The alias in ``DATABASES`` whose settings are copied."""
        return self._alias or get_settings().database

    def run(self, work: Callable[[Cursor], T], *, eager: bool = False) -> T:
        """The result of ``work(cursor)``, committed.

        A connection that turns out to be dead is opened anew once.

        Args:
            work: Gets a :class:`Cursor`; may run twice if the first try lost its connection before the commit.
            eager: Use the host's connection (Celery's eager mode).

        Raises:
            StoreUnavailable: The database cannot be reached or did not answer within :data:`TIMEOUT_SECONDS`, or
                (SQLite) the host's connection is inside a transaction, whose lock we could only wait for in vain.
            StoreRefused: The database will not take the values.
        """
        if eager or in_tests():
            return self._run_on_host(work)
        return self._twice(lambda: self._try(work))

    def run_alone(self, sql: str, params: list[Any]) -> tuple[Any, ...] | None:
        """The first row that one statement returns, committed, in one round trip where the driver is psycopg 3.

        Moments are aware. The statement may run twice, if the connection is lost at its end.

        Raises:
            StoreUnavailable, StoreRefused: As :meth:`run`.
        """

        def work(cursor: Cursor) -> tuple[Any, ...] | None:
            return _aware(cursor.one(sql, params), cursor.dialect)

        return (
            self._run_on_host(work) if in_tests() else self._twice(lambda: self._try_alone(sql, params, work))
        )

    def lead(self) -> timedelta:
        """How far the database's clock is ahead of this machine's; 0 where they agree to some seconds.

        Measured every ten minutes.

        Raises:
            StoreUnavailable: As :meth:`run`.
        """
        if time.monotonic() >= self._lead_until:
            row = self.run(lambda cursor: cursor.one(f"SELECT {cursor.dialect.seconds_since_1970}"))
            seconds = float(row[0]) - SystemClock().now().timestamp() if row is not None else 0.0
            self._lead = timedelta(seconds=seconds if abs(seconds) > CLOCKS_AGREE_SECONDS else 0.0)
            self._lead_until = time.monotonic() + LEAD_SECONDS
        return self._lead

    @property
    def is_postgresql(self) -> bool:
        """Whether the tables are in PostgreSQL. Opens nothing."""
        try:
            return self._host().vendor == "postgresql"
        except StoreUnavailable:
            return False

    def _twice(self, attempt: Callable[[], T]) -> T:
        """The result of an attempt, or of a second one if the first found its connection lost."""
        _check_host(self._host())
        fresh = self._own() is None
        try:
            return attempt()
        except _TROUBLE as exc:
            if isinstance(exc, _REFUSALS):
                raise _translated(exc) from exc
            lost = not self._is_usable()
            self.close()
            if fresh or not lost:
                raise _translated(exc) from exc
        try:
            return attempt()
        except _TROUBLE as exc:
            self.close()
            raise _translated(exc) from exc

    def close(self) -> None:
        """Close this thread's connection, if it is this process's own."""
        own: _Own | None = getattr(self._local, "own", None)
        self._local.own = None
        if own is not None:
            own.close()

    def _host(self) -> BaseDatabaseWrapper:
        try:
            return connections[self.alias]
        except (ConnectionDoesNotExist, ImproperlyConfigured) as exc:
            raise StoreUnavailable(f"{type(exc).__name__}: {exc}") from exc

    def _run_on_host(self, work: Callable[[Cursor], T]) -> T:
        connection = self._host()
        try:
            with transaction.atomic(using=self.alias), connection.cursor() as cursor:
                return work(Cursor(cursor, _dialect(connection)))
        except _TROUBLE as exc:
            raise _translated(exc) from exc

    def _own(self) -> _Own | None:
        """This thread's connection, if this process made it."""
        own: _Own | None = getattr(self._local, "own", None)
        return own if own is not None and own.pid == os.getpid() else None

    def _connection(self) -> BaseDatabaseWrapper:
        own = self._own()
        if own is None:
            settings = _private_settings(self.alias)
            wrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, f"redrive-{self.alias}")
            if wrapper.vendor == "postgresql":
                # Without USE_TZ it would be the host's local time, and every moment read would be without its zone.
                wrapper.timezone, wrapper.timezone_name = UTC, "UTC"
                _bound_connecting(wrapper)
            own = self._local.own = _Own(wrapper)
        return own.connection

    def _try(self, work: Callable[[Cursor], T]) -> T:
        connection = self._connection()
        connection.ensure_connection()
        dialect = _dialect(connection)
        # psycopg2 gives the rows of a text's last statement only, sqlite3 refuses a text with two.
        travels = hasattr(connection.connection, "pgconn")
        with connection.cursor() as raw:
            cursor = Cursor(raw, dialect, dialect.begin if travels else "")
            try:
                if not travels:
                    raw.execute(dialect.begin)
                result = work(cursor)
            except BaseException:
                _roll_back(connection)
                raise
            try:
                cursor.commit()
            except _TROUBLE as exc:
                _roll_back(connection)
                # It may have been committed, so it must not run again: this is none of _TROUBLE.
                raise _translated(exc) from exc
        return result

    def _try_alone(
        self, sql: str, params: list[Any], work: Callable[[Cursor], tuple[Any, ...] | None]
    ) -> tuple[Any, ...] | None:
        connection = self._connection()
        connection.ensure_connection()
        if not hasattr(connection.connection, "pgconn"):
            return self._try(
                work
            )  # psycopg2 and sqlite3 give the rows of a text's last statement, or refuse the text
        dialect = _dialect(connection)
        row = None
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"{dialect.begin}; {sql}; COMMIT", tuple(params))
                while cursor.description is None and cursor.nextset():
                    pass  # BEGIN and SET give no rows, the statement does, if it has RETURNING
                row = cursor.fetchone()
            except BaseException:
                _roll_back(connection)
                raise
        return _aware(row, dialect)

    def _is_usable(self) -> bool:
        own = self._own()
        try:
            return own is not None and own.connection.connection is not None and own.connection.is_usable()
        except _TROUBLE:
            return False


def _check_host(host: BaseDatabaseWrapper) -> None:
    """Raise StoreUnavailable if the host's own transaction keeps us from writing (SQLite has one writer)."""
    in_transaction = host.in_atomic_block or (host.connection is not None and not host.autocommit)
    if host.vendor == "sqlite" and in_transaction:
        raise StoreUnavailable("the task is inside a transaction of the only SQLite connection")


def _translated(exc: Exception) -> StoreUnavailable:
    kind = StoreRefused if isinstance(exc, _REFUSALS) else StoreUnavailable
    return kind(f"{type(exc).__name__}: {exc}")


def _roll_back(connection: BaseDatabaseWrapper) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
    except _TROUBLE:
        # It is broken: closed without a word to the server, and opened anew by the next piece of work.
        with suppress(Exception):
            connection.connection.close()
        connection.connection = None


def _bound_connecting(wrapper: Any) -> None:
    """Let the wrapper open only connections that do not wait for ever."""
    connect = wrapper.get_new_connection
    wrapper.get_new_connection = lambda params: _bounded(connect(params))


def _bounded(raw: Any) -> Any:
    """A driver's connection that gives up on a server that is silent for :data:`SILENCE_SECONDS`.

    A server that was stopped keeps its connections, and the kernel acknowledges for it what it does not read.
    Everything that psycopg 3 waits for passes through ``Connection.wait``: a generator says what it needs of the socket
    and is sent what the socket is ready for, in the numbers of ``selectors``. psycopg2 waits in libpq, where nobody
    can end it.
    """

    def wait(gen: Generator[int, int, Any], *_: Any, **__: Any) -> Any:
        try:
            need = next(gen)
            with DefaultSelector() as selector:
                key = selector.register(raw.pgconn.socket, need)
                while ready := selector.select(SILENCE_SECONDS):
                    need = gen.send(ready[0][1])
                    if need != key.events:
                        key = selector.modify(key.fd, need)
        except StopIteration as done:
            return done.value
        raise OperationalError(f"the server has not answered for {SILENCE_SECONDS:g} seconds")

    if hasattr(raw, "pgconn"):
        raw.wait = wait
    return raw


def _dialect(connection: BaseDatabaseWrapper) -> Dialect:
    try:
        dialect = DIALECTS[connection.vendor]
    except KeyError:
        raise StoreUnavailable(f"{connection.vendor} is not supported; use PostgreSQL") from None
    if connection.vendor == "postgresql" and connection.timezone is None:
        # The host's own, without USE_TZ: its session, and what it reads, is in local time.
        return replace(dialect, zone=ZoneInfo(connection.timezone_name))
    return dialect


def _aware(row: Sequence[Any] | None, dialect: Dialect) -> tuple[Any, ...] | None:
    if row is None:
        return None
    return tuple(dialect.read_moment(value) if isinstance(value, datetime) else value for value in row)
