"""SQL first, the spill when SQL is away."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from redrive.dead_letters import Ending, Outcome, Recorded
from redrive.leases import StoreUnavailable
from redrive.metrics import CounterKey, CounterTotals
from redrive.metrics.counters import to_rows
from redrive.payload import Codec
from redrive.recorder.sealing import protected
from redrive.recorder.spill import FileSpill, SpillFailed
from redrive.recorder.tracebacks import TracebackLimit
from redrive.stores.sql import recording
from redrive.stores.sql.acting import add_event
from redrive.stores.sql.connection import Database, StoreRefused, in_tests

logger = logging.getLogger("redrive")

AWAY_SECONDS = 5.0
"""How long nobody on this machine tries SQL again after it did not answer."""
SPILL_SECONDS = 0.2
"""How long one call of :meth:`Recorder.spill_kept` goes on writing."""
MOST_KEPT = 1_000
"""Endings that a worker's main process keeps in memory while the spill cannot be written."""


class Recorder:
    """Stores endings, counters and events. Never raises.

    Every ending is durable before :meth:`record` returns, or ``Recorded.where`` is ``nowhere`` and the log says so.
    A hold without a message is stored nowhere: the task must not wait for what can never be sent.
    Safe for use from several threads and after a fork.

    Args:
        database: Where records live.
        spill: Where they wait while it is away.
        codec: What seals their messages in both, if anything does.
    """

    def __init__(
        self, database: Database, spill: FileSpill, codec: Callable[[], Codec | None] = lambda: None
    ) -> None:
        self._database = database
        self._spill = spill
        self._codec = codec
        self._away = spill.directory / "database-away"
        self._tracebacks = TracebackLimit()
        self._kept: deque[Ending] = deque(maxlen=MOST_KEPT)
        self._said_full = False

    def record(self, ending: Ending, *, eager: bool = False) -> Recorded:
        """Store one ending, in SQL or else in the spill. ``eager``: on the host's own connection."""
        ending = self.protect(ending)
        if eager or in_tests():
            return self._record_on_host(ending)
        if ending.outcome is Outcome.HELD and not ending.has_message:
            return Recorded(where="nowhere", retry=False)
        ending = self._tracebacks.apply(ending)
        if not self._is_away():
            try:
                # A retry is due by the database's clock, from which this machine's may be far off.
                ending = replace(ending, ended_at=ending.ended_at + self._database.lead())
                recorded = self._database.run(lambda cursor: recording.record(cursor, ending))
            except StoreRefused as exc:
                # It must still not be lost: the keeper will set it aside where a person finds it.
                logger.error("redrive: SQL refuses %s[%s]: %s", ending.task_name, ending.task_id, exc)
            except StoreUnavailable as exc:
                self.note_away(exc)
            except Exception:
                # Whatever is wrong with us, the host must not hear of it.
                logger.exception("redrive: could not record %s[%s] in SQL", ending.task_name, ending.task_id)
            else:
                return recorded
        return self.spill(ending)

    def protect(self, ending: Ending) -> Ending:
        """The ending as it may be stored: where there is a codec, sealed and without arguments. Never raises."""
        codec = self._codec()
        return ending if codec is None else protected(ending, codec)

    def _record_on_host(self, ending: Ending) -> Recorded:
        """In eager mode and in a host's tests: on its own connection, never in the spill, which outlives the test."""
        try:
            return self._database.run(lambda cursor: recording.record(cursor, ending), eager=True)
        except Exception as exc:
            logger.warning("redrive: %s[%s] is not recorded: %s", ending.task_name, ending.task_id, exc)
            return Recorded(where="nowhere", retry=False)

    def note(self, event: Mapping[str, Any], at: datetime) -> None:
        """Store one event, in SQL or else in the spill.

        Args:
            event: What ``add_event`` takes.
            at: When it happened, for the spill; in SQL it is stored at the database's own moment.
        """
        if in_tests() or not self._is_away():
            try:
                self._database.run(lambda cursor: add_event(cursor, **event))
                return
            except StoreUnavailable as exc:
                self.note_away(exc)
            except Exception:
                logger.exception("redrive: SQL refuses %s of %s", event["kind"], event["subject"])
        try:
            self._spill.append("event", {**event, "at": at.isoformat()})
        except Exception as exc:
            logger.warning("redrive: %s of %s is noted nowhere: %s", event["kind"], event["subject"], exc)

    def spill(self, ending: Ending) -> Recorded:
        """Store one ending in the spill only (the worker's main process holds no SQL connection)."""
        ending = self.protect(ending)
        retry = ending.due_at is not None and ending.has_message
        try:
            self._spill.append("ending", ending.to_dict())
        except Exception as exc:
            logger.critical(
                "redrive: %s[%s] ended (%s: %s) and could be stored neither in SQL nor in the spill: %s",
                ending.task_name,
                ending.task_id,
                ending.exception_type,
                ending.exception_message,
                exc,
            )
            return Recorded(where="nowhere", retry=False)
        return Recorded(where="spill", retry=retry)

    def spill_or_keep(self, ending: Ending) -> None:
        """Store one ending in the spill; what cannot be written is kept in memory for :meth:`spill_kept`.

        For a worker's main process, where nobody else can keep what it has seen. The log has said it by then; it is
        lost if the process ends before there is room again, or if ``MOST_KEPT`` later ones are kept after it.
        """
        ending = self.protect(ending)
        if self.spill(ending).where == "nowhere":
            if len(self._kept) == MOST_KEPT and not self._said_full:
                self._said_full = True
                logger.critical(
                    "redrive: %s endings are kept in memory, and nothing can be written: the oldest ones are lost",
                    f"{MOST_KEPT:,}",
                )
            self._kept.append(ending)

    def spill_kept(self) -> None:
        """Try again what :meth:`spill_or_keep` could not write, oldest first. Never raises.

        Stops after ``SPILL_SECONDS``, because a worker's main process has other things to do; the rest comes next time.
        """
        until = time.monotonic() + SPILL_SECONDS
        while self._kept and time.monotonic() < until:
            try:
                self._spill.append("ending", self._kept[0].to_dict())
            except SpillFailed:
                return
            except Exception:
                logger.exception("redrive: %s can be written nowhere", self._kept[0].task_id)
            self._kept.popleft()

    def count(self, totals: Mapping[CounterKey, CounterTotals]) -> bool:
        """Hand sums on, through the spill: counting must not open connections. False if that failed."""
        try:
            self._spill.append("counters", {"rows": to_rows(totals)}, durable=False)
        except SpillFailed as exc:
            logger.warning("redrive: counters could not be written: %s", exc)
            return False
        return True

    def _is_away(self) -> bool:
        """Whether SQL was found away a moment ago, by this process or another one on the machine.

        Asked on failures only. With ``max_tasks_per_child=1`` every task is a new process: only a file can tell it.
        """
        try:
            # A moment ahead of us is a clock that was set back, and says nothing.
            is_away = 0 <= time.time() - os.stat(self._away).st_mtime < AWAY_SECONDS
        except OSError:
            return False
        return is_away and not self._spill.problem()

    def note_away(self, exc: StoreUnavailable) -> None:
        """Tell every process on this machine that SQL is away."""
        logger.warning("redrive: the database is away (%s); failures go to %s", exc, self._spill.directory)
        try:
            self._spill.prepare()
            self._away.touch()
        except (OSError, SpillFailed) as exc:
            logger.warning("redrive: %s cannot be written: %s", self._spill.directory, exc)
