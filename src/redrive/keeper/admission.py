"""How fast retries enter a queue that its workers have fallen far behind with.

Sent all at once, they would put what comes fresh behind them, and would wait in the broker instead of in the database,
where they can be seen and stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from redrive.retry.learning import DEEP_QUEUE

FAR_BEHIND: Final = 10 * DEEP_QUEUE
"""Tasks waiting in a queue beyond which retries enter it by rate."""

PER_SECOND: Final = 1.0
BURST: Final = 10.0
"""Retries that one keeper lets into such a queue, per second and at once. There is a keeper beside each worker, so a
larger fleet lets in more."""

LONGEST_SECONDS: Final = 120.0
"""Length of the row: who stands further behind takes a place in it once more, for the queue may have caught up then."""

FRESH_SHARE: Final = 0.5
"""Part of the burst that those due for the first time leave to those that were held before."""


@dataclass(slots=True)
class _Entrance:
    """One queue's token bucket, and when the last place in the row before it is."""

    tokens: float
    at: float
    row_ends: float


class Admission:
    """A token bucket per deep queue, with a row of places for those that find it empty. Of one keeper, not shared."""

    def __init__(self) -> None:
        self._entrances: dict[str, _Entrance] = {}

    def wait_seconds(self, queue: str, depth: int | None, *, held: bool, now: float) -> float:
        """Seconds until the retry may ask again; 0.0: it may enter.

        Args:
            queue: name of the queue.
            depth: tasks waiting in it as last sampled; None: not known.
            held: whether the retry was held before.
            now: seconds of a clock that never goes back.
        """
        if depth is None or depth <= FAR_BEHIND:
            self._entrances.pop(queue, None)
            return 0.0
        entrance = self._entrances.setdefault(queue, _Entrance(BURST, now, now))
        entrance.tokens = min(BURST, entrance.tokens + (now - entrance.at) * PER_SECOND)
        entrance.at = now
        if entrance.tokens >= 1.0 + (0.0 if held else BURST * FRESH_SHARE):
            entrance.tokens -= 1.0
            return 0.0
        begins = entrance.row_ends if now <= entrance.row_ends < now + LONGEST_SECONDS else now
        entrance.row_ends = begins + 1 / PER_SECOND
        return entrance.row_ends - now
