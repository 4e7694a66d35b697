"""A local append-only file for what cannot be stored in SQL right now.

One JSON object per line, readable by a person, flushed to the disk before :meth:`FileSpill.append` returns. Every
process on the machine appends to the same ``spill.jsonl`` under a short file lock. A keeper takes the file over by
renaming it under that lock, so that writing and draining never meet in one file.
"""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LINE_VERSION = 1
CHUNK = 200
"""Lines applied in one transaction."""


class SpillFailed(Exception):  # noqa: N818  # reads as what happened
    """The line could not be written: the disk is full, the directory is gone, or the spill has its full size."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the spill: its kind (``ending`` or ``counters``) and its payload."""

    kind: str
    payload: Mapping[str, Any]
    raw: str


@dataclass(frozen=True, slots=True)
class SpillState:
    """How full the spill of this machine is."""

    waiting_bytes: int
    waiting_lines: int
    rejected_lines: int


Apply = Callable[[str, int, list[Line]], None]
"""``apply(file, offset_after, lines)``: store lines and that ``file`` is done up to ``offset_after``, in one
transaction."""


class FileSpill:
    """The spill of one machine and project.

    Args:
        directory: Made on first use, readable by this user only (arguments of tasks are in it).
        max_bytes: Size of the file after which further lines are refused.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self.directory = directory
        self._max_bytes = max_bytes
        self._path = directory / "spill.jsonl"

    def append(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Write one line and wait until it is on the disk. Raises SpillFailed."""
        record = {"v": LINE_VERSION, "at": datetime.now(UTC).isoformat(), "kind": kind, "payload": payload}
        data = (json.dumps(record, default=str) + "\n").encode()
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked_for_append() as handle:
                size = os.fstat(handle).st_size
                if size + len(data) > self._max_bytes:
                    raise SpillFailed(f"{self._path} has its full size of {self._max_bytes:,} bytes")
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    # A writer was killed in the middle of a line; do not glue ours to its half.
                    data = b"\n" + data
                self._write(handle, data, size)
        except OSError as exc:
            raise SpillFailed(f"{self._path}: {exc.strerror or exc}") from exc

    @staticmethod
    def _write(handle: int, data: bytes, size: int) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.write(handle, data[written:])
            os.fsync(handle)
        except OSError:
            # Half a line is worse than none: the next reader would reject it.
            with suppress(OSError):
                os.ftruncate(handle, size)
            raise

    @contextmanager
    def _locked_for_append(self) -> Iterator[int]:
        """A locked handle of the file that is ``spill.jsonl`` now, not of one that was renamed in between."""
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                if self._is_current(handle):
                    yield handle
                    return
            finally:
                os.close(handle)

    def _is_current(self, handle: int) -> bool:
        try:
            return os.fstat(handle).st_ino == os.stat(self._path).st_ino
        except FileNotFoundError:
            return False

    def drain(self, apply: Apply, done: Callable[[str], int]) -> int:
        """Apply every waiting line, oldest file first; returns how many.

        Args:
            apply: Stores a chunk; if it raises, draining stops and the rest stays for the next time.
            done: How many bytes of a file were applied before (by a keeper that died in between).
        """
        self._take_over()
        count = 0
        for path in sorted(self.directory.glob("drain-*.jsonl")):
            count += self._drain_file(path, apply, done)
        return count

    def _take_over(self) -> None:
        """Set the current file aside for draining, unless it is empty or absent."""
        try:
            if os.stat(self._path).st_size == 0:
                return
        except FileNotFoundError:
            return
        with self._locked_for_append() as handle:
            if os.fstat(handle).st_size:
                stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
                os.rename(self._path, self.directory / f"drain-{stamp}-{uuid.uuid4().hex[:8]}.jsonl")

    def _drain_file(self, path: Path, apply: Apply, done: Callable[[str], int]) -> int:
        try:
            handle = path.open("rb")
        except FileNotFoundError:
            return 0
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return 0  # another keeper is at it
            if not path.exists():
                return 0
            handle.seek(done(path.name))
            count = 0
            while chunk := [line for line in (handle.readline() for _ in range(CHUNK)) if line]:
                lines = [self._parse(raw) for raw in chunk]
                good = [line for line in lines if line is not None]
                apply(path.name, handle.tell(), good)
                count += len(good)
            path.unlink()
        return count

    def _parse(self, raw: bytes) -> Line | None:
        if not raw.strip():
            return None
        text = raw.decode("utf-8", "backslashreplace")
        try:
            record = json.loads(text)
            return Line(kind=record["kind"], payload=record["payload"], raw=text)
        except (ValueError, KeyError, TypeError):
            self.reject(text)
            return None

    def reject(self, raw: str) -> None:
        """Set a line aside that cannot be applied, where a person can look at it."""
        with suppress(OSError), (self.directory / "rejected.jsonl").open("a") as handle:
            handle.write(raw if raw.endswith("\n") else raw + "\n")

    def state(self) -> SpillState:
        """How much waits, and how much was set aside."""
        waiting = [self._path, *self.directory.glob("drain-*.jsonl")]
        rejected = self.directory / "rejected.jsonl"
        return SpillState(
            waiting_bytes=sum(_size(path) for path in waiting),
            waiting_lines=sum(_lines(path) for path in waiting),
            rejected_lines=_lines(rejected),
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as handle:
            return sum(block.count(b"\n") for block in iter(lambda: handle.read(1 << 20), b""))
    except OSError:
        return 0
