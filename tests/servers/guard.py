"""Nothing that a test session started outlives it, even when pytest itself is killed with SIGKILL.

Every process started during the session inherits a mark in its environment, and so do the processes that
those start (prefork children, a keeper, Erlang's port mapper). The guard is a process of its own that waits
on a pipe held only by pytest: when the pipe closes, for whatever reason, it kills what bears the mark and
removes the session's directory.

The mark is found rather than pids registered, because a pid registered after the start leaves a moment in
which the process is unknown, and because a daemon that forked twice has no parent to find it by.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import psutil

MARK = "REDRIVE_TEST_SESSION"
_SECONDS_TO_END_EVERYTHING = 10.0


class Guard:
    """The session's mark, its directory and the process that cleans up after it.

    `directory` is the only place where servers keep data. Others may pass through it but not list it, because
    PostgreSQL refuses to run as root and its data then belongs to another user.
    """

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self.directory = Path(tempfile.mkdtemp(prefix="redrive-tests-"))
        self.directory.chmod(0o711)
        read_end, self._write_end = os.pipe()
        environment = {name: value for name, value in os.environ.items() if name != MARK}
        self._process = subprocess.Popen(
            [sys.executable, __file__, self.mark, str(self.directory)],
            stdin=read_end,
            env=environment,
            # Ctrl-C goes to the foreground group; the guard has to see the pipe close instead.
            start_new_session=True,
        )
        os.close(read_end)
        os.register_at_fork(after_in_child=self._forget_pipe)
        os.environ[MARK] = self.mark

    def _forget_pipe(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._write_end)

    def running(self) -> list[str]:
        """Describe what the session started and is still there: "pid command", one per process."""
        found = []
        for process in marked_processes(self.mark):
            with contextlib.suppress(psutil.Error):
                found.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
        return found

    def close(self) -> None:
        """End everything that is left and wait until it is gone."""
        os.environ.pop(MARK, None)
        self._forget_pipe()
        self._process.wait(timeout=_SECONDS_TO_END_EVERYTHING + 5)


def marked_processes(mark: str) -> list[psutil.Process]:
    """Every live process whose environment carries `mark`, except the caller."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if (
                process.pid != os.getpid()
                and process.status() != psutil.STATUS_ZOMBIE
                and process.environ().get(MARK) == mark
            ):
                found.append(process)
    return found


def end_marked(mark: str) -> None:
    """SIGKILL until nothing bears `mark`: a parent that was about to fork can add one between two looks."""
    deadline = time.monotonic() + _SECONDS_TO_END_EVERYTHING
    while (found := marked_processes(mark)) and time.monotonic() < deadline:
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=0.2)


def main() -> None:
    mark, directory = sys.argv[1:]
    sys.stdin.buffer.read()
    end_marked(mark)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
