"""Leases in Redis or Valkey: read, decide in Python, write only if nobody else wrote meanwhile.

Who has guessed what is stored is through in one round trip: the script writes the outcome if the guess is right, with
the server's time in it, and returns what is stored if it is not.
"""

import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from redrive.leases import Change, Guess, Lease, Outline, StoreUnavailable, outline
from redrive.stores.redis.connection import RedisConnection

T = TypeVar("T")

KEPT_WITHOUT_END: Final = timedelta(days=30)
"""How long a document without ``expires_at`` is kept after its last change: no key of ours lives for ever."""

MAX_TRIES: Final = 50
"""Conflicts in a row before a change is given up; with the pauses below about a second."""

MOST_REMEMBERED: Final = 100
REMEMBERED: Final = "gate"
"""Documents of which kind are kept decoded, and how many: those that are asked for before every call."""

# One script for reading, because the value and the server's time must belong together. One text, seconds, microseconds
# and document with spaces between them: a client reads it in a third of the time of a list.
_READ: Final = """
local time = redis.call('TIME')
return time[1] .. ' ' .. time[2] .. ' ' .. (redis.call('GET', KEYS[1]) or '')
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

# Writes a document if KEYS[1] holds ARGV[1] ('': nothing) and that is live, which it is before ARGV[2] (microseconds).
# The new one ends ARGV[4] microseconds from now. Its fence is ARGV[5], or if that is empty the time in milliseconds and
# at least ARGV[6]; ARGV[3] is the rest of it.
_GUESS: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[1] or (ARGV[2] ~= '' and now >= tonumber(ARGV[2])) then
  return {0, current, time[1], time[2]}
end
local fence = ARGV[5]
if fence == '' then
  fence = string.format('%.0f', math.max(math.floor(now / 1000), tonumber(ARGV[6])))
end
local ends = string.format('%.0f', now + ARGV[4])
local document = '{"fence":' .. fence .. ',"expires_at":' .. ends .. ',' .. ARGV[3]
redis.call('SET', KEYS[1], document, 'PX', string.format('%.0f', math.ceil(ARGV[4] / 1000)))
return {1, '', time[1], time[2]}
"""

_DIGESTS: Final = {
    script: hashlib.sha1(script.encode()).hexdigest()  # noqa: S324  # Redis names scripts so
    for script in (_READ, _WRITE, _GUESS)
}

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_GLOB: Final = re.compile(r"([*?\[\]\\^-])")


class RedisLeaseStore:
    """A `redrive.leases.LeaseStore` in Redis or Valkey.

    A change takes two round trips; an unchanged document, or a change with a right guess, takes one. Key:
    ``redrive:<namespace>:{<kind>:<key>}``.
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
        self._read_before: dict[str, tuple[bytes, Lease | None]] = {}

    def transact(self, kind: str, key: str, change: Change[T], *, guess: Guess | None = None) -> T:
        """Apply ``change`` atomically by comparing and setting; see `LeaseStore.transact`."""
        name = self._name(kind, key)
        found: tuple[bytes, datetime] | None = None
        if guess is not None and (plan := outline(guess.lease, change)) is not None:
            right, raw, now = self._connection.call(
                lambda client: _try_guess(client, name, guess.lease, plan)
            )
            if right:
                return change(guess.lease, now)[1]
            found = raw, now
        for attempt in range(MAX_TRIES):
            raw, now = found or self._connection.call(lambda client: _read(client, name))
            found = None
            stored = self._decoded(kind, key, name, raw)
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

    def _decoded(self, kind: str, key: str, name: str, raw: bytes) -> Lease | None:
        """The lease; one that is asked for all the time and seldom changes is decoded once."""
        before = self._read_before.get(name)
        if before is not None and before[0] == raw:
            return before[1]
        lease = _decode(kind, key, raw)
        if kind == REMEMBERED:
            if len(self._read_before) >= MOST_REMEMBERED:
                self._read_before.clear()
            self._read_before[name] = raw, lease
        return lease

    def _name(self, kind: str, key: str) -> str:
        return f"{self._prefix}{{{kind}:{key}}}"


def _try_guess(client: Any, name: str, guess: Lease | None, plan: Outline) -> tuple[bool, bytes, datetime]:
    """Whether the guess was right and the document is written; else what is stored, and the server's time."""
    expected, live_until = b"", b""
    if guess is not None and guess.expires_at is not None:
        expected = _encode(guess, guess.expires_at)[0]
        live_until = str(_microseconds(guess.expires_at)).encode()
    right, raw, seconds, microseconds = _run(
        client,
        _GUESS,
        name,
        expected,
        live_until,
        _rest(plan.changed),
        plan.left // _MICROSECOND,
        str(plan.changed.fence).encode() if plan.keeps_fence else b"",
        plan.least_fence,
    )
    return bool(right), raw or b"", _moment(seconds, microseconds)


def _read(client: Any, name: str) -> tuple[bytes, datetime]:
    seconds, microseconds, raw = _run(client, _READ, name).split(b" ", 2)
    return raw, _moment(seconds, microseconds)


def _moment(seconds: bytes, microseconds: bytes) -> datetime:
    return _EPOCH + timedelta(seconds=int(seconds), microseconds=int(microseconds))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


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
    ends = "null" if lease.expires_at is None else str(_microseconds(lease.expires_at))
    left = lease.expires_at - now if lease.expires_at is not None else KEPT_WITHOUT_END
    head = f'{{"fence":{lease.fence},"expires_at":{ends},'.encode()
    return head + _rest(lease), max(1, -(-left // timedelta(milliseconds=1)))


def _rest(lease: Lease) -> bytes:
    """What follows fence and end in a document; the same bytes for equal leases, because they are compared."""
    rest = {"owner": lease.owner, "state": lease.state, "data": dict(lease.data)}
    return json.dumps(rest, separators=(",", ":"), sort_keys=True).encode()[1:]


def _decode(kind: str, key: str, raw: bytes) -> Lease | None:
    """Return the lease; None for an absent document and for one that is not ours, which then gets
    replaced."""
    if not raw:
        return None
    try:
        document = json.loads(raw)
        ends = document["expires_at"]
        return Lease(
            kind=kind,
            key=key,
            owner=document["owner"],
            fence=document["fence"],
            state=document["state"],
            expires_at=_EPOCH + ends * _MICROSECOND if ends is not None else None,
            data=document["data"],
        )
    except (ValueError, KeyError, TypeError):
        return None
