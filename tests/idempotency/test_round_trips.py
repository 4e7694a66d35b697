"""A task's claim and its completion are one round trip each, seen on the wire."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import override_settings

from redrive.idempotency import Claimed, Claims, Completed
from redrive.leases import LeaseStore
from redrive.stores.redis import RedisConnection, RedisLeaseStore
from redrive.stores.sql.connection import Database
from redrive.stores.sql.leases import SqlLeaseStore
from tests.servers import ValkeyServer

MINUTE = timedelta(seconds=60)


class Wire:
    """Passes bytes on between a client and a server, and counts how often the client speaks after the server."""

    def __init__(self, host: str, port: int) -> None:
        self.round_trips = 0
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()
        except OSError:
            return

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            server_spoke = True
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    if ready is client:
                        self.round_trips += server_spoke
                        server.sendall(data)
                    else:
                        client.sendall(data)
                    server_spoke = ready is server

    def close(self) -> None:
        self._listener.close()


@contextmanager
def wire_to(url: str) -> Iterator[Wire]:
    parts = urlsplit(url)
    wire = Wire(parts.hostname or "127.0.0.1", parts.port or 0)
    yield wire
    wire.close()


def round_trips_of_a_task(store: LeaseStore, wire: Wire, key: str) -> tuple[int, int]:
    claims = Claims(store)
    before = wire.round_trips
    claimed = claims.claim(key, task_id=key, token=f"run of {key}", ttl=MINUTE)
    assert isinstance(claimed, Claimed)
    between = wire.round_trips
    assert claims.complete(claimed, result={"paid": 1}, ttl=MINUTE) == Completed(kept=True)
    return between - before, wire.round_trips - between


def test_two_round_trips_on_valkey(valkey: ValkeyServer) -> None:
    with wire_to(valkey.url) as wire:
        store = RedisLeaseStore(RedisConnection(f"redis://127.0.0.1:{wire.port}/0", timeout_seconds=10))
        round_trips_of_a_task(store, wire, "connects and loads its scripts")

        assert round_trips_of_a_task(store, wire, "measured") == (1, 1)


def test_two_round_trips_on_postgresql(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, as_in_production: None, django_db_blocker: Any
) -> None:
    from django.db import connections

    from tests.project.databases import from_url

    with (
        wire_to(postgres_url) as wire,
        django_db_blocker.unblock(),
        override_settings(REDRIVE={"DATABASE": "wired"}),
    ):
        entry = {**from_url(postgres_url), "HOST": "127.0.0.1", "PORT": str(wire.port)}
        entry["OPTIONS"] = {"sslmode": "disable", "gssencmode": "disable"}
        known = connections.configure_settings({"default": connections.settings["default"], "wired": entry})
        monkeypatch.setitem(connections.settings, "wired", known["wired"])
        database = Database("wired")
        store = SqlLeaseStore(database)
        round_trips_of_a_task(store, wire, "connects")

        assert round_trips_of_a_task(store, wire, "measured") == (1, 1)
        database.close()
        connections["wired"].close()
        del connections["wired"]
