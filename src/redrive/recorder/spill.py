"""A local append-only file for what cannot be stored in SQL right now.

One JSON object per line, readable by a person, flushed to the disk before :meth:`FileSpill.append` returns. Every
process on the machine appends to the same ``spill.jsonl`` under a short file lock, or, where somebody keeps that lock
(a stopped process, a disk that hangs), to a ``spill-<pid>.jsonl`` of its own. A keeper takes a file over by renaming it
under its lock, so that writing and draining never meet in one file.

Two files beside it hold lines that were read and not applied: ``rejected.jsonl``, for a person to look at, and
``newer.jsonl``, written by a newer release, which the first keeper of any later start tries again. A keeper that is
killed at the wrong moment may set a line aside twice; it never loses one.
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from json import loads
from pathlib import Path
from typing import Any, BinaryIO

from redrive.directories import make, why_unsafe
from redrive.payload import to_json

LINE_VERSION = 1
CHUNK = 200
"""Lines applied in one transaction, at most."""
CHUNK_BYTES = 8 * 1024 * 1024
"""Size after which a chunk gets no further line."""
KINDS = ("ending", "counters", "event")
SHARES = {"counters": 4}
"""What a kind of line may fill the spill up to, as a part (a quarter) of its size: counters can be kept in memory."""
PATIENCE_SECONDS = 0.3
"""Longest wait for a file's lock. The main process of a prefork worker, one event loop, waits here as well."""
BUSY_SECONDS = 5.0
"""How long a file whose lock was waited for in vain is not waited for again."""
_TRY_SECONDS = 0.002


class SpillFailed(Exception):  # noqa: N818  # reads as what happened
    """The line could not be written: the disk is full, the directory is gone, or the spill has its full size."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the spill: its kind (one of :data:`KINDS`) and its payload."""

    kind: str
    payload: Mapping[str, Any]
    raw: str


@dataclass(frozen=True, slots=True)
class SpillState:
    """How full the spill of this machine is."""

    waiting_bytes: int
    waiting_lines: int
    rejected_lines: int
    newer_lines: int = 0
    """Lines that only a newer release can read."""
    list_lines: int | None = None
    """Of the waiting lines those in the Redis list; None without one, or while it cannot be asked."""


class _Busy(SpillFailed):
    """Somebody else has the file's lock and keeps it."""


class _Newer(Exception):  # noqa: N818  # reads as what it is
    """The line was written by a newer release."""


Apply = Callable[[str, int, list[Line]], None]
"""``apply(file, offset_after, lines)``: store lines and that ``file`` is done up to ``offset_after``, in one
transaction."""


