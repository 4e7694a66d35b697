"""Section 3: `from apps.core.services.task_priority_service import priority_service, TaskPriority`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract import typed
from tests.contract.typed import Typed
from tests.example.conftest import example_project
from tests.path.records import record_of
from tests.servers import ValkeyServer
from tests.servers.django_project import Project

IMPORTS = """
from apps.core.services.task_priority_service import priority_service, TaskPriority

def show(task_name, context):
    result = priority_service.calculate_priority(task_name, context)
    print(result.priority.name, result.score, result.rationale)
"""

LEVELS = [
    Typed(
        "each level has its value and its queue",
        "for level in TaskPriority:\n    print(level.name, level.value, level.queue)",
        "CRITICAL 10 critical\nHIGH 8 high_priority\nMEDIUM 6 reports\nLOW 4 maintenance\nDEFERRED 2 maintenance",
    ),
    Typed("TaskPriority.CRITICAL.value == 10", "TaskPriority.CRITICAL.value == 10", "True"),
    Typed("a level prints with its class's name", "TaskPriority.HIGH", "TaskPriority.HIGH"),
    Typed("it is a plain enum", "TaskPriority.__mro__[1:]", "(<enum 'Enum'>, <class 'object'>)"),
    Typed("a level is found by its value", "TaskPriority(8)", "TaskPriority.HIGH"),
]

FIXED_POINTS = [
    Typed(
        "an enterprise payment is HIGH",
        "priority_service.calculate_priority('process_payment', {'customer_tier': 'enterprise'}).priority",
        "TaskPriority.HIGH",
    ),
    Typed(
        "after 2 h and 3 retries it is CRITICAL",
        "priority_service.calculate_priority('process_payment', "
        "{'customer_tier': 'enterprise', 'age_hours': 2, 'retry_count': 3}).priority",
        "TaskPriority.CRITICAL",
    ),
    Typed(
        "with this rationale",
        "priority_service.calculate_priority('process_payment', "
        "{'customer_tier': 'enterprise', 'age_hours': 2, 'retry_count': 3}).rationale",
        "Base: HIGH | SLA breach (+1.0) | Aged 2.0h (+0.5) → ESCALATED to CRITICAL",
    ),
    Typed(
        "the result's names",
        "r = priority_service.calculate_priority('process_payment', "
        "{'customer_tier': 'enterprise', 'age_hours': 2, 'retry_count': 3})\n"
        "print(r.priority, r.score, r.queue, r.escalated)\n"
        "for one in r.adjustments:\n"
        "    print(one.label, one.points)",
        "TaskPriority.CRITICAL 9.5 critical True\nSLA breach 1.0\nAged 2.0h 0.5",
    ),
    Typed(
        "what is not raised is not escalated",
        "r = priority_service.calculate_priority('process_payment', {'customer_tier': 'enterprise'})\n"
        "print(r.score, r.queue, r.rationale, r.escalated, r.adjustments)",
        "8.0 high_priority Base: HIGH False ()",
    ),
    Typed(
        "the base level comes from the task's name",
        "names = ('raise_safety_alarm', 'process_payment', 'make_report', 'cleanup_sessions', 'rebuild_index')\n"
        "' '.join(priority_service.calculate_priority(n, {}).priority.name for n in names)",
        "CRITICAL HIGH MEDIUM LOW DEFERRED",
    ),
    Typed(
        "the context may be named",
        "priority_service.calculate_priority(task_name='make_report', context={}).queue",
        "reports",
    ),
]

# What the contract says -> context of `make_report` (base level MEDIUM, 6 points) -> what `show` prints
_M = "MEDIUM 6.0 Base: MEDIUM"
FACTORS: list[tuple[str, dict[str, Any], str]] = [
    ("nothing known", {}, _M),
    ("enterprise: just under 15 min", {"customer_tier": "enterprise", "age_hours": 0.2499}, _M),
    ("enterprise: 15 min", {"customer_tier": "enterprise", "age_hours": 0.25},
     "HIGH 7.0 Base: MEDIUM | SLA breach (+1.0) → ESCALATED to HIGH"),
    ("premium: just under 30 min", {"customer_tier": "premium", "age_hours": 0.499}, _M),
    ("premium: 30 min", {"customer_tier": "premium", "age_hours": 0.5},
     "HIGH 7.0 Base: MEDIUM | SLA breach (+1.0) → ESCALATED to HIGH"),
    ("standard: just under 2 h", {"customer_tier": "standard", "age_hours": 1.999}, _M),
    ("standard: 2 h", {"customer_tier": "standard", "age_hours": 2},
     "HIGH 7.0 Base: MEDIUM | SLA breach (+1.0) → ESCALATED to HIGH"),
    ("basic: just under 8 h, 6 h passed", {"customer_tier": "basic", "age_hours": 7.96},
     "MEDIUM 6.5 Base: MEDIUM | Aged 8.0h (+0.5)"),
    ("basic: 8 h", {"customer_tier": "basic", "age_hours": 8},
     "HIGH 7.5 Base: MEDIUM | SLA breach (+1.0) | Aged 8.0h (+0.5) → ESCALATED to HIGH"),
    ("no tier: just under 6 h", {"age_hours": 5.999}, _M),
    ("no tier: 6 h", {"age_hours": 6}, "MEDIUM 6.5 Base: MEDIUM | Aged 6.0h (+0.5)"),
    ("no tier: just under 12 h", {"age_hours": 11.999}, "MEDIUM 6.5 Base: MEDIUM | Aged 12.0h (+0.5)"),
    ("no tier: 12 h", {"age_hours": 12}, "HIGH 7.0 Base: MEDIUM | Aged 12.0h (+1.0) → ESCALATED to HIGH"),
    ("no tier: just under 24 h", {"age_hours": 23.999},
     "HIGH 7.0 Base: MEDIUM | Aged 24.0h (+1.0) → ESCALATED to HIGH"),
    ("no tier: 24 h", {"age_hours": 24}, "HIGH 8.0 Base: MEDIUM | Aged 24.0h (+2.0) → ESCALATED to HIGH"),
    ("only the highest age step counts", {"age_hours": 1000},
     "HIGH 8.0 Base: MEDIUM | Aged 1000.0h (+2.0) → ESCALATED to HIGH"),
    ("enterprise: just under 8 times the SLA", {"customer_tier": "enterprise", "age_hours": 1.999},
     "HIGH 7.0 Base: MEDIUM | SLA breach (+1.0) → ESCALATED to HIGH"),
    ("enterprise: 8 times, 2 h", {"customer_tier": "enterprise", "age_hours": 2},
     "HIGH 7.5 Base: MEDIUM | SLA breach (+1.0) | Aged 2.0h (+0.5) → ESCALATED to HIGH"),
    ("enterprise: 16 times, 4 h", {"customer_tier": "enterprise", "age_hours": 4},
     "HIGH 8.0 Base: MEDIUM | SLA breach (+1.0) | Aged 4.0h (+1.0) → ESCALATED to HIGH"),
    ("enterprise: 32 times, 8 h", {"customer_tier": "enterprise", "age_hours": 8},
     "CRITICAL 9.0 Base: MEDIUM | SLA breach (+1.0) | Aged 8.0h (+2.0) → ESCALATED to CRITICAL"),
    ("premium: 8 times, 4 h", {"customer_tier": "premium", "age_hours": 4},
     "HIGH 7.5 Base: MEDIUM | SLA breach (+1.0) | Aged 4.0h (+0.5) → ESCALATED to HIGH"),
    ("premium: 16 times, 8 h", {"customer_tier": "premium", "age_hours": 8},
     "HIGH 8.0 Base: MEDIUM | SLA breach (+1.0) | Aged 8.0h (+1.0) → ESCALATED to HIGH"),
    ("premium: 32 times, 16 h", {"customer_tier": "premium", "age_hours": 16},
     "CRITICAL 9.0 Base: MEDIUM | SLA breach (+1.0) | Aged 16.0h (+2.0) → ESCALATED to CRITICAL"),
    ("standard: 6 h comes sooner than 8 times the SLA", {"customer_tier": "standard", "age_hours": 6},
     "HIGH 7.5 Base: MEDIUM | SLA breach (+1.0) | Aged 6.0h (+0.5) → ESCALATED to HIGH"),
    ("4 retries", {"retry_count": 4}, _M),
    ("5 retries", {"retry_count": 5}, "HIGH 7.0 Base: MEDIUM | 5 retries (+1.0) → ESCALATED to HIGH"),
    ("6 retries", {"retry_count": 6}, "HIGH 7.0 Base: MEDIUM | 6 retries (+1.0) → ESCALATED to HIGH"),
    ("a system failure", {"failure_type": "SYSTEM_OUT_OF_MEMORY"},
     "HIGH 8.0 Base: MEDIUM | System failure (+2.0) → ESCALATED to HIGH"),
    ("a security failure", {"failure_type": "PERMANENT_PERMISSION"},
     "HIGH 7.0 Base: MEDIUM | Security failure (+1.0) → ESCALATED to HIGH"),
    ("another failure", {"failure_type": "TRANSIENT_NETWORK"}, _M),
    ("safety critical", {"is_safety_critical": True},
     "CRITICAL 10.0 Base: MEDIUM | Safety critical → ESCALATED to CRITICAL"),
    ("safety critical, whatever else", {"is_safety_critical": True, "priority": "DEFERRED", "customer_tier": "basic"},
     "CRITICAL 10.0 Base: DEFERRED | Safety critical → ESCALATED to CRITICAL"),
    ("not safety critical", {"is_safety_critical": False}, _M),
    ("9 is CRITICAL", {"priority": "HIGH", "retry_count": 5},
     "CRITICAL 9.0 Base: HIGH | 5 retries (+1.0) → ESCALATED to CRITICAL"),
    ("8.5 is HIGH", {"priority": "HIGH", "age_hours": 6}, "HIGH 8.5 Base: HIGH | Aged 6.0h (+0.5)"),
    ("7 is HIGH", {"priority": "MEDIUM", "retry_count": 5},
     "HIGH 7.0 Base: MEDIUM | 5 retries (+1.0) → ESCALATED to HIGH"),
    ("6.5 is MEDIUM", {"priority": "MEDIUM", "age_hours": 6}, "MEDIUM 6.5 Base: MEDIUM | Aged 6.0h (+0.5)"),
    ("5 is MEDIUM", {"priority": "LOW", "retry_count": 5},
     "MEDIUM 5.0 Base: LOW | 5 retries (+1.0) → ESCALATED to MEDIUM"),
    ("4.5 is LOW", {"priority": "LOW", "age_hours": 6}, "LOW 4.5 Base: LOW | Aged 6.0h (+0.5)"),
    ("3 is LOW", {"priority": "DEFERRED", "retry_count": 5},
     "LOW 3.0 Base: DEFERRED | 5 retries (+1.0) → ESCALATED to LOW"),
    ("2.5 is DEFERRED", {"priority": "DEFERRED", "age_hours": 6},
     "DEFERRED 2.5 Base: DEFERRED | Aged 6.0h (+0.5)"),
]  # fmt: skip
BOUNDARIES = [Typed(says, f"show('make_report', {context!r})", shown) for says, context, shown in FACTORS]
CASES = [*LEVELS, *FIXED_POINTS, *BOUNDARIES]


@pytest.fixture(scope="module")
def shell(reference: Project) -> dict[str, str]:
    return typed.run(reference, IMPORTS, CASES)


@pytest.mark.parametrize("case", LEVELS, ids=lambda case: case.says)
def test_the_levels(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


@pytest.mark.parametrize("case", FIXED_POINTS, ids=lambda case: case.says)
def test_the_fixed_points(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


@pytest.mark.parametrize("case", BOUNDARIES, ids=lambda case: case.says)
def test_the_factors_and_their_boundaries(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


# -- requeue_task ------------------------------------------------------------------------------------------


@pytest.fixture
def with_broker(tmp_path: Path, valkey: ValkeyServer) -> Project:
    """The reference project on SQLite with a Valkey nobody reads from."""
    project = example_project(tmp_path, {"BROKER_URL": valkey.url})
    project.manage("migrate", "-v", "0")
    return project


# Asks the façade, then takes from the broker what is in the queue that the answer names.
_REQUEUE = """
from apps.core.services.task_priority_service import priority_service, TaskPriority
from apps.core.models.task_failure_record import TaskFailureRecord
from config import celery_app

