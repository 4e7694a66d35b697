"""Valkey, through redis-py; states a server is rarely in are told by a socket that speaks its protocol."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.servers import Unavailable, ValkeyServer
from tests.servers.process import free_port
from tests.taxonomy.drivers.driven import Driven, check

DATABASE = "TRANSIENT_DATABASE"


class Says(socketserver.ThreadingTCPServer):
    """Answers every command with one line, but the introduction of a client with OK."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, line: str) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while (head := self.rfile.readline()).startswith(b"*"):
                    words = [self.rfile.readline() for _ in range(2 * int(head[1:]))]
                    answer = "+OK" if words[1].startswith(b"CLIENT") else line
                    self.wfile.write(f"{answer}\r\n".encode())

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


def told(line: str) -> Any:
    """The failure of SET on a server that answers ``line`` to everything but the greeting."""

    def provoke(_: ValkeyServer) -> None:
        with Says(line) as server:
            client = redis.Redis(port=server.port, protocol=2, **NO_RETRY)
            try:
                client.set("a", 1)
            finally:
                client.close()
                server.shutdown()

    return provoke


NO_RETRY: dict[str, Any] = {"retry": None, "socket_timeout": 2}


def client_of(server: ValkeyServer, **options: Any) -> redis.Redis:
    return redis.Redis.from_url(server.url, **{**NO_RETRY, **options})


def command(
    *words: Any, before: tuple[tuple[Any, ...], ...] = (), after: tuple[tuple[Any, ...], ...] = ()
) -> Any:
    """Run ``words`` between other commands, on a client of its own."""

    def provoke(server: ValkeyServer) -> None:
        with client_of(server) as boss, client_of(server) as client:
            for words_before in before:
                boss.execute_command(*words_before)
            try:
                client.execute_command(*words)
            finally:
                for words_after in after:
                    boss.execute_command(*words_after)

    return provoke


def slow(server: ValkeyServer) -> None:
    with client_of(server, socket_timeout=0.05) as client:
        client.blpop(["never"], timeout=5)


def no_right(server: ValkeyServer) -> None:
    with client_of(server) as boss:
        boss.execute_command("ACL", "SETUSER", "guest", "on", ">known", "~*", "-@all", "+ping")
    with client_of(server, username="guest", password="known") as client:
        client.set("a", 1)


def wrong_password(server: ValkeyServer) -> None:
    with client_of(server, username="guest", password="guessed") as client:
        client.set("a", 1)


def no_password(server: ValkeyServer) -> None:
    with client_of(server) as boss:
        boss.config_set("requirepass", "known")
        try:
            with client_of(server) as client:
                client.set("a", 1)
        finally:
            boss.config_set("requirepass", "")


def killed_session(server: ValkeyServer) -> None:
    with client_of(server, single_connection_client=True) as client, client_of(server) as boss:
        boss.execute_command("CLIENT", "KILL", "ID", client.client_id())
        client.execute_command("GET", "a")


def no_such_database(server: ValkeyServer) -> None:
    with redis.Redis(port=server.port, db=99, **NO_RETRY) as client:
        client.get("a")


CASES = (
    Driven(
        "memory is full",
        "SYSTEM_OUT_OF_MEMORY",
        True,
        command(
            *("SET", "a", "x"),
            before=(("CONFIG", "SET", "maxmemory", "1"),),
            after=(("CONFIG", "SET", "maxmemory", "0"),),
        ),
    ),
    Driven(
        "read-only replica",
        f"{DATABASE},CONFIG_INVALID_SETTING",
        True,
        command(
            *("SET", "a", "x"),
            before=(("REPLICAOF", "127.0.0.1", "1"),),
            after=(("REPLICAOF", "NO", "ONE"),),
        ),
    ),
    Driven(
        "primary is away",
        DATABASE,
        True,
        command(
            *("GET", "a"),
            before=(("CONFIG", "SET", "replica-serve-stale-data", "no"), ("REPLICAOF", "127.0.0.1", "1")),
            after=(("REPLICAOF", "NO", "ONE"), ("CONFIG", "SET", "replica-serve-stale-data", "yes")),
        ),
    ),
    Driven(
        "not enough replicas",
        DATABASE,
        True,
        command(
            *("SET", "a", "x"),
            before=(("CONFIG", "SET", "min-replicas-to-write", "1"),),
            after=(("CONFIG", "SET", "min-replicas-to-write", "0"),),
        ),
    ),
    Driven("loading", DATABASE, True, told("-LOADING Valkey is loading the dataset in memory")),
    Driven("cluster is down", DATABASE, True, told("-CLUSTERDOWN The cluster is down")),
    Driven(
        "a script blocks it",
        DATABASE,
        True,
        told("-BUSY Valkey is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."),
    ),
    Driven(
        "cannot persist",
        "SYSTEM_DISK_FULL,TRANSIENT_DATABASE",
        False,
        told(
            "-MISCONF Valkey is configured to save RDB snapshots, but it's currently unable to persist to disk."
            " Commands that may modify the data set are disabled, because this instance is configured to report errors"
            " during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option)."
        ),
    ),
    Driven("too many clients", DATABASE, True, told("-ERR max number of clients reached")),
    Driven("slow", DATABASE, True, slow),
    Driven(
        "refused",
        f"{DATABASE},TRANSIENT_NETWORK",
        True,
        lambda _: redis.Redis(port=free_port(), **NO_RETRY).get("a"),
    ),
    Driven("session killed", f"{DATABASE},TRANSIENT_NETWORK", True, killed_session),
    Driven("no right", "PERMANENT_PERMISSION,CONFIG_INVALID_SETTING", False, no_right),
    Driven("wrong password", "CONFIG_INVALID_SETTING,PERMANENT_PERMISSION", False, wrong_password),
    Driven("no password", "CONFIG_MISSING_SETTING,CONFIG_INVALID_SETTING", False, no_password),
    Driven(
        "wrong kind of value", "PERMANENT_LOGIC", False, command("LPUSH", "s", 1, before=(("SET", "s", "x"),))
    ),
    Driven(
        "not a number",
        "PERMANENT_LOGIC,PERMANENT_VALIDATION",
        False,
        command("INCR", "s", before=(("SET", "s", "x"),)),
    ),
    Driven("unknown command", "PERMANENT_LOGIC,CONFIG_INVALID_SETTING", False, command("NOSUCHCOMMAND")),
    Driven(
        "a value it cannot send",
        "PERMANENT_LOGIC,PERMANENT_VALIDATION",
        False,
        command("SET", "a", {"not": "text"}),
    ),
    Driven(
        "database number out of range",
        "CONFIG_INVALID_SETTING,PERMANENT_LOGIC",
        False,
        no_such_database,
    ),
    Driven(
        "an address without scheme",
        "CONFIG_INVALID_SETTING",
        False,
        lambda _: redis.Redis.from_url("localhost:6379/0"),
    ),
)


@pytest.fixture(scope="module")
def server(server_directory: Path) -> Iterator[ValkeyServer]:
    """One of our own: its settings are turned."""
    try:
        server = ValkeyServer(server_directory / "valkey-drivers", append_only=False)
    except Unavailable as missing:
        pytest.skip(f"missing here: {missing}")
    server.start()
    yield server
    server.kill()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_valkey_failure_is_understood(case: Driven, server: ValkeyServer) -> None:
    server.empty()
    check(case, server)
