"""What kind of process this is, who the worker is, and whether a process still runs."""

from __future__ import annotations

import os
import signal
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
        self.vouched = False
        """Whether this process has made sure that somebody vouches for its worker."""

    def become_worker(self, hostname: str, *, prefork: bool) -> None:
        """Note that this process is a worker's main process.

        The id tells two workers of the same name apart: one that was killed and the one started in its place.
        """
        self.role = Role.MAIN if prefork else Role.PLAIN
        self.hostname = hostname
        self.worker_id = f"{hostname}#{os.getpid()}-{_start_ticks(os.getpid())}"

    @property
    def child_id(self) -> str:
        """Which pool child this is; empty where tasks run in the worker's own process."""
        return f"{os.getpid()}-{_start_ticks(os.getpid())}" if self.role is Role.CHILD else ""

    def become_child(self) -> None:
        """Note that this process is a pool child."""
        self.role = Role.CHILD


def leave_signals_to_main_thread() -> None:
    """To be called first in a thread of ours.

    A signal goes to any thread that does not block it. A pool child that ends waits for one from its parent in its
    main thread; if ours took it, every recycled child would be replaced a second or more later.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def is_running(child_id: str) -> bool:
    """Whether the process of a :attr:`Process.child_id` still runs on this machine."""
    pid, _, ticks = child_id.partition("-")
    return pid.isdecimal() and _start_ticks(int(pid)) == ticks != "0"


def _start_ticks(pid: int) -> str:
    """When a process started, in clock ticks since boot, "0" if there is none; pids are reused, the pair is not."""
    try:
        with open(f"/proc/{pid}/stat") as handle:
            return handle.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


process = Process()
