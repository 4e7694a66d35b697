"""Plays the kernel's out-of-memory killer for one worker, which needs no rights and no container."""

import os
import signal
import threading
from collections.abc import Callable

import psutil

LOOK_EVERY_SECONDS = 0.05


class MemoryGuard(threading.Thread):
    """Kills (signal 9) each child of a process that holds more memory than allowed; the parent is left alone.

    Args:
        parent_pid: asked on every look, as the worker may have been started again.
        limit_bytes: resident memory that one child may hold; can be raised while this runs.
    """

    def __init__(self, parent_pid: Callable[[], int], limit_bytes: int) -> None:
        super().__init__(name="memory-guard", daemon=True)
        self.limit_bytes = limit_bytes
        self.kills = 0
        self._parent_pid = parent_pid
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_SECONDS):
            try:
                self._look()
            except psutil.Error:
                continue  # a process ended between two looks

    def stop(self) -> None:
        self._stopped.set()

    def _look(self) -> None:
        for child in psutil.Process(self._parent_pid()).children():
            if child.memory_info().rss > self.limit_bytes:
                os.kill(child.pid, signal.SIGKILL)
                self.kills += 1
