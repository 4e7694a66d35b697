"""What kind of process this is, and who the worker is."""

from __future__ import annotations

import os
from enum import StrEnum


class Role(StrEnum):
    """Who runs tasks here, and what we may do."""

    PLAIN = "plain"
    """No prefork pool: web process, command, or a worker with a threads, solo or gevent pool."""
    MAIN = "main"
    """Main process of a prefork worker: one event loop. It only appends to the spill."""
    CHILD = "child"
    """Pool child of a prefork worker."""


class Process:
    """Facts about this process that its children inherit."""

    def __init__(self) -> None:
        self.role = Role.PLAIN
        self.hostname = ""
        self.worker_id = ""

    def become_worker(self, hostname: str, *, prefork: bool) -> None:
        """Note that this process is a worker's main process.

        The id tells two workers of the same name apart: one that was killed and the one started in its place.
        """
        self.role = Role.MAIN if prefork else Role.PLAIN
        self.hostname = hostname
        self.worker_id = f"{hostname}#{os.getpid()}-{_start_ticks()}"

    def become_child(self) -> None:
        """Note that this process is a pool child."""
        self.role = Role.CHILD


def _start_ticks() -> str:
    """When this process started, in clock ticks since boot; pids are reused, the pair is not."""
    try:
        with open("/proc/self/stat") as handle:
            return handle.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


process = Process()