{before}
answer = {call}
with celery_app.connection() as connection:
    found = connection.default_channel.basic_get(answer.queue)
message = found and found.headers
result = {{
    "priority": answer.priority.name, "queue": answer.queue, "id": answer.task_id, "was": answer.original_task_id,
    "why": answer.rationale,
    "message": message and [message["task"], message["id"], found.decode()[:2]],
    "records": list(TaskFailureRecord.objects.values_list("task_id", "status", "queue_name")),
}}
"""


def _requeue(project: Project, call: str, before: str = "") -> dict[str, Any]:
    return dict(project.python(_REQUEUE.format(call=call, before=before)))


def test_requeue_positionally_with_a_priority(with_broker: Project) -> None:
    found = _requeue(
        with_broker,
        "priority_service.requeue_task('id-1', 'facilities.send_notification', [7], {'x': 1},"
        " priority=TaskPriority.HIGH)",
    )

    assert found == {
        "priority": "HIGH",
        "queue": "high_priority",
        "id": "id-1",
        "was": "id-1",
        "why": "Set by the caller: HIGH",
        "message": ["facilities.send_notification", "id-1", [[7], {"x": 1}]],
        "records": [],
    }


def test_requeue_by_keywords_with_a_context(with_broker: Project) -> None:
    found = _requeue(
        with_broker,
        "priority_service.requeue_task(task_id='id-2', task_name='process_payment', task_args=[1, 2],"
        " context={'customer_tier': 'enterprise', 'age_hours': 2, 'retry_count': 3})",
    )

    assert found == {
        "priority": "CRITICAL",
        "queue": "critical",
        "id": "id-2",
        "was": "id-2",
        "why": "Base: HIGH | SLA breach (+1.0) | Aged 2.0h (+0.5) → ESCALATED to CRITICAL",
        "message": ["process_payment", "id-2", [[1, 2], {}]],
        "records": [],
    }


_RECORD = (
    "from django.utils import timezone\n"
    "TaskFailureRecord.objects.create(task_id='id-3', task_name='process_payment', status='{status}',"
    " message_source='raw', attempt=1, first_failed_at=timezone.now(), queue_name='celery')"
)


def test_requeue_of_a_dead_letter_sends_its_record_under_its_own_id(with_broker: Project) -> None:
    """The record's keeper sends it, so that nothing is sent twice."""
    found = _requeue(
        with_broker,
        "priority_service.requeue_task('id-3', 'process_payment', (), {}, priority=TaskPriority.CRITICAL)",
        before=_RECORD.format(status="PENDING"),
    )

    assert (found["queue"], found["id"], found["message"]) == ("critical", "id-3", None)
    assert found["records"] == [["id-3", "RETRYING", "critical"]]


