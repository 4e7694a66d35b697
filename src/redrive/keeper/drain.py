"""Apply the spill to the database, exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from django.db import InterfaceError, OperationalError, ProgrammingError

from redrive import runtime
from redrive.dead_letters import Ending, NewerVersion
from redrive.leases import StoreUnavailable
from redrive.metrics import DRAINED, SPILL, CounterKey, CounterTotals
from redrive.metrics.counters import from_rows
from redrive.recorder import FileSpill
from redrive.recorder.spill import Line
from redrive.stores.sql import counters as sql_counters
from redrive.stores.sql import recording
from redrive.stores.sql.acting import add_event
from redrive.stores.sql.connection import Cursor, Database, StoreRefused
from redrive.stores.sql.leases import put

logger = logging.getLogger("redrive")

REMEMBER_SECONDS = 7 * 86_400
"""How long the database remembers how far a spill file was applied."""
_NOT_THE_LINES_FAULT = (OperationalError, InterfaceError, ProgrammingError)
"""The connection broke, or the tables are not there yet."""


def drain(
    spill: FileSpill,
    database: Database,
    *,
    between: Callable[[], None] = lambda: None,
    settle: Callable[[Ending], Ending] = lambda ending: ending,
) -> int:
    """Apply every waiting line; returns how many. A line that cannot be applied is set aside and said.

    Lines of a chunk and the note of how far the file is applied are one transaction: a keeper that is killed in
    between leaves neither. ``between`` is called after each chunk, for what cannot wait until all is applied;
    ``settle`` says how an ending really was, where that can be found out.

    Raises:
        StoreUnavailable: The database is away; what is left is applied next time.
    """

    if problem := spill.problem():
        _say_once(problem)
        if type(spill) is FileSpill:
            return 0

    def apply(name: str, offset: int, lines: list[Line]) -> None:
        endings = [(line, ending) for line in lines if (ending := _read(spill, line, settle)) is not None]

        def work(cursor: Cursor) -> None:
            if _advance(cursor, name, offset):
                for line, ending in endings:
                    _apply_one(cursor, line, ending)
                _count(cursor, sum(isinstance(ending, Ending) for _, ending in endings))

        def work_singly(cursor: Cursor) -> None:
            if _advance(cursor, name, offset):
                applied = [_apply_or_reject(spill, cursor, line, ending) for line, ending in endings]
                _count(cursor, sum(applied))

        try:
            database.run(work)
        except StoreRefused as exc:
            logger.error("redrive: a chunk of the spill is refused (%s); trying line by line", exc)
            database.run(work_singly)
        except StoreUnavailable:
            raise
        except Exception:
            logger.exception("redrive: a chunk of the spill could not be applied; trying line by line")
            database.run(work_singly)
        between()

    count = spill.drain(
        apply,
        done=lambda name: database.run(lambda cursor: _offset(cursor, name)),
        forget=lambda name: database.run(lambda cursor: _forget(cursor, name)),
    )
    if count:
        logger.info("redrive: %s lines of the spill are in the database now", count)
    return count


@lru_cache(maxsize=8)
def _say_once(problem: str) -> None:
    logger.error("redrive: the spill is not drained: %s", problem)


def _read(spill: FileSpill, line: Line, settle: Callable[[Ending], Ending]) -> Ending | bool | None:
    """A line's ending, decided; True for what needs no decision; None for a line that was set aside."""
    if line.kind != "ending":
        return True
    try:
        return runtime.recorder().protect(runtime.conclude_stored(settle(Ending.from_dict(line.payload))))
    except NewerVersion as exc:
        logger.warning("redrive: a line of the spill was %s; it waits for that one", exc)
        spill.keep_for_newer(line.raw)
        return None
    except Exception:
        # Whatever is in the line, the lines after it must get through.
        logger.exception(
            "redrive: a line of the spill cannot be read; it is in %s", spill.directory / "rejected.jsonl"
        )
        spill.reject(line.raw)
        return None


def _apply_one(cursor: Cursor, line: Line, ending: Ending | bool) -> None:
    if isinstance(ending, Ending):
        recording.record(cursor, ending)
    elif line.kind == "event":
        add_event(cursor, **{**line.payload, "at": datetime.fromisoformat(line.payload["at"])})
    else:
        sql_counters.add(cursor, from_rows(line.payload["rows"]))


def _count(cursor: Cursor, endings: int) -> None:
    """Count endings that the spill has brought, for the figures of people."""
    if endings:
        hour = runtime.clock.now().replace(minute=0, second=0, microsecond=0)
        sql_counters.add(cursor, {CounterKey(hour, SPILL, "", DRAINED): CounterTotals(count=endings)})


def _apply_or_reject(spill: FileSpill, cursor: Cursor, line: Line, ending: Ending | bool) -> bool:
    """Apply one line in a transaction that goes on, if the line is refused, as if it had not been there.

    Whether it was an ending that is stored now.
    """
    cursor.execute("SAVEPOINT redrive_line")
    try:
        _apply_one(cursor, line, ending)
        cursor.execute("RELEASE SAVEPOINT redrive_line")
    except _NOT_THE_LINES_FAULT:
        raise
    except Exception as exc:
        cursor.execute("ROLLBACK TO SAVEPOINT redrive_line")
        cursor.execute("RELEASE SAVEPOINT redrive_line")
        logger.error("redrive: a line of the spill is refused (%s); it is in rejected.jsonl", exc)
        spill.reject(line.raw)
        return False
    return isinstance(ending, Ending)


def _offset(cursor: Cursor, name: str) -> int:
    row = cursor.one("SELECT fence FROM redrive_lease WHERE kind = 'spill' AND key = %s", [name])
    return int(row[0]) if row else 0


def _advance(cursor: Cursor, name: str, offset: int) -> bool:
    """Note how far the file is applied; False if it is already: by a keeper that is gone, whose commit was on its way.

    The row is locked until the end of the transaction, so that such a commit is waited for.
    """
    put(cursor, "spill", name, data={}, seconds=REMEMBER_SECONDS)
    sql = "UPDATE redrive_lease SET fence = %s WHERE kind = 'spill' AND key = %s AND fence < %s"
    return cursor.execute(sql, [offset, name, offset]) > 0


def _forget(cursor: Cursor, name: str) -> None:
    cursor.execute("DELETE FROM redrive_lease WHERE kind = 'spill' AND key = %s", [name])
