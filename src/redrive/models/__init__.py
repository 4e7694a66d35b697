"""The eight tables.

Records of tasks (:class:`TaskFailureRecord`), their attempts, groups of alike failures, bulk runs and their items,
events (who did what), hourly counters and leases. Only ``stores.sql``, ``recorder.sql``, ``admin`` and migrations
import them; everything else asks a service.
"""

from redrive.models.event import Event
from redrive.models.failure import FailureAttempt, FailureGroup, TaskFailureRecord
from redrive.models.lease import LeaseRow
from redrive.models.redrive_run import RedriveItem, RedriveRun
from redrive.models.stat import Stat

__all__ = [
    "Event",
    "FailureAttempt",
    "FailureGroup",
    "LeaseRow",
    "RedriveItem",
    "RedriveRun",
    "Stat",
    "TaskFailureRecord",
]
