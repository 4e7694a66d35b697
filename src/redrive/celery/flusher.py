"""Hand counters on every few seconds."""

from __future__ import annotations

import os
import threading

from redrive import runtime

FLUSH_SECONDS = 5.0


class Flusher:
    """A daemon thread per process that runs tasks; started with the first task, never in a prefork main process.

    It wakes up only while there is something to hand on, so an idle child sleeps.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._dirty = threading.Event()

    def touch(self) -> None:
        """Say that something was counted."""
        if self._pid != os.getpid():
            # What a fork copied, threads and locks included, is the parent's.
            self._pid = os.getpid()
            self._dirty = threading.Event()
            threading.Thread(
                target=self._run, args=(self._pid, self._dirty), name="redrive-counters", daemon=True
            ).start()
        if not self._dirty.is_set():
            self._dirty.set()

    def _run(self, pid: int, dirty: threading.Event) -> None:
        pause = threading.Event()
        while self._pid == pid:
            dirty.wait()
            pause.wait(FLUSH_SECONDS)
            dirty.clear()
            flush()


def flush() -> None:
    """Hand on what was counted, through the spill; kept in memory if that fails. Never raises."""
    totals = runtime.counters.take()
    if totals and not runtime.recorder().count(totals):
        runtime.counters.put_back(totals)


flusher = Flusher()
