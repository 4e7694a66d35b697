"""What every server of the tests has in common: a process, a port, data that stays, and four verbs."""

import contextlib
import os
import random
import signal
import socket
import subprocess
from pathlib import Path
from typing import ClassVar

import psutil

from tests.waiting import wait_until

# Below the range from which Linux takes ports for outgoing connections (32768 and up): while a server is
# down, no client may be given its port, or meet itself on it.
_PORTS = range(15000, 32000)


class Unavailable(Exception):  # noqa: N818 - a statement about the machine, not an error of the test
    """This machine cannot run a server.

    Attributes:
        missing: what is not there ("RabbitMQ").
        remedy: what to type ("apt-get install rabbitmq-server").
    """

    def __init__(self, missing: str, remedy: str) -> None:
        super().__init__(f"{missing} not installed; type: {remedy}")
        self.missing = missing
        self.remedy = remedy


class Server:
    """One server on 127.0.0.1. Subclasses say what to run, with which user, and how it shows that it answers.

    Raises:
        Unavailable: on construction, when the program is not on this machine.
    """

    name: ClassVar[str]
    seconds_to_start: ClassVar[float] = 30
    seconds_to_stop: ClassVar[float] = 15
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.log_path = directory / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server takes requests now; must return within a second or two."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def working_directory(self) -> Path:
        return self.directory

    def user(self) -> int | None:
        """The uid to run as; None for the caller's own."""
        return None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def start(self) -> None:
        """Start, unless running, and return when it answers. Port and data are those of the last time."""
        if self.running:
            return
        user = self.user()
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.working_directory(),
                env=self.environment(),
                start_new_session=True,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
            )
        wait_until(
            self._answers_or_ended,
            self.seconds_to_start,
            lambda: f"{self.name} answers\n{self.log()[-3000:]}",
        )

    def _answers_or_ended(self) -> bool:
        if not self.running:
            raise RuntimeError(f"{self.name} ended while starting:\n{self.log()[-3000:]}")
        return self.answers()

    def stop(self) -> None:
        """Ask the server to end and wait for it; kill it if it does not."""
        if self._process is None or not self.running:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(self.seconds_to_stop)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL the server and its children, all at once, and wait until they are gone."""
        if self._process is None or not self.running:
            return
        root = psutil.Process(self._process.pid)
        family = [root, *root.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(10)
        wait_until(
            lambda: not any(map(_alive, family)), 10, f"the processes of {self.name} are gone", every=0.01
        )

    def kill_alone(self) -> None:
        """SIGKILL only the process itself, and leave its children to find out."""
        if self._process is not None and self.running:
            self._process.kill()
            self._process.wait(10)


def _alive(process: psutil.Process) -> bool:
    # A zombie holds no port, file or memory; how soon it is reaped is up to the machine's init.
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now."""
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port found in 200 tries")
