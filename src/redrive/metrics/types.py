"""What a counter is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

SPILL, DRAINED = "spill", "drained"
"""Kind and label of the count of endings that came into the database by way of the spill."""


class CounterKey(NamedTuple):
    """What is counted: the start of an hour (aware UTC), a kind, a task and a label."""

    hour: datetime
    kind: str
    task_name: str
    label: str


def bucket_of(seconds: float) -> int:
    """The sketch's bucket of a duration: the smallest n with ``seconds <= 2**n``, from -10 (1 ms) to 17 (36 h).

    0.001 -> -9, 0.9 -> 0, 1 -> 0, 1.1 -> 1, 60 -> 6.
    """
    if seconds <= 2**-10:
        return -10
    return min(17, math.ceil(math.log2(seconds)))


@dataclass(slots=True)
class CounterTotals:
    """How often it happened, for how many seconds in all, and how the durations spread."""

    count: int = 0
    seconds: float = 0.0
    sketch: dict[str, int] = field(default_factory=dict)

    def merge(self, other: CounterTotals) -> None:
        """Add other's counts to these."""
        self.count += other.count
        self.seconds += other.seconds
        for bucket, count in other.sketch.items():
            self.sketch[bucket] = self.sketch.get(bucket, 0) + count

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"count": self.count, "seconds": self.seconds, "sketch": self.sketch}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CounterTotals:
        """The totals from :meth:`to_dict`'s form."""
        return cls(count=int(data["count"]), seconds=float(data["seconds"]), sketch=dict(data["sketch"]))
