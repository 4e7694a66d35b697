"""Schedules: what a project's beat will send, and what is wrong with it.

    findings = check_idempotency(entries, tasks, now)

An `Entry` is a line of ``beat_schedule`` or of django-celery-beat's tables, read by whoever has them; its timing is
plain data. `check_idempotency` looks for scheduled tasks that should be idempotent, and for idempotent ones whose
period is shorter than their ttl. `check_duplicates` looks for entries that make the same call. `suspect` names the
schedule that makes a high hit rate. All of it is pure: the moment is an argument.
"""

from redrive.schedules.checks import check_duplicates, check_idempotency
from redrive.schedules.suspicion import Suspicion, suspect
from redrive.schedules.types import (
    Clocked,
    Crontab,
    Entry,
    Finding,
    Interval,
    ScheduledTask,
    Severity,
    Solar,
    Timing,
    Unreadable,
)

__all__ = [
    "Clocked",
    "Crontab",
    "Entry",
    "Finding",
    "Interval",
    "ScheduledTask",
    "Severity",
    "Solar",
    "Suspicion",
    "Timing",
    "Unreadable",
    "check_duplicates",
    "check_idempotency",
    "suspect",
]
