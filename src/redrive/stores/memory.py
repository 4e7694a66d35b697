"""Stores in this process's memory: for tests, simulations, and a first try without any server.

Nothing is shared with other processes, and all is gone with this one.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, TypeVar

from redrive.clock import Clock, SystemClock
from redrive.leases import Change, Guess, Lease
from redrive.retry import Samples

__all__ = ["MemoryLearningStore", "MemoryLeaseStore"]

T = TypeVar("T")


class MemoryLeaseStore:
    """A `redrive.leases.LeaseStore` in a dictionary. Thread-safe; not shared after a fork.

    Args:
        clock: the store's clock. Default: the system's.
        drops_expired: forget a document at its end, as Redis does, instead of keeping it, as SQL does.
            Both are allowed; a test of a decision runs with both.
        through_json: keep what a server would have kept, at the cost of encoding it; off for simulations.
    """

    def __init__(
        self, clock: Clock | None = None, *, drops_expired: bool = False, through_json: bool = True
    ) -> None:
        self._clock = clock or SystemClock()
        self._drops_expired = drops_expired
        self._through_json = through_json
        self._documents: dict[tuple[str, str], Lease] = {}
        self._lock = threading.Lock()

    def transact(self, kind: str, key: str, change: Change[T], *, guess: Guess | None = None) -> T:
        """Apply ``change`` under this store's lock; see `LeaseStore.transact`."""
        with self._lock:
            stored = self._read(kind, key)
            changed, answer = change(stored, self._clock.now())
            if changed is None:
                self._documents.pop((kind, key), None)
            elif not self._through_json:
                self._documents[kind, key] = changed
            elif changed != stored:
                self._documents[kind, key] = replace(changed, data=json.loads(json.dumps(dict(changed.data))))
            return answer

    def get(self, kind: str, key: str) -> Lease | None:
        """Return one document, or None."""
        with self._lock:
            return self._read(kind, key)

    def all(self, kind: str) -> Sequence[Lease]:
        """Return every document of a kind, sorted by key."""
        with self._lock:
            keys = sorted(key for stored_kind, key in self._documents if stored_kind == kind)
            return [lease for key in keys if (lease := self._read(kind, key)) is not None]

    def _read(self, kind: str, key: str) -> Lease | None:
        lease = self._documents.get((kind, key))
        if lease is None or lease.expires_at is None or not self._drops_expired:
            return lease
        return lease if self._clock.now() < lease.expires_at else None


class MemoryLearningStore:
    """A `redrive.retry.LearningStore` in a dictionary. Thread-safe; each process learns for itself.

    From 100 samples on each new one lets the old ones fade by a hundredth.
    """

    MOST: Final = 100

    def __init__(self) -> None:
        self._samples: dict[tuple[str, str, int | None], Samples] = {}
        self._lock = threading.Lock()

    def record(self, task_name: str, failure_type: str, success: bool, retry: int | None = None) -> None:
        """Count one retry."""
        with self._lock:
            for number in {None, retry}:
                seen = self._samples.get((task_name, failure_type, number), Samples())
                kept = min(1.0, (self.MOST - 1) / seen.total) if seen.total else 1.0
                self._samples[task_name, failure_type, number] = Samples(
                    seen.successes * kept + success, seen.total * kept + 1
                )

    def samples(self, task_name: str, failure_type: str, retry: int | None = None) -> Samples:
        """Return the counts so far."""
        return self._samples.get((task_name, failure_type, retry), Samples())
