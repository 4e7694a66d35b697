"""What the fleet has learnt, in a small local file.

A keeper writes ``experience.json`` beside the spill every few seconds; workers read it when a task fails. So no
worker asks the database in order to decide, and deciding works while the database is away.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from redrive.metrics import Counters
from redrive.retry import Samples
from redrive.taxonomy import FailureType

RETRY = "retry"
"""Kind of the counters that count how retries went; labels are ``<FAILURE_TYPE>:success`` and ``:failure``."""


@dataclass(slots=True)
class _Content:
    stamp: tuple[int, int] = (0, 0)
    retries: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    depths: Mapping[str, int] = field(default_factory=dict)
    corrections: Mapping[str, FailureType] = field(default_factory=dict)


def _content(data: Any, stamp: tuple[int, int]) -> _Content:
    """The file's content with every number checked: whoever asks for one must not meet anything else."""
    retries = {
        str(task): {str(label): int(count) for label, count in counts.items()}
        for task, counts in data["retries"].items()
    }
    depths = {str(queue): int(depth) for queue, depth in data["depths"].items()}
    kinds = FailureType.__members__
    corrections = {
        str(name): FailureType(kind)
        for name, kind in data.get("corrections", {}).items()
        if kind in kinds  # a newer keeper may know more types
    }
    return _Content(stamp=stamp, retries=retries, depths=depths, corrections=corrections)


class Experience:
    """A :class:`~redrive.retry.LearningStore` and queue depths, from the file and from this process's own counts.

    Never raises; without a file there is no experience yet. Thread-safe.
    """

    def __init__(
        self, directory: Path, counters: Counters, now: Any, is_trusted: Callable[[], bool] = lambda: True
    ) -> None:
        self._path = directory / "experience.json"
        self._counters = counters
        self._now = now
        self._is_trusted = is_trusted
        self._lock = threading.Lock()
        self._own: dict[tuple[str, str], int] = {}
        self._content = _Content()

    def record(self, task_name: str, failure_type: str, success: bool, retry: int | None = None) -> None:
        """Count how one retry went: as a retry, and as one of its number."""
        outcome = "success" if success else "failure"
        labels = [f"{failure_type}:{outcome}"]
        if retry is not None:
            labels.append(f"{failure_type}:{retry}:{outcome}")
        for label in labels:
            self._counters.add(self._now(), RETRY, task_name, label)
            with self._lock:
                self._own[task_name, label] = self._own.get((task_name, label), 0) + 1

    def samples(self, task_name: str, failure_type: str, retry: int | None = None) -> Samples:
        """The fleet's counts, or this process's own where the fleet's have not caught up with them."""
        stored = self._read().retries.get(task_name, {})

        def count(outcome: str) -> int:
            label = f"{failure_type}:{outcome}" if retry is None else f"{failure_type}:{retry}:{outcome}"
            return max(stored.get(label, 0), self._own.get((task_name, label), 0))

        successes = count("success")
        return Samples(successes=successes, total=successes + count("failure"))

    def queue_depth(self, queue: str) -> int | None:
        """Tasks waiting in a queue as last sampled, or None."""
        return self._read().depths.get(queue)

    def corrections(self) -> Mapping[str, FailureType]:
        """What operators said of failures, by fingerprint."""
        return self._read().corrections

    def _read(self) -> _Content:
        try:
            status = os.stat(self._path)
        except OSError:
            return self._content
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._content.stamp and self._is_trusted():
            try:
                self._content = _content(json.loads(self._path.read_text()), stamp)
            except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self._content.stamp = stamp
        return self._content

    def write(
        self,
        *,
        retries: Mapping[str, Mapping[str, int]],
        depths: Mapping[str, int],
        at: datetime,
        corrections: Mapping[str, str] | None = None,
    ) -> None:
        """Replace the file (keepers). A disk that cannot be written costs the experience, nothing else."""
        if not self._is_trusted():
            return
        text = json.dumps(
            {
                "at": at.isoformat(),
                "retries": retries,
                "depths": depths,
                "corrections": dict(corrections or {}),
            }
        )
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._path.with_name(f"experience-{os.getpid()}.tmp")
            try:
                fresh.write_text(text)
                fresh.replace(self._path)
            finally:
                fresh.unlink(missing_ok=True)
        except OSError:
            return
