"""Counting in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from redrive.metrics.types import CounterKey, CounterTotals, bucket_of


class Counters:
    """Sums until somebody takes them. Thread-safe; a child process starts with empty ones (see :meth:`clear`)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[CounterKey, CounterTotals] = {}

    def add(self, now: datetime, kind: str, task_name: str, label: str, seconds: float | None = None) -> None:
        """Count one happening, with its duration in seconds if it has one."""
        key = CounterKey(now.replace(minute=0, second=0, microsecond=0), kind, task_name, label)
        with self._lock:
            totals = self._totals.get(key)
            if totals is None:
                totals = self._totals[key] = CounterTotals()
            totals.count += 1
            if seconds is not None:
                totals.seconds += seconds
                bucket = str(bucket_of(seconds))
                totals.sketch[bucket] = totals.sketch.get(bucket, 0) + 1

    def take(self) -> dict[CounterKey, CounterTotals]:
        """All sums so far; counting begins anew."""
        with self._lock:
            taken, self._totals = self._totals, {}
        return taken

    def put_back(self, totals: Mapping[CounterKey, CounterTotals]) -> None:
        """Return what was taken and could not be handed on."""
        with self._lock:
            for key, value in totals.items():
                self._totals.setdefault(key, CounterTotals()).merge(value)

    def clear(self) -> None:
        """Forget everything, with a lock of one's own: what a forked child inherited is its parent's to report."""
        self._lock = threading.Lock()
        self._totals = {}

    def count_of(self, kind: str, task_name: str, label: str) -> int:
        """What is still in memory of one count, over all hours."""
        with self._lock:
            return sum(t.count for k, t in self._totals.items() if k[1:] == (kind, task_name, label))


def to_rows(totals: Mapping[CounterKey, CounterTotals]) -> list[dict[str, Any]]:
    """JSON-ready rows of taken sums."""
    return [
        {
            "hour": key.hour.isoformat(),
            "kind": key.kind,
            "task_name": key.task_name,
            "label": key.label,
            **value.to_dict(),
        }
        for key, value in totals.items()
    ]


def from_rows(rows: Iterable[Mapping[str, Any]]) -> dict[CounterKey, CounterTotals]:
    """Sums from :func:`to_rows`' form."""
    totals: dict[CounterKey, CounterTotals] = {}
    for row in rows:
        hour = datetime.fromisoformat(row["hour"]).astimezone(UTC)
        key = CounterKey(hour, row["kind"], row["task_name"], row["label"])
        totals.setdefault(key, CounterTotals()).merge(CounterTotals.from_dict(row))
    return totals