class FileSpill:
    """The spill of one machine and project.

    Args:
        directory: Made on first use, readable by this user only (arguments of tasks are in it).
        max_bytes: Size of all waiting files together from which on further lines are refused.
        own: Whether the directory must be this user's own, see :func:`redrive.directories.why_unsafe`.
    """

    def __init__(self, directory: Path, max_bytes: int, *, own: bool = False) -> None:
        self.directory = directory
        self._max_bytes = max_bytes
        self._own = own
        self._is_safe = False
        self._path = directory / "spill.jsonl"
        self._rejected = directory / "rejected.jsonl"
        self._newer = directory / "newer.jsonl"
        self._newer_tried = False
        self._busy_until = 0.0

    def problem(self) -> str:
        """Why the directory must not be used, and what to type; empty if it may. Once it may, it is not asked again."""
        if self._is_safe:
            return ""
        unsafe = why_unsafe(self.directory, own=self._own)
        self._is_safe = unsafe is None and self.directory.is_dir()
        return "" if unsafe is None else str(unsafe)

    def prepare(self) -> None:
        """Make the directory, if it is not there. Raises SpillFailed if it cannot be made or must not be used."""
        try:
            make(self.directory)
        except OSError as exc:
            raise SpillFailed(f"{self.directory}: {exc.strerror or exc}") from exc
        if problem := self.problem():
            raise SpillFailed(problem)

    def append(self, kind: str, payload: Mapping[str, Any], *, durable: bool = True) -> None:
        """Write one line. Raises SpillFailed.

        Args:
            kind: One of :data:`KINDS`.
            payload: What can be written as JSON.
            durable: Wait until it is on the disk, so that it outlives a power cut.
        """
        record = {"v": LINE_VERSION, "at": datetime.now(UTC).isoformat(), "kind": kind, "payload": payload}
        line, limit = to_json(record), self._max_bytes // SHARES.get(kind, 1)
        patience = PATIENCE_SECONDS if time.monotonic() >= self._busy_until else 0.0
        try:
            self._append(self._path, line, limit, patience=patience, durable=durable)
        except _Busy:
            self._busy_until = time.monotonic() + BUSY_SECONDS
            own = self.directory / f"spill-{os.getpid()}.jsonl"
            self._append(own, line, limit, durable=durable)

    def reject(self, raw: str) -> None:
        """Set a line aside that cannot be applied, where a person can look at it. Raises SpillFailed."""
        self._append(self._rejected, raw)

    def keep_for_newer(self, raw: str) -> None:
        """Set a line aside that only a newer release can read. Raises SpillFailed."""
        self._append(self._newer, raw)

    def _append(
        self,
        path: Path,
        line: str,
        max_bytes: int | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
        durable: bool = True,
    ) -> None:
        data = line.rstrip("\n").encode("utf-8", "backslashreplace") + b"\n"
        self.prepare()
        try:
            with _locked_for_append(path, patience) as handle:
                size = os.fstat(handle).st_size
                if max_bytes is not None and self._waiting_bytes() + len(data) > max_bytes:
                    raise SpillFailed(f"{path} has its full size of {max_bytes:,} bytes")
                if size and os.pread(handle, 1, size - 1) != b"\n":
                    # A writer was killed in the middle of a line; do not glue ours to its half.
                    data = b"\n" + data
                _write(handle, data, size, durable)
        except OSError as exc:
            raise SpillFailed(f"{path}: {exc.strerror or exc}") from exc

    def _waiting(self) -> list[Path]:
        """Every file whose lines wait for the database."""
        return [self._path, *self.directory.glob("spill-*.jsonl"), *self.directory.glob("drain-*.jsonl")]

    def _waiting_bytes(self) -> int:
        return sum(map(_size, self._waiting()))

    def drain(
        self, apply: Apply, done: Callable[[str], int], forget: Callable[[str], None] | None = None
    ) -> int:
        """Apply every waiting line, oldest file first; returns how many.

        Args:
            apply: Stores a chunk; if it raises, draining stops and the rest stays for the next time.
            done: How many bytes of a file were applied before (by a keeper that died in between).
            forget: Told of each file that is gone, so that ``done`` need not remember it.

        Raises:
            SpillFailed: A line could not be set aside, and its file stays as it is; or the directory must not be used.
        """
        if problem := self.problem():
            raise SpillFailed(problem)
        # What an earlier keeper left comes first, and while that cannot be applied nothing is added to it.
        count = self._drain_files(apply, done, forget)
        files = (self._path, *self.directory.glob("spill-*.jsonl"))
        taken = sum(map(_take_over, files)) > 0
        if not self._newer_tried:
            taken = _take_over(self._newer) or taken
            self._newer_tried = True
        return count + (self._drain_files(apply, done, forget) if taken else 0)

    def _drain_files(
        self, apply: Apply, done: Callable[[str], int], forget: Callable[[str], None] | None
    ) -> int:
        count = 0
        for path in sorted(self.directory.glob("drain-*.jsonl")):
            count += self._drain_file(path, apply, done)
            if forget is not None and not path.exists():
                forget(path.name)
        return count

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
            while chunk := _read_chunk(handle):
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
            return _line(text)
        except _Newer:
            self.keep_for_newer(text)
        except (ValueError, KeyError, TypeError, RecursionError):
            self.reject(text)
        return None

    def state(self) -> SpillState:
        """How much waits, and how much was set aside."""
        return SpillState(
            waiting_bytes=self._waiting_bytes(),
            waiting_lines=sum(map(_lines, self._waiting())),
            rejected_lines=_lines(self._rejected),
            newer_lines=_lines(self._newer),
        )


def _line(text: str) -> Line:
    record = loads(text)
    line = Line(kind=record["kind"], payload=record["payload"], raw=text)
    if record["v"] > LINE_VERSION or line.kind not in KINDS:
        raise _Newer
    if not isinstance(line.payload, dict):
        raise TypeError("a payload is an object")
    return line


def _write(handle: int, data: bytes, size: int, durable: bool) -> None:
    try:
        written = 0
        while written < len(data):
            written += os.write(handle, data[written:])
        if durable:
            os.fsync(handle)
    except OSError:
        # Half a line is worse than none: the next reader would reject it.
        with suppress(OSError):
            os.ftruncate(handle, size)
        raise


@contextmanager
def _locked_for_append(path: Path, patience: float = PATIENCE_SECONDS) -> Iterator[int]:
    """A locked handle of the file that has this name now, not of one that was renamed in between.

    Raises _Busy if somebody else has the lock for so many seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            _lock(handle, path, deadline)
            if _is_current(handle, path):
                yield handle
                return
        finally:
            os.close(handle)


def _lock(handle: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise _Busy(f"{path} is locked by another process that does not go on") from None
            time.sleep(_TRY_SECONDS)


def _is_current(handle: int, path: Path) -> bool:
    try:
        return os.fstat(handle).st_ino == os.stat(path).st_ino
    except FileNotFoundError:
        return False


def _take_over(path: Path) -> bool:
    """Set a file aside for draining; False if it is empty or absent, or its lock is not to be had (till next time)."""
    if not _size(path):
        return False
    try:
        with _locked_for_append(path) as handle:
            if not os.fstat(handle).st_size:
                return False
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
            os.rename(path, path.with_name(f"drain-{stamp}-{uuid.uuid4().hex[:8]}.jsonl"))
    except _Busy:
        return False
    return True


def _read_chunk(handle: BinaryIO) -> list[bytes]:
    lines: list[bytes] = []
    size = 0
    while len(lines) < CHUNK and size < CHUNK_BYTES and (line := handle.readline()):
        lines.append(line)
        size += len(line)
    return lines


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
