"""What a Redis or Valkey server says about itself."""

from __future__ import annotations

import redis

from redrive.doctor.probes.redis_server import store_facts
from tests.servers import ValkeyServer


def test_redis_server_says_what_it_would_lose(valkey: ValkeyServer) -> None:
    client = redis.Redis.from_url(valkey.url)
    kept = {
        name: client.config_get(name)[name] or ""
        for name in ("maxmemory", "maxmemory-policy", "appendonly", "save")
    }
    before = store_facts(valkey.url)
    try:
        client.config_set("maxmemory", 64 << 20)
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        client.config_set("save", "")
        spoilt = store_facts(valkey.url)
    finally:
        for name, value in kept.items():
            client.config_set(name, value)
        client.close()

    assert (before.maxmemory_policy, before.persists, before.is_replica) == ("noeviction", True, False)
    assert before.version.startswith("Valkey 9")
    assert abs(before.clock_ahead) < 1
    assert (spoilt.maxmemory, spoilt.maxmemory_policy, spoilt.persists) == (64 << 20, "allkeys-lru", False)


def test_replica_is_known_as_one(valkey: ValkeyServer) -> None:
    client = redis.Redis.from_url(valkey.url)
    client.replicaof("127.0.0.1", "1")
    try:
        facts = store_facts(valkey.url)
    finally:
        client.replicaof("NO", "ONE")
        client.close()

    assert facts.is_replica


def test_forbidden_config_is_not_known_and_not_guessed(valkey: ValkeyServer) -> None:
    admin = redis.Redis.from_url(valkey.url)
    kept = admin.config_get("appendonly")["appendonly"] or ""
    admin.acl_setuser(
        "clerk", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-config"]
    )
    try:
        admin.config_set("appendonly", "no")
        facts = store_facts(valkey.url.replace("//", "//clerk:x@"))
    finally:
        admin.config_set("appendonly", kept)
        admin.acl_deluser("clerk")
        admin.close()

    assert facts.persists is None
    assert "x@" not in facts.where
