"""Starts the demo's processes, each with a log of its own, and starts them again when they die."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from showcase import guard

RANK_FRONT, RANK_WORKER, RANK_SERVICE, RANK_DATABASE, RANK_BROKER = range(5)
MAX_RESTARTS = 5
LOG_TAIL_LINES = 15
User = tuple[int, int]
"""Numbers of the user and the group that a process runs as."""


class CannotStartError(Exception):
    """A part of the demo could not be started; the message says which one, why, and what to do."""


@dataclass(kw_only=True)
class Child:
    """One process: how it was started, where its output goes, how it wants to be stopped."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    rank: int
    stop_signal: int
    grace: float
    user: User | None
    process: "subprocess.Popen[bytes]" = field(init=False)
    restarts: int = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def last_lines(self, count: int = LOG_TAIL_LINES) -> str:
        """The end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()[-count:]
        return "\n".join(f"    | {line}" for line in lines) or "    | (nothing was logged)"


class Processes:
    """Everything the demo runs, under a guard that ends it all when this object is closed or this process dies.

    Args:
        log_dir: gets `<name>.log` for each process.
        lock_fd: a locked file that the guard keeps locked until all is gone.
    """

    def __init__(self, log_dir: Path, lock_fd: int) -> None:
        log_dir.mkdir(parents=True, exist_ok=True)
        self._log_dir = log_dir
        self._mark = uuid.uuid4().hex
        self._children: list[Child] = []
        # Without the mark in its own environment, or it would be swept up with the others.
        self._guard = subprocess.Popen(
            # -P: the directory of the script must not hide modules of the standard library
            [sys.executable, "-P", guard.__file__, self._mark],
            stdin=subprocess.PIPE,
            pass_fds=(lock_fd,),
            start_new_session=True,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything and return when it is gone; an impatient Ctrl-C does not cut that short."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        assert self._guard.stdin is not None
        with suppress(BrokenPipeError):
            self._guard.stdin.close()
        while self._guard.poll() is None:
            for child in self._children:
                child.process.poll()  # takes the zombie away, or the guard would wait for it
            time.sleep(guard.TICK_SECONDS)
        if self._guard.returncode:  # somebody killed the guard: do the worst of its work here
            for child in reversed(self._children):
                guard.send(child.pid, signal.SIGKILL, whole_group=True)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        rank: int,
        stop_signal: int = signal.SIGTERM,
        grace: float = 5.0,
        user: User | None = None,
    ) -> Child:
        """Start one process in a session of its own, so that Ctrl-C reaches only the demo."""
        child = Child(
            name=name,
            command=command,
            env={**env, guard.MARK: self._mark},
            cwd=cwd,
            log=self._log_dir / f"{name}.log",
            rank=rank,
            stop_signal=stop_signal,
            grace=grace,
            user=user,
        )
        child.log.write_bytes(b"")
        self._spawn(child)
        self._children.append(child)
        return child

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        user: User | None = None,
    ) -> str:
        """Run one command to its end and return what it wrote.

        Raises:
            CannotStartError: when it fails.
        """
        done = subprocess.run(
            command,
            env={**env, guard.MARK: self._mark},
            cwd=cwd,
            **_identity(user),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        (self._log_dir / f"{name}.log").write_text(done.stdout)
        if done.returncode:
            tail = "\n".join(f"    | {line}" for line in done.stdout.splitlines()[-LOG_TAIL_LINES:])
            raise CannotStartError(f"{name} failed with exit code {done.returncode}; its last lines:\n{tail}")
        return done.stdout

    def wait_until(self, child: Child, is_ready: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait for a process to be of use.

        Raises:
            CannotStartError: when it dies, or is not ready in time; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not child.is_alive():
                raise CannotStartError(
                    f"{child.name} ended with exit code {child.process.returncode}; last lines of {child.log}:\n"
                    f"{child.last_lines()}"
                )
            if time.monotonic() > deadline:
                raise CannotStartError(
                    f"{child.name} was not ready after {seconds:.0f} s; last lines of {child.log}:\n"
                    f"{child.last_lines()}"
                )
            time.sleep(guard.TICK_SECONDS)

    def revive(self) -> list[str]:
        """Start again what has died since the last call; returns one sentence for each."""
        said = []
        for child in self._children:
            if child.is_alive() or child.restarts > MAX_RESTARTS:
                continue
            child.restarts += 1
            said.append(
                f"{child.name} ended with exit code {child.process.returncode}; last lines of {child.log}:\n"
                f"{child.last_lines(5)}"
            )
            if child.restarts <= MAX_RESTARTS:
                self._spawn(child)
                said.append(f"{child.name} was started again")
            else:
                said.append(f"{child.name} is not started again after {MAX_RESTARTS} times")
        return said

    def remove_at_end(self, directory: Path) -> None:
        """Have the guard remove a directory when everything has ended."""
        self._tell({"remove": str(directory)})

    def _spawn(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = subprocess.Popen(
                child.command,
                env=child.env,
                cwd=child.cwd,
                **_identity(child.user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            created = psutil.Process(child.pid).create_time()
        except psutil.Error:
            return  # it has died already; whoever waits for it says so
        self._tell(
            {
                "pid": child.pid,
                "created": created,
                "rank": child.rank,
                "signal": int(child.stop_signal),
                "grace": child.grace,
            }
        )

    def _tell(self, word: Mapping[str, object]) -> None:
        assert self._guard.stdin is not None
        with suppress(BrokenPipeError):  # `close` notices that the guard is gone
            self._guard.stdin.write(json.dumps(word) + "\n")
            self._guard.stdin.flush()


def environment(**values: str) -> dict[str, str]:
    """This process's environment with `values` on top and Python's output unbuffered, so that logs are complete."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **values}


def _identity(user: User | None) -> dict[str, Any]:
    """Arguments of `Popen` that give up this process's own rights, all of them, for those of `user`."""
    return {"user": user[0], "group": user[1], "extra_groups": ()} if user else {}
