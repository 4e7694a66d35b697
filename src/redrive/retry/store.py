"""What the engine remembers about past retries."""

from typing import Protocol

from redrive.retry.types import Samples


class LearningStore(Protocol):
    """Counts how retries went, per task, failure type and number of the retry (1 is the first). Old counts fade.

    `samples` is asked for each failure, so it must answer from memory or in one fast lookup. Both may raise
    `redrive.leases.StoreUnavailable`; the engine then goes on without experience.
    """

    def record(self, task_name: str, failure_type: str, success: bool, retry: int | None = None) -> None:
        """Count one retry; ``retry`` is None where its number is not known."""

    def samples(self, task_name: str, failure_type: str, retry: int | None = None) -> Samples:
        """Return the counts of one retry number, or (None) of all; zeros when there are none."""
