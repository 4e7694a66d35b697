"""Hand counters on every few seconds."""

from __future__ import annotations

import os
import threading

from redrive import runtime
from redrive.celery import gating
from redrive.process import leave_signals_to_main_thread

FLUSH_SECONDS = 5.0
GATE_SECONDS = 1.0
"""Successes of calls to a downstream go to its gate sooner, or failures would look like most of what happens."""


class Flusher:
    """Hands counts on from a process that runs tasks: the first at once, later ones by a daemon thread.

    A child that is recycled after one task gets no thread: starting one delays its end by a few milliseconds, and
    Celery's main process then takes seconds to replace it. The thread wakes up only while there is something to hand
    on, so an idle child sleeps. Never used in a prefork main process.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._thread: threading.Thread | None = None
        self._dirty = threading.Event()

    def touch(self) -> None:
        """Say that something was counted."""
        if self._pid != os.getpid():
            # What a fork copied, threads and locks included, is the parent's.
            self._pid, self._thread, self._dirty = os.getpid(), None, threading.Event()
            flush()
            return
        if self._thread is None:
            arguments = (self._pid, self._dirty)
            self._thread = threading.Thread(
                target=self._run, args=arguments, name="redrive-counters", daemon=True
            )
            self._thread.start()
        if not self._dirty.is_set():
            self._dirty.set()

    def _run(self, pid: int, dirty: threading.Event) -> None:
        leave_signals_to_main_thread()
        pause = threading.Event()
        while self._pid == pid:
            dirty.wait()
            for _ in range(round(FLUSH_SECONDS / GATE_SECONDS)):
                pause.wait(GATE_SECONDS)
                gating.flush()
            dirty.clear()
            flush()


def flush() -> None:
    """Hand on what was counted, through the spill; kept in memory if that fails. Never raises."""
    gating.flush()
    totals = runtime.counters.take()
    if totals and not runtime.recorder().count(totals):
        runtime.counters.put_back(totals)


flusher = Flusher()
