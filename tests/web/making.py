"""Stored state as workers would leave it: records, attempts, counters, samples, acts."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils import timezone

from redrive.models import Event, FailureAttempt, LeaseRow, Stat, TaskFailureRecord

_numbers = count(1)


def make_record(*, failed_ago: timedelta = timedelta(hours=2), **values: Any) -> TaskFailureRecord:
    """One record; a dead letter of an invoice unless told otherwise."""
    number = next(_numbers)
    at = timezone.now() - failed_ago
    defaults: dict[str, Any] = {
        "task_id": f"task-{number:06}",
        "task_name": "billing.charge",
        "task_args": [4711],
        "task_kwargs": {"token": "s3cret", "region": "eu"},
        "status": "PENDING",
        "failure_type": "PERMANENT_VALIDATION",
        "confidence": 0.95,
        "remediation_action": "FIX_DATA",
        "exception_type": "ValueError",
        "exception_message": "amount must be positive",
        "traceback": "Traceback (most recent call last):\nValueError: amount must be positive\n",
        "decision": "Not retried: the same input stays invalid.",
        "first_failed_at": at,
        "last_failed_at": at,
        "attempt": 1,
        "message_source": "raw",
        "queue_name": "reports",
        "business_unit": "north",
    }
    return TaskFailureRecord.objects.create(**{**defaults, **values})


def make_waiting_record(**values: Any) -> TaskFailureRecord:
    """One that runs again in half an hour (and ten seconds, so that a slow test still reads 30 min)."""
    defaults = {
        "status": "RETRYING",
        "failure_type": "TRANSIENT_NETWORK",
        "retry_count": 3,
        "max_retries": 5,
        "next_retry_at": timezone.now() + timedelta(minutes=30, seconds=10),
    }
    return make_record(**{**defaults, **values})


def make_attempt(record: TaskFailureRecord, number: int, **values: Any) -> FailureAttempt:
    """The ending of one attempt, with its evidence and decision."""
    defaults: dict[str, Any] = {
        "outcome": "failed",
        "failure_type": record.failure_type,
        "confidence": 0.95,
        "exception_type": record.exception_type,
        "exception_message": record.exception_message,
        "traceback": record.traceback,
        "evidence": [
            {
                "rule": "builtin.ValueError",
                "reads": "class",
                "where": "exception",
                "found": "ValueError",
                "says": record.failure_type,
                "trust": 0.9,
                "source": "Python documentation",
            }
        ],
        "decision": {"retry": False, "reason": "The same input stays invalid.", "explain": {}},
        "worker_hostname": "celery@one",
        "source": "wrapper",
        "ended_at": timezone.now() - timedelta(hours=1),
    }
    return FailureAttempt.objects.create(record=record, attempt=number, **{**defaults, **values})


def make_stat(
    kind: str, label: str, number: int, *, task: str = "billing.charge", seconds: float = 0.0
) -> Stat:
    """A counter of this hour."""
    return Stat.objects.create(
        hour=this_hour(), kind=kind, task_name=task, label=label, count=number, seconds=seconds
    )


def this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def make_queue(name: str, depth: int, *, stale: bool = False) -> LeaseRow:
    """A queue's depth as a keeper samples it; a stale one is a minute past its time."""
    expires_at = timezone.now() + (timedelta(minutes=-1) if stale else timedelta(minutes=1))
    return LeaseRow.objects.create(kind="queue", key=name, data={"depth": depth}, expires_at=expires_at)


def make_event(**values: Any) -> Event:
    """Someone's act."""
    defaults = {
        "at": timezone.now(),
        "actor": "mia",
        "kind": "retry",
        "subject": "task-1",
        "reason": "gateway is back",
    }
    return Event.objects.create(**{**defaults, **values})


def make_everything() -> None:
    """Something in every place a page has."""
    for number in range(3):
        record = make_record(exception_message=f"amount {number} must be positive")
        make_attempt(record, 1)
    make_record(failure_type="SYSTEM_DISK_FULL", task_name="reports.render", max_retries=3)
    make_waiting_record(hold_reason="Breaker of pay is open")
    make_record(status="RESOLVED", resolved_at=timezone.now())
    make_record(status="ABANDONED", abandoned_at=timezone.now(), failure_type="UNKNOWN", exception_message="")
    for label, number in (("success", 90), ("failure", 20), ("retry", 5)):
        make_stat("execution", label, number, seconds=number * 0.5)
    make_stat("retry", "TRANSIENT_NETWORK:success", 14)
    make_stat("retry", "TRANSIENT_NETWORK:failure", 1)
    make_duplicates("billing.charge", "global:view:shop:checkout", checks=380, hits=3)
    make_duplicates("billing.charge", "user:beat:nightly invoices", checks=40, hits=31)
    make_queue("reports", 340)
    make_event()


def make_duplicates(task: str, label: str, *, checks: int, hits: int) -> None:
    """Calls of an idempotent task in this hour, and how many came again."""
    make_stat("idempotency-check", label, checks, task=task)
    if hits:
        make_stat("idempotency-hit", label, hits, task=task)


def make_staff(name: str, *permissions: str) -> User:
    """A member of staff with these permissions on records, such as ``view`` or ``change``."""
    user = User.objects.create_user(name, password=name, is_staff=True)
    names = [f"{permission}_taskfailurerecord" for permission in permissions]
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return user
