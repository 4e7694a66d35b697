"""Apply the spill to the database, exactly once."""

from __future__ import annotations

import logging

from redrive import runtime
from redrive.dead_letters import Ending
from redrive.leases import StoreUnavailable
from redrive.metrics.counters import from_rows
from redrive.recorder import FileSpill
from redrive.recorder.spill import Line
from redrive.stores.sql import counters as sql_counters
from redrive.stores.sql import recording
from redrive.stores.sql.connection import Cursor, Database
from redrive.stores.sql.leases import put

logger = logging.getLogger("redrive")

REMEMBER_SECONDS = 7 * 86_400
"""How long the database remembers how far a spill file was applied."""
MISSING = "execution"


def drain(spill: FileSpill, database: Database) -> int:
    """Apply every waiting line; returns how many. A line that cannot be applied is set aside and said.

    Lines of a chunk and the note of how far the file is applied are one transaction: a keeper that is killed in
    between leaves neither.

    Raises:
        StoreUnavailable: The database is away; what is left is applied next time.
    """

    def apply(name: str, offset: int, lines: list[Line]) -> None:
        endings = [(line, ending) for line in lines if (ending := _read(spill, line)) is not None]

        def work(cursor: Cursor) -> None:
            for line, ending in endings:
                _apply_one(cursor, line, ending)
            _note(cursor, name, offset)

        try:
            database.run(work)
        except StoreUnavailable:
            raise
        except Exception:
            logger.exception("redrive: a chunk of the spill could not be applied; trying line by line")
            _apply_singly(spill, database, endings)
            database.run(lambda cursor: _note(cursor, name, offset))

    count = spill.drain(apply, lambda name: database.run(lambda cursor: _offset(cursor, name)))
    if count:
        logger.info("redrive: %s lines of the spill are in the database now", count)
    return count


def _read(spill: FileSpill, line: Line) -> Ending | bool | None:
    """A line's ending, decided; True for counters; None for a line that was set aside."""
    if line.kind == "counters":
        return True
    try:
        return runtime.conclude_stored(Ending.from_dict(line.payload))
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
    else:
        sql_counters.add(cursor, from_rows(line.payload["rows"]))


def _apply_singly(spill: FileSpill, database: Database, endings: list[tuple[Line, Ending | bool]]) -> None:
    for line, ending in endings:
        try:
            database.run(lambda cursor, line=line, ending=ending: _apply_one(cursor, line, ending))  # type: ignore[misc]  # bound at once
        except Exception as exc:
            logger.error("redrive: a line of the spill is refused (%s); it is in rejected.jsonl", exc)
            spill.reject(line.raw)


def _offset(cursor: Cursor, name: str) -> int:
    row = cursor.one("SELECT fence FROM redrive_lease WHERE kind = 'spill' AND key = %s", [name])
    return int(row[0]) if row else 0


def _note(cursor: Cursor, name: str, offset: int) -> None:
    put(cursor, "spill", name, data={}, seconds=REMEMBER_SECONDS)
    cursor.execute("UPDATE redrive_lease SET fence = %s WHERE kind = 'spill' AND key = %s", [offset, name])
