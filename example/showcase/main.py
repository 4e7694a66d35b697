"""The demo's beginning and end: what the environment asks for, one demo at a time, and a way out that always works."""

import fcntl
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from showcase.processes import CannotStartError, Processes
from showcase.stage import PROJECT, Stage
from showcase.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the environment asks for."""

    seconds: float | None
    """After how many seconds to end; None: with Ctrl-C."""
    port: int
    """First choice for the web server."""
    var: Path
    """Where data, logs and the lock are kept."""

    @classmethod
    def read(cls, env: Mapping[str, str]) -> "Wishes":
        """Raises `CannotStartError` for a value that is no number."""
        try:
            seconds = float(env["DEMO_SECONDS"]) if env.get("DEMO_SECONDS") else None
            var = Path(env.get("VAR_DIR") or PROJECT / "var").resolve()
            return cls(seconds, int(env.get("DEMO_PORT") or 8000), var)
        except ValueError as exc:
            raise CannotStartError(f"DEMO_SECONDS and DEMO_PORT have to be numbers: {exc}") from exc


def main() -> int:
    """Run the demo; returns the exit code."""
    terminal = Terminal()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    try:
        wishes = Wishes.read(os.environ)
        wishes.var.mkdir(parents=True, exist_ok=True)
        with (wishes.var / "demo.lock").open("a") as lock:
            _take(lock.fileno())
            processes = Processes(wishes.var / "log", lock.fileno())
            try:
                Stage(terminal, processes, wishes.var / "demo", wishes.port).run(wishes.seconds)
            finally:
                terminal.leave()
                processes.close()
    except CannotStartError as exc:
        terminal.print(f"\nThe demo cannot start: {exc}")
        return 1
    except (KeyboardInterrupt, SystemExit):
        terminal.print("\nEnded before it began; everything is stopped.")
        return 0
    return 0


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit


def _take(lock_fd: int, seconds: float = 20.0) -> None:
    """Lock out a second demo; the guard of one that was just killed is given time to finish."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise CannotStartError("another demo is running in this directory; end it first") from None
            time.sleep(0.2)
