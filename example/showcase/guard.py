"""Ends everything the demo started, however the demo itself ended.

Run as a process of its own, with a pipe from the demo as standard input. The demo writes one JSON object per line:
`{"pid", "created", "rank", "signal", "grace"}` for a process, `{"remove": path}` for a directory. When the pipe closes,
because the demo closed it or because it died (`kill -9` included), the guard ends the processes, lowest rank first,
and then whatever else carries the demo's mark in its environment: children of children that lost their parents.
"""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby

import psutil

MARK = "REDRIVE_DEMO_MARK"
TICK_SECONDS = 0.05


@dataclass(frozen=True, slots=True, order=True)
class Charge:
    """A process to end: `rank` says when, `signal` how, `grace` how many seconds it has before SIGKILL."""

    rank: int
    pid: int
    created: float
    signal: int
    grace: float

    def find(self) -> psutil.Process | None:
        """The process, or None when it is gone, or when its number has been given to another one since."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.created) < 1.0
            return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


def main(mark: str) -> None:
    """Read until the pipe closes, then end everything."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    charges: list[Charge] = []
    directories: list[str] = []
    for line in sys.stdin:
        word = json.loads(line)
        if "remove" in word:
            directories.append(word["remove"])
        else:
            charges.append(Charge(**word))
    for _rank, group in groupby(sorted(charges), key=lambda charge: charge.rank):
        end(list(group))
    sweep(mark)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


def end(charges: list[Charge]) -> None:
    """Ask every one of them to stop, wait, and kill the process groups of those that did not."""
    for charge in charges:
        if charge.find() is not None:
            send(charge.pid, charge.signal)
    deadline = time.monotonic() + max(charge.grace for charge in charges)
    while any(charge.find() for charge in charges) and time.monotonic() < deadline:
        time.sleep(TICK_SECONDS)
    for charge in charges:
        if charge.find() is not None:
            send(charge.pid, signal.SIGKILL, whole_group=True)


def sweep(mark: str) -> None:
    """Kill what is left of this demo, until nothing is."""
    deadline = time.monotonic() + 5
    while (left := list(marked(mark))) and time.monotonic() < deadline:
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(TICK_SECONDS)


def marked(mark: str) -> Iterable[int]:
    """Numbers of the living processes, other than this one, that have the demo's mark in their environment."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                yield process.pid
        except psutil.Error:
            continue


def send(pid: int, number: int, whole_group: bool = False) -> None:
    """Signal a process, or its group; a process that has gone meanwhile is no error."""
    with suppress(OSError):
        (os.killpg if whole_group else os.kill)(pid, number)


if __name__ == "__main__":
    main(sys.argv[1])
