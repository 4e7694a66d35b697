"""A Redis list for what cannot be stored in SQL right now, shared by every machine; with the machine's file behind it.

Endings go to the list; where Redis is away, slow or the list is full they go to the file, and the log says so. Counters
and events always go to the file: they are not worth a round trip.

A keeper takes the list over by renaming it, so that nothing is added to what is being applied, and the database notes
how many of its lines are applied, in the transaction that applies them. So any keeper of the fleet may go on where
another was killed, and two of them at once apply nothing twice. A list is exactly as durable as its server
(``appendonly yes``).
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from redrive.leases import StoreUnavailable
from redrive.payload import to_json
from redrive.recorder.spill import CHUNK, CHUNK_BYTES, LINE_VERSION, Apply, FileSpill, SpillFailed, SpillState
from redrive.stores.redis.connection import RedisConnection

R = TypeVar("R")
logger = logging.getLogger("redrive")

TIMEOUT_SECONDS = 0.25
"""Longest wait for connecting, and for each answer; the main process of a prefork worker waits here as well. Looking a
host's name up is the resolver's own time, which this does not bound."""
REST_SECONDS = 5.0
"""How long a list that could not be had is not tried again."""
SAY_SECONDS = 5.0
"""The log says at most this often that the file stands in for the list."""

_PUSH = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
return redis.call('RPUSH', KEYS[1], ARGV[1])
"""
_TAKE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('RENAME', KEYS[1], KEYS[2])
return redis.call('RPUSH', KEYS[3], KEYS[2])
"""


class ListSpill(FileSpill):
    """The spill of a fleet.

    Args:
        directory, max_bytes, own: Of the file, see :class:`FileSpill`.
        url: ``redis://...`` of the list.
        namespace: Prefix of its keys. One hash slot, so that a cluster takes the scripts.
        max_lines: Lines in the list from which on further ones go to the file.
    """

    def __init__(
        self, directory: Path, max_bytes: int, *, own: bool = False, url: str, namespace: str, max_lines: int
    ) -> None:
        super().__init__(directory, max_bytes, own=own)
        self._redis = RedisConnection(url, timeout_seconds=TIMEOUT_SECONDS, rest_seconds=REST_SECONDS)
        self._list = f"{{{namespace}:spill}}"
        self._taken = f"{self._list}:taken"
        self._max_lines = max_lines
        self._say_at = 0.0

    def append(self, kind: str, payload: Mapping[str, Any], *, durable: bool = True) -> None:
        """Write one line to the list, or else to the file. Raises SpillFailed if neither takes it."""
        if kind == "ending":
            try:
                self._push(kind, payload)
                return
            except SpillFailed as exc:
                self._say(f"{exc}; failures go to {self.directory}")
        super().append(kind, payload, durable=durable)

    def _push(self, kind: str, payload: Mapping[str, Any]) -> None:
        record = {"v": LINE_VERSION, "at": datetime.now(UTC).isoformat(), "kind": kind, "payload": payload}
        line = to_json(record)
        if not self._call(lambda client: client.eval(_PUSH, 1, self._list, line, self._max_lines)):
            raise SpillFailed(f"The spill's list has its full size of {self._max_lines:,} lines")

    def _call(self, work: Callable[[Any], R]) -> R:
        try:
            return self._redis.call(work)
        except StoreUnavailable as exc:
            raise SpillFailed(f"The spill's list cannot be had ({exc})") from exc

    def _say(self, words: str) -> None:
        now = time.monotonic()
        if now >= self._say_at:
            self._say_at = now + SAY_SECONDS
            logger.error("redrive: %s", words)

    def drain(
        self, apply: Apply, done: Callable[[str], int], forget: Callable[[str], None] | None = None
    ) -> int:
        """Apply the list's lines, then the file's. ``forget`` is not told of lists.

        A keeper that was stopped in the middle may come back to a list that is gone: the database must still know that
        it is applied.
        """
        count = 0
        try:
            count = self._drain_list(apply, done)
        except SpillFailed as exc:
            self._say(f"{exc}; it is not drained")
        return count + (0 if self.problem() else super().drain(apply, done, forget))

    def _drain_list(self, apply: Apply, done: Callable[[str], int]) -> int:
        # Taken ones first: while SQL is away nothing more is taken, or the list would begin anew each turn.
        count = self._drain_all_taken(apply, done)
        fresh = f"{self._list}:{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
        self._call(lambda client: client.eval(_TAKE, 3, self._list, fresh, self._taken))
        return count + self._drain_all_taken(apply, done)

    def _drain_all_taken(self, apply: Apply, done: Callable[[str], int]) -> int:
        names = self._call(lambda client: client.lrange(self._taken, 0, -1))
        return sum(self._drain_taken(name.decode(), apply, done) for name in names)

    def _drain_taken(self, name: str, apply: Apply, done: Callable[[str], int]) -> int:
        count, position = 0, done(name)
        while chunk := self._chunk(name, position):
            lines = [line for raw in chunk if (line := self._parse(raw)) is not None]
            position += len(chunk)
            apply(name, position, lines)
            count += len(lines)

        def remove(client: Any) -> None:
            client.delete(name)
            client.lrem(self._taken, 0, name)

        self._call(remove)
        return count

    def _chunk(self, name: str, start: int) -> list[bytes]:
        lines: list[bytes] = self._call(lambda client: client.lrange(name, start, start + CHUNK - 1))
        size = 0
        for number, line in enumerate(lines):
            size += len(line)
            if size >= CHUNK_BYTES:
                return lines[: number + 1]
        return lines

    def state(self) -> SpillState:
        """How much waits in list and file; ``list_lines`` is None while the list cannot be asked."""
        state = super().state()
        try:
            lines = self._call(self._count)
        except SpillFailed:
            return state
        return replace(state, waiting_lines=state.waiting_lines + lines, list_lines=lines)

    def _count(self, client: Any) -> int:
        names = [self._list, *client.lrange(self._taken, 0, -1)]
        return sum(int(client.llen(name)) for name in names)