def test_requeue_of_a_resolved_task_goes_out_under_a_new_id_and_says_so(with_broker: Project) -> None:
    """Its own id stands for a result already."""
    found = _requeue(
        with_broker,
        "priority_service.requeue_task('id-3', 'process_payment', [5], priority=TaskPriority.LOW)",
        before=_RECORD.format(status="RESOLVED"),
    )

    assert (found["queue"], found["was"]) == ("maintenance", "id-3")
    assert found["id"] != "id-3"
    assert found["message"] == ["process_payment", found["id"], [[5], {}]]
    assert found["records"] == [["id-3", "RESOLVED", "celery"]]


def test_requeue_into_a_queue_that_the_project_renamed_names_that_queue(with_broker: Project) -> None:
    found = _requeue(
        with_broker,
        "priority_service.requeue_task('id-4', 'process_payment', priority=TaskPriority.HIGH)",
        before=(
            "from django.conf import settings\n"
            "from django.test.utils import override_settings\n"
            f"override_settings(REDRIVE={{**settings.REDRIVE, 'QUEUES': {json.dumps({'HIGH': 'reports'})}}}).enable()"
        ),
    )

    assert (found["queue"], found["message"][1]) == ("reports", "id-4")


def test_a_requeued_dead_letter_runs_in_its_new_queue_and_is_resolved(
    make_project: Callable[..., Project], sqlite_url: str, valkey: ValkeyServer
) -> None:
    """All the way, with a worker that reads nothing but the queue of HIGH once the task is dead."""
    project = make_project(
        database_url=sqlite_url, broker_url=valkey.url, redrive={"KEEPER": {"POLL_SECONDS": 0.2}}
    )
    path = project.scratch / "fixed"
    first = project.worker(concurrency=1)
    task_id = project.send("shop.tasks.invalid_until", "one", str(path))
    record_of(project, task_id, "PENDING")
    first.stop()
    path.touch()

    project.python(
        "from redrive.runtime import priority_service\n"
        f"answer = priority_service.requeue_task({task_id!r}, 'shop.tasks.invalid_until', priority='HIGH')\n"
        f"assert (answer.task_id, answer.queue) == ({task_id!r}, 'high_priority'), answer"
    )
    project.worker(concurrency=1, queues=["high_priority"])

    record = record_of(project, task_id, "RESOLVED")
    assert (record["attempt"], record["queue_name"]) == (2, "high_priority")
