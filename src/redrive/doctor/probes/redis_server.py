"""A Redis or Valkey server, over a client that is connected already or made here."""

from __future__ import annotations

import time
from typing import Any

from kombu.utils.url import maybe_sanitize_url

from redrive.doctor.facts import RedisServer
from redrive.doctor.probes.bounded import WAIT_SECONDS
from redrive.stores.redis import RedisConnection


def store_facts(url: str) -> RedisServer:
    """The server behind ``REDRIVE["REDIS_URL"]``. Raises StoreUnavailable."""
    connection = RedisConnection(url, timeout_seconds=WAIT_SECONDS)
    where = str(maybe_sanitize_url(url))
    return connection.call(lambda client: server_facts(client, where))


def server_facts(client: Any, where: str) -> RedisServer:
    """What a server says about itself. Raises what the client raises."""
    info = client.info()
    before = time.time()
    clock_seconds, microseconds = client.time()
    after = time.time()
    return RedisServer(
        where=where,
        version=f"Valkey {info['valkey_version']}"
        if "valkey_version" in info
        else f"Redis {info.get('redis_version', '')}",
        is_replica=info.get("role") == "slave",
        maxmemory=int(info.get("maxmemory", 0)),
        maxmemory_policy=str(info.get("maxmemory_policy", "noeviction")),
        persists=_persists(client, info),
        clock_ahead=clock_seconds + microseconds / 1e6 - (before + after) / 2,
    )


def _persists(client: Any, info: dict[str, Any]) -> bool | None:
    """Whether anything is written to disk; None where CONFIG is forbidden, as with most hosted servers."""
    import redis

    if info.get("aof_enabled"):
        return True
    try:
        return any(value not in (b"", "") for value in client.config_get("save").values())
    except redis.ResponseError:
        return None
