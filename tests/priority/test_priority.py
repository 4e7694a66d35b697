"""How much a task matters, and the line that says why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.priority import PriorityRules, PriorityService, TaskPriority
from redrive.taxonomy import FailureType

SERVICE = PriorityService()


def test_levels_have_their_documented_values_and_queues() -> None:
    assert [(level.name, level.value, level.queue) for level in TaskPriority] == [
        ("CRITICAL", 10, "critical"),
        ("HIGH", 8, "high_priority"),
        ("MEDIUM", 6, "reports"),
        ("LOW", 4, "maintenance"),
        ("DEFERRED", 2, "maintenance"),
    ]
    assert str(TaskPriority.HIGH) == "TaskPriority.HIGH"


def test_a_payment_of_an_enterprise_customer_is_high() -> None:
    result = SERVICE.calculate_priority("process_payment", {"customer_tier": "enterprise"})

    assert (result.priority, result.score, result.queue) == (TaskPriority.HIGH, 8.0, "high_priority")
    assert (result.rationale, result.escalated) == ("Base: HIGH", False)


def test_the_documented_escalation_has_the_documented_line() -> None:
    result = SERVICE.calculate_priority(
        "process_payment", {"customer_tier": "enterprise", "age_hours": 2, "retry_count": 3}
    )

    assert result.priority is TaskPriority.CRITICAL
    assert result.rationale == "Base: HIGH | SLA breach (+1.0) | Aged 2.0h (+0.5) → ESCALATED to CRITICAL"
    assert (result.score, result.queue, result.escalated) == (9.5, "critical", True)
    assert [(one.factor, one.points) for one in result.adjustments] == [("sla", 1.0), ("age", 0.5)]


@pytest.mark.parametrize(
    ("age_hours", "points"), [(5.99, 0), (6, 0.5), (11.99, 0.5), (12, 1), (23.99, 1), (24, 2), (1000, 2)]
)
def test_age_adds_points_at_6_12_and_24_hours(age_hours: float, points: float) -> None:
    assert SERVICE.calculate_priority("make_report", {"age_hours": age_hours}).score == 6 + points


@pytest.mark.parametrize(
    ("tier", "age_hours", "points"),
    [
        ("enterprise", 0.2499, 0),
        ("enterprise", 0.25, 1),  # 15 min promised
        ("enterprise", 1.99, 1),
        ("enterprise", 2, 1.5),  # 8 x 15 min
        ("enterprise", 4, 2),
        ("enterprise", 8, 3),
        ("premium", 0.5, 1),
        ("premium", 4, 1.5),
        ("standard", 2, 1),
        ("standard", 6, 1.5),  # 8 x 2 h = 16 h, so 6 h comes sooner
        ("basic", 7.99, 0.5),
        ("basic", 8, 1.5),
        ("nonsense", 5, 0),
    ],
)
def test_promises_add_a_point_when_broken_and_bring_age_forward(
    tier: str, age_hours: float, points: float
) -> None:
    result = SERVICE.calculate_priority("make_report", {"customer_tier": tier, "age_hours": age_hours})

    assert result.score == 6 + points


@pytest.mark.parametrize(
    ("context", "score", "rationale"),
    [
        ({"retry_count": 4}, 6, "Base: MEDIUM"),
        ({"retry_count": 5}, 7, "Base: MEDIUM | 5 retries (+1.0) → ESCALATED to HIGH"),
        ({"failure_type": "SYSTEM_DISK_FULL"}, 8, "Base: MEDIUM | System failure (+2.0) → ESCALATED to HIGH"),
        ({"failure_type": FailureType.SYSTEM_WORKER_LOST}, 8,
         "Base: MEDIUM | System failure (+2.0) → ESCALATED to HIGH"),
        ({"failure_type": "PERMANENT_PERMISSION"}, 7, "Base: MEDIUM | Security failure (+1.0) → ESCALATED to HIGH"),
        ({"failure_type": "TRANSIENT_NETWORK"}, 6, "Base: MEDIUM"),
        ({"is_safety_critical": True}, 10, "Base: MEDIUM | Safety critical → ESCALATED to CRITICAL"),
    ],
)  # fmt: skip
def test_each_factor_adds_its_points_and_says_so(
    context: dict[str, Any], score: float, rationale: str
) -> None:
    result = SERVICE.calculate_priority("make_report", context)

    assert (result.score, result.rationale) == (score, rationale)


@pytest.mark.parametrize(
    ("score", "level"),
    [(9, "CRITICAL"), (8.99, "HIGH"), (7, "HIGH"), (6.99, "MEDIUM"),
     (5, "MEDIUM"), (4.99, "LOW"), (3, "LOW"), (2.99, "DEFERRED")],
)  # fmt: skip
def test_scores_become_levels_at_9_7_5_and_3(score: float, level: str) -> None:
    from redrive.priority.rules import level_of

    assert level_of(score).name == level


@pytest.mark.parametrize(
    ("task_name", "level"),
    [
        ("shop.tasks.process_payment", "HIGH"),
        ("shop.tasks.send_order_email", "HIGH"),
        ("alarms.raise_safety_alarm", "CRITICAL"),
        ("payments.tasks.generate_payment_report", "MEDIUM"),
        ("cleanup_security_logs", "LOW"),
        ("maintenance.purge_sessions", "LOW"),
        ("search.rebuild_index", "DEFERRED"),
        ("shop.tasks.frobnicate", "MEDIUM"),
        ("security.tasks.frobnicate", "MEDIUM"),  # only the task's own name counts
    ],
)
def test_a_tasks_name_gives_its_base_level(task_name: str, level: str) -> None:
    assert SERVICE.calculate_priority(task_name).base.name == level


@given(
    st.floats(0, 1000),
    st.floats(0, 1000),
    st.sampled_from(["enterprise", "premium", "standard", "basic", None]),
)
def test_an_older_task_never_matters_less(one: float, other: float, tier: str | None) -> None:
    younger, older = (
        SERVICE.calculate_priority("process_payment", {"age_hours": age, "customer_tier": tier})
        for age in sorted((one, other))
    )

    assert younger.score <= older.score


@given(st.dictionaries(
    st.sampled_from(["customer_tier", "age_hours", "retry_count", "failure_type", "is_safety_critical", "priority"]),
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(), st.lists(st.integers()), st.integers()),
))  # fmt: skip
def test_a_priority_comes_out_whatever_goes_in(context: dict[str, Any]) -> None:
    result = SERVICE.calculate_priority("make_report", context)

    assert result.queue == result.priority.queue
    assert result.priority.value >= result.base.value


def test_own_patterns_and_tiers_go_first_and_a_tenants_before_them() -> None:
    service = PriorityService(
        PriorityRules(patterns=((r"frobnicate", TaskPriority.LOW),), sla_hours={"gold": 1.0}),
        tenants={"hospital": PriorityRules(patterns=((r"frobnicate", TaskPriority.CRITICAL),))},
    )

    assert service.calculate_priority("frobnicate").base is TaskPriority.LOW
    assert (
        service.calculate_priority("frobnicate", {"business_unit": "hospital"}).base is TaskPriority.CRITICAL
    )
    gold = {"customer_tier": "gold", "age_hours": 1}
    assert service.calculate_priority("frobnicate", gold).score == 5
    assert service.calculate_priority("frobnicate", gold | {"business_unit": "hospital"}).score == 11


def test_a_declared_priority_replaces_the_names() -> None:
    for declared in ("LOW", 4, TaskPriority.LOW):
        assert SERVICE.calculate_priority("process_payment", {"priority": declared}).base is TaskPriority.LOW


def test_a_result_is_json_ready() -> None:
    assert SERVICE.calculate_priority("make_report", {"retry_count": 5}).to_dict() == {
        "priority": "HIGH",
        "score": 7.0,
        "queue": "high_priority",
        "rationale": "Base: MEDIUM | 5 retries (+1.0) → ESCALATED to HIGH",
        "adjustments": [{"factor": "retries", "label": "5 retries", "points": 1.0}],
        "escalated": True,
        "base": "MEDIUM",
    }
