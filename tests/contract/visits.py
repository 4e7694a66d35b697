"""The reference project's pages as a member of staff gets them, in its own process and with its own URLs."""

from dataclasses import dataclass
from typing import Any

from tests.servers.django_project import Project

_VISIT = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from apps.core.models.task_failure_record import TaskFailureRecord

now = timezone.now()
seconds = timedelta(seconds=5)  # so that a slow machine still reads the same number of hours and minutes

def record(task_id, status, failure_type, **values):
    at = now - timedelta(hours=2) - seconds
    TaskFailureRecord.objects.update_or_create(task_id=task_id, defaults={
        "task_name": "billing.charge", "status": status, "failure_type": failure_type, "attempt": 1,
        "exception_type": "ValueError", "exception_message": "amount must be positive", "message_source": "raw",
        "queue_name": "reports", "first_failed_at": at, "last_failed_at": at, "max_retries": 5, **values})

record("green", "PENDING", "PERMANENT_VALIDATION", retry_count=1, business_unit="north")
record("orange", "RETRYING", "TRANSIENT_NETWORK", retry_count=3,
       next_retry_at=now + timedelta(minutes=30) + 2 * seconds)
record("red", "PENDING", "EXTERNAL_API_DOWN", retry_count=5, task_name="reports.render")
record("done", "RESOLVED", "SYSTEM_DISK_FULL", retry_count=0, exception_message="No space left on device")
record("gone", "ABANDONED", "CONFIG_MISSING_SETTING", first_failed_at=now - timedelta(days=20))
ids = dict(TaskFailureRecord.objects.values_list("task_id", "pk"))

user, _ = User.objects.get_or_create(username="staff", defaults={"is_staff": True, "is_superuser": True})
staff = Client()
staff.force_login(user)
visitors = {"staff": staff, "nobody": Client()}
result = {}
"""

_ONE = """
answer = visitors[{who!r}].{method}({address!r}.format(**ids), {data!r}, follow={follow!r})
streamed = getattr(answer, "streaming", False)
body = b"".join(answer.streaming_content) if streamed else answer.content
result[{key!r}] = [answer.status_code, body.decode(), answer.headers.get("Content-Type", ""),
                   dict(TaskFailureRecord.objects.values_list("task_id", "status"))]
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request. `address` may name records: ``/admin/tasks/dlq/{red}/retry/``. `who` is ``staff`` or ``nobody``."""

    address: str
    method: str = "get"
    data: tuple[tuple[str, str], ...] = ()
    who: str = "staff"
    follow: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and every record's status afterwards by its task id."""

    code: int
    body: str
    kind: str
    statuses: dict[str, str]


def visit(project: Project, visits: list[Visit]) -> list[Answer]:
    """Make five records (green, orange, red, done, gone), then the requests in order, in one process."""
    lines = [_VISIT]
    for number, one in enumerate(visits):
        values: dict[str, Any] = {
            "who": one.who, "method": one.method, "address": one.address, "data": dict(one.data),
            "follow": one.follow, "key": str(number),
        }  # fmt: skip
        lines.append(_ONE.format(**values))
    found = project.python("\n".join(lines))
    return [Answer(*found[str(number)]) for number in range(len(visits))]
