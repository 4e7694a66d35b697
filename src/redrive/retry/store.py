"""What the engine remembers about past retries."""

from typing import Protocol

from redrive.retry.types import Samples


class LearningStore(Protocol):
    """Counts how retries went, per task and failure type.

    `samples` is asked for each failure, so it must answer from memory or in one fast lookup. Both may raise
    `redrive.leases.StoreUnavailable`; the engine then goes on without experience.
    """

    def record(self, task_name: str, failure_type: str, success: bool) -> None:
        """Count one retry."""

    def samples(self, task_name: str, failure_type: str) -> Samples:
        """Return the counts so far; zeros when there are none."""
