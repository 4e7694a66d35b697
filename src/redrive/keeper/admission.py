"""How fast retries enter a queue that its workers have fallen far behind with.

Sent all at once they would put whatever comes fresh behind them. So they are spread, by the generic cell rate algorithm
(ITU-T I.371), which keeps one moment per queue: when the next place is free.
"""

from __future__ import annotations

from typing import Final

from redrive.retry.learning import DEEP_QUEUE

FAR_BEHIND: Final = 10 * DEEP_QUEUE
"""Tasks waiting in a queue beyond which retries enter it one by one."""

PER_SECOND: Final = 1.0
BURST: Final = 10
"""Retries that one keeper lets into such a queue, per second and at once. There is a keeper beside each worker, so a
larger fleet lets in more."""

LONGEST_SECONDS: Final = 120.0
"""Nobody is delayed for longer. Where more retries are due than fit, they are spread over as long as this."""

ENTERING: Final = "retries enter it one by one."
"""The end of the reason of those that wait; who has waited so is let in."""


class Admission:
    """The places of one keeper's retries, queue by queue. Not shared between threads."""

    def __init__(self) -> None:
        self._free_at: dict[str, float] = {}

    def wait_seconds(self, queue: str, depth: int | None, now: float) -> float:
        """Seconds until a retry's place, 0..LONGEST_SECONDS; 0: it may enter.

        Args:
            queue: name of the queue.
            depth: tasks waiting in it as last sampled; None: not known.
            now: seconds of a clock that never goes back.
        """
        if depth is None or depth <= FAR_BEHIND:
            self._free_at.pop(queue, None)
            return 0.0
        earliest = now - (BURST - 1) / PER_SECOND
        place = max(self._free_at.get(queue, earliest), earliest)
        if place > now + LONGEST_SECONDS:
            place = now
        self._free_at[queue] = place + 1 / PER_SECOND
        return max(0.0, place - now)
