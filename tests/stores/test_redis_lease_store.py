"""The Redis store passes the contract against a real server, and is quick to give up on one that is gone."""

import functools
import os
import socket
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import redis

from redrive.leases import Acquired, Lease, Leases, LeaseStore, StoreUnavailable
from redrive.stores.redis import RedisConnection, RedisLeaseStore
from redrive.testing import FakeClock, LeaseStoreContract
from tests.servers import ValkeyServer

MINUTE = timedelta(minutes=1)


def open_store(url: str, namespace: str) -> RedisLeaseStore:
    return RedisLeaseStore(RedisConnection(url, timeout_seconds=5), namespace=namespace)


class TestRedisLeaseStore(LeaseStoreContract):
    @pytest.fixture(autouse=True)
    def _server(self, valkey: ValkeyServer) -> None:
        self.url = valkey.url

    def make_store(self) -> LeaseStore:
        self.namespace = uuid.uuid4().hex
        return open_store(self.url, self.namespace)

    def store_factory(self) -> Callable[[], LeaseStore]:
        return functools.partial(open_store, self.url, self.namespace)


def test_every_key_has_an_end(valkey: ValkeyServer) -> None:
    store = RedisLeaseStore(valkey.url, namespace="shop")
    client = redis.Redis.from_url(valkey.url)

    Leases(store).acquire("duty", "a", owner="me", ttl=MINUTE)
    store.transact("duty", "b", lambda _lease, _now: (Lease(kind="duty", key="b"), None))

    assert sorted(client.keys()) == [b"redrive:shop:{duty:a}", b"redrive:shop:{duty:b}"]
    assert 59_000 < client.pttl("redrive:shop:{duty:a}") <= 60_000
    assert 29 * 86_400 < client.ttl("redrive:shop:{duty:b}") <= 30 * 86_400


def test_namespaces_are_kept_apart(valkey: ValkeyServer) -> None:
    shop, bank = (RedisLeaseStore(valkey.url, namespace=name) for name in ("shop", "bank"))

    Leases(shop).acquire("duty", "a", owner="me", ttl=MINUTE)

    assert bank.get("duty", "a") is None
    assert list(bank.all("duty")) == []


def test_a_document_that_is_not_ours_is_replaced(valkey: ValkeyServer) -> None:
    store = RedisLeaseStore(valkey.url, namespace="shop")
    redis.Redis.from_url(valkey.url).set("redrive:shop:{duty:a}", b"\xff not json")

    assert store.get("duty", "a") is None
    assert isinstance(Leases(store).acquire("duty", "a", owner="me", ttl=MINUTE), Acquired)
    assert store.get("duty", "a") is not None


def test_a_server_that_lost_its_scripts_gets_them_again(valkey: ValkeyServer) -> None:
    store = RedisLeaseStore(valkey.url, namespace="shop")
    Leases(store).acquire("duty", "a", owner="me", ttl=MINUTE)

    redis.Redis.from_url(valkey.url).script_flush()

    assert isinstance(Leases(store).acquire("duty", "b", owner="me", ttl=MINUTE), Acquired)


def test_an_unchanged_document_is_not_written(valkey: ValkeyServer) -> None:
    store = RedisLeaseStore(valkey.url, namespace="shop")
    Leases(store).acquire("duty", "a", owner="me", ttl=MINUTE)
    client = redis.Redis.from_url(valkey.url)
    client.config_resetstat()

    store.transact("duty", "a", lambda lease, _now: (lease, None))
    store.transact("duty", "absent", lambda lease, _now: (lease, None))

    assert client.info("commandstats").get("cmdstat_set") is None
    assert client.info("commandstats").get("cmdstat_del") is None


def test_a_change_that_always_loses_is_given_up(valkey: ValkeyServer) -> None:
    pauses: list[float] = []
    store = RedisLeaseStore(valkey.url, namespace="shop", sleep=pauses.append)
    other = RedisLeaseStore(valkey.url, namespace="shop")

    def overtaken(_lease: Lease | None, _now: object) -> tuple[Lease, None]:
        fence = len(pauses)
        other.transact("duty", "a", lambda _stored, _n: (Lease(kind="duty", key="a", fence=fence), None))
        return Lease(kind="duty", key="a", owner="late", fence=-1), None

    with pytest.raises(StoreUnavailable, match="changed by others 50 times"):
        store.transact("duty", "a", overtaken)

    assert len(pauses) == 50
    assert max(pauses) <= 0.02


def test_a_forked_child_uses_a_connection_of_its_own(valkey: ValkeyServer) -> None:
    leases = Leases(RedisLeaseStore(valkey.url, namespace="shop"))
    leases.acquire("duty", "parent", owner="parent", ttl=MINUTE)

    pid = os.fork()
    if pid == 0:
        answers = [leases.acquire("duty", f"child-{n}", owner="child", ttl=MINUTE) for n in range(50)]
        os._exit(0 if all(isinstance(answer, Acquired) for answer in answers) else 1)
    answers = [leases.acquire("duty", f"parent-{n}", owner="parent", ttl=MINUTE) for n in range(50)]
    _, status = os.waitpid(pid, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert all(isinstance(answer, Acquired) for answer in answers)


def test_a_server_that_is_gone_costs_one_try_and_then_nothing_until_its_rest_is_over() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"
    clock = FakeClock()
    store = RedisLeaseStore(RedisConnection(url, clock=clock))

    with pytest.raises(StoreUnavailable, match=r"^Redis: ConnectionError"):
        store.get("duty", "a")
    for _ in range(1000):
        with pytest.raises(StoreUnavailable, match="was away a moment ago"):
            store.get("duty", "a")
    clock.advance(seconds=3)
    with pytest.raises(StoreUnavailable, match=r"^Redis: ConnectionError"):
        store.get("duty", "a")


def test_a_server_that_does_not_answer_costs_half_a_second() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(5)
        store = RedisLeaseStore(f"redis://127.0.0.1:{deaf.getsockname()[1]}/0")

        started = time.perf_counter()
        with pytest.raises(StoreUnavailable, match="Timeout"):
            store.get("duty", "a")

    assert time.perf_counter() - started > 0.4


def test_a_server_that_comes_back_is_used_again(valkey: ValkeyServer) -> None:
    clock = FakeClock()
    leases = Leases(RedisLeaseStore(RedisConnection(valkey.url, clock=clock), namespace="shop"))
    leases.acquire("duty", "a", owner="me", ttl=MINUTE)
    valkey.kill()
    with pytest.raises(StoreUnavailable):
        leases.acquire("duty", "b", owner="me", ttl=MINUTE)

    valkey.start()
    clock.advance(seconds=3)

    assert isinstance(leases.acquire("duty", "b", owner="me", ttl=MINUTE), Acquired)


def test_a_connection_needs_exactly_one_of_url_and_client() -> None:
    with pytest.raises(ValueError, match="a url or a client"):
        RedisConnection()
    with pytest.raises(ValueError, match="a url or a client"):
        RedisConnection("redis://localhost", client=redis.Redis())
