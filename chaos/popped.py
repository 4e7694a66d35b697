"""What Celery's Redis transport took from its broker and no process ever had, read from the broker's append-only file.

A worker takes a message with BRPOP and notes it among the unacknowledged ones with a second command. A broker or a
worker killed between the two loses the message before any code of Celery, or of Redrive, has seen it; RabbitMQ has no
such moment. The file has both commands in order, so that these losses are told from any other.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path

_TASK_ID = re.compile(rb'\\"id\\": ?\\"([0-9a-f-]{36})\\"|"id": ?"([0-9a-f-]{36})"')
PUSHES = {b"LPUSH": "appendleft", b"RPUSH": "append"}
POPS = {b"RPOP": "pop", b"LPOP": "popleft"}


def popped(directory: Path) -> frozenset[str]:
    """Ids of the tasks whose message was popped last, and not noted as unacknowledged after that.

    Args:
        directory: Where the broker keeps its data; its append-only file must never have been rewritten.
    """
    lists: dict[bytes, deque[bytes]] = defaultdict(deque)
    loose: set[str] = set()
    for path in sorted((directory / "appendonlydir").glob("*.incr.aof")):
        for name, *arguments in commands(path.read_bytes()):
            if push := PUSHES.get(name):
                key, *values = arguments
                for value in values:
                    getattr(lists[key], push)(value)
            elif pop := POPS.get(name):
                if lists[arguments[0]]:
                    loose |= _ids(getattr(lists[arguments[0]], pop)())
            elif name in (b"HSET", b"HSETNX"):
                loose -= _ids(b" ".join(arguments))
            elif name == b"DEL":
                for key in arguments:
                    lists.pop(key, None)
    return frozenset(loose)


def _ids(message: bytes) -> set[str]:
    return {(match[1] or match[2]).decode() for match in _TASK_ID.finditer(message)}


def commands(data: bytes) -> Iterator[list[bytes]]:
    """The commands of an append-only file, upper-case name first; a last one that was cut off is left out."""
    at = 0
    while (end := data.find(b"\r\n", at)) >= 0:
        if data[at : at + 1] != b"*":  # a time stamp
            at = end + 2
            continue
        count = int(data[at + 1 : end])
        at = end + 2
        words = []
        for _ in range(count):
            end = data.find(b"\r\n", at)
            if end < 0:
                return
            size = int(data[at + 1 : end])
            words.append(data[end + 2 : end + 2 + size])
            at = end + 2 + size + 2
        if at > len(data):
            return
        words[0] = words[0].upper()
        yield words
