"""Leases in Redis or Valkey: read, decide in Python, write only if nobody else wrote meanwhile."""

import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from redrive.leases import Change, Lease, StoreUnavailable
from redrive.stores.redis.connection import RedisConnection

T = TypeVar("T")

KEPT_WITHOUT_END: Final = timedelta(days=30)
"""How long a document without ``expires_at`` is kept after its last change: no key of ours lives for ever."""

MAX_TRIES: Final = 50
"""Conflicts in a row before a change is given up; with the pauses below about a second."""

# One script for reading, because the value and the server's time must belong together.
_READ: Final = """
local time = redis.call('TIME')
return {redis.call('GET', KEYS[1]), time[1], time[2]}
"""

# Sets KEYS[1] to ARGV[2] for ARGV[3] ms, or deletes it if ARGV[2] is empty; only while it still holds
# ARGV[1].
_WRITE: Final = """
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
"""

_DIGESTS: Final = {script: hashlib.sha1(script.encode()).hexdigest() for script in (_READ, _WRITE)}  # noqa: S324  # Redis names scripts so

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GLOB: Final = re.compile(r"([*?\[\]\\^-])")


class RedisLeaseStore:
    """A `redrive.leases.LeaseStore` in Redis or Valkey.

    A change takes two round trips, an unchanged document one. Key: ``redrive:<namespace>:{<kind>:<key>}``.
    `all` walks the whole database with SCAN: for pages, not for every task.

    Args:
        connection: where; a url is turned into one.
        namespace: keeps projects that share a server apart.
        sleep: pauses between tries after a conflict.
    """

    def __init__(
        self,
        connection: RedisConnection | str,
        *,
        namespace: str = "default",
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = RedisConnection(connection) if isinstance(connection, str) else connection
        self._prefix = f"redrive:{namespace}:"
        self._sleep = sleep

    def transact(self, kind: str, key: str, change: Change[T]) -> T:
        """Apply ``change`` atomically by comparing and setting; see `LeaseStore.transact`."""
        name = self._name(kind, key)
        for attempt in range(MAX_TRIES):
            raw, now = self._connection.call(lambda client: _read(client, name))
            stored = _decode(kind, key, raw)
            changed, answer = change(stored, now)
            if changed == stored and (changed is not None or raw == b""):
                return answer
            value, milliseconds = _encode(changed, now)
            if self._connection.call(lambda client: _write(client, name, raw, value, milliseconds)):  # noqa: B023
                return answer
            # Full jitter up to 20 ms: those who collided must not collide again.
            self._sleep(random.uniform(0, min(0.02, 0.001 * 2**attempt)))  # noqa: S311  # spread, not secrets
        raise StoreUnavailable(f"Redis: {name} was changed by others {MAX_TRIES} times in a row.")

    def get(self, kind: str, key: str) -> Lease | None:
        """Return one document, or None."""
        return _decode(
            kind, key, self._connection.call(lambda client: client.get(self._name(kind, key))) or b""
        )

    def all(self, kind: str) -> Sequence[Lease]:
        """Return every document of a kind, sorted by key."""
        prefix = self._prefix + "{" + kind + ":"
        pattern = _GLOB.sub(r"\\\1", prefix) + "*}"

        def collect(client: Any) -> dict[str, bytes]:
            names = list(client.scan_iter(match=pattern, count=1000))
            return {name.decode()[len(prefix) : -1]: client.get(name) or b"" for name in names}

        found = self._connection.call(collect)
        leases = (_decode(kind, key, found[key]) for key in sorted(found))
        return [lease for lease in leases if lease is not None]

    def _name(self, kind: str, key: str) -> str:
        return f"{self._prefix}{{{kind}:{key}}}"


def _read(client: Any, name: str) -> tuple[bytes, datetime]:
    raw, seconds, microseconds = _run(client, _READ, name)
    return raw or b"", _EPOCH + timedelta(seconds=int(seconds), microseconds=int(microseconds))


def _write(client: Any, name: str, expected: bytes, value: bytes, milliseconds: int) -> bool:
    return bool(_run(client, _WRITE, name, expected, value, milliseconds))


def _run(client: Any, script: str, name: str, *arguments: bytes | int) -> Any:
    """Run a script by its digest, and send it whole only to a server that lacks it."""
    from redis.exceptions import NoScriptError

    try:
        return client.evalsha(_DIGESTS[script], 1, name, *arguments)
    except NoScriptError:
        return client.eval(script, 1, name, *arguments)


def _encode(lease: Lease | None, now: datetime) -> tuple[bytes, int]:
    if lease is None:
        return b"", 0
    document = {
        "owner": lease.owner,
        "fence": lease.fence,
        "state": lease.state,
        "expires_at": lease.expires_at.isoformat() if lease.expires_at is not None else None,
        "data": dict(lease.data),
    }
    left = lease.expires_at - now if lease.expires_at is not None else KEPT_WITHOUT_END
    return json.dumps(document, separators=(",", ":")).encode(), max(1, -(-left // timedelta(milliseconds=1)))


def _decode(kind: str, key: str, raw: bytes) -> Lease | None:
    """Return the lease; None for an absent document and for one that is not ours, which then gets
    replaced."""
    if not raw:
        return None
    try:
        document = json.loads(raw)
        expires_at = document["expires_at"]
        return Lease(
            kind=kind,
            key=key,
            owner=document["owner"],
            fence=document["fence"],
            state=document["state"],
            expires_at=datetime.fromisoformat(expires_at) if expires_at is not None else None,
            data=document["data"],
        )
    except (ValueError, KeyError, TypeError):
        return None
