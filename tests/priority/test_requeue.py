"""Sending a task back to work, in both documented call styles; and what brokers call a level."""

import pytest

from redrive.priority import (
    BROKER_PRIORITIES,
    PriorityService,
    RequeueRequest,
    RequeueResult,
    TaskPriority,
    broker_priority,
)


class Recorder:
    def __init__(self) -> None:
        self.requests: list[RequeueRequest] = []

    def requeue(self, request: RequeueRequest) -> str:
        self.requests.append(request)
        return "new-id"


def test_positional_style_with_a_priority() -> None:
    recorder = Recorder()

    result = PriorityService(requeuer=recorder).requeue_task(
        "id-1", "shop.pay", (1, 2), {"c": 3}, priority=TaskPriority.HIGH
    )

    assert result == RequeueResult(
        task_id="new-id",
        original_task_id="id-1",
        task_name="shop.pay",
        priority=TaskPriority.HIGH,
        queue="high_priority",
        rationale="Set by the caller: HIGH",
    )
    assert recorder.requests[0].args == (1, 2)
    assert recorder.requests[0].kwargs == {"c": 3}


def test_keyword_style_with_a_context() -> None:
    recorder = Recorder()

    result = PriorityService(requeuer=recorder).requeue_task(
        task_id="id-1",
        task_name="process_payment",
        task_args=[7],
        context={"customer_tier": "enterprise", "age_hours": 2},
    )

    assert (result.priority, result.queue) == (TaskPriority.CRITICAL, "critical")
    assert result.rationale == "Base: HIGH | SLA breach (+1.0) | Aged 2.0h (+0.5) → ESCALATED to CRITICAL"
    assert recorder.requests[0] == RequeueRequest(
        task_id="id-1",
        task_name="process_payment",
        args=(7,),
        kwargs={},
        priority=TaskPriority.CRITICAL,
        queue="critical",
        rationale=result.rationale,
    )


def test_a_project_that_names_its_queues_is_told_its_own_names() -> None:
    recorder = Recorder()
    service = PriorityService(requeuer=recorder, queues={"HIGH": "fast"})

    result = service.requeue_task("id-1", "shop.pay", priority=TaskPriority.HIGH)

    assert (result.queue, recorder.requests[0].queue) == ("fast", "fast")
    assert service.calculate_priority("process_payment").queue == "fast"
    assert service.calculate_priority("make_report").queue == "reports"


def test_a_priority_that_is_none_is_refused_before_anything_is_published() -> None:
    recorder = Recorder()

    with pytest.raises(ValueError, match=r"No priority 'URGENT'. Known: CRITICAL, HIGH"):
        PriorityService(requeuer=recorder).requeue_task("id-1", "shop.pay", priority="URGENT")
    assert recorder.requests == []


def test_without_a_requeuer_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="without a requeuer"):
        PriorityService().requeue_task("id-1", "shop.pay")


def test_brokers_get_their_own_numbers() -> None:
    assert {name: list(levels.values()) for name, levels in BROKER_PRIORITIES.items()} == {
        "amqp": [10, 8, 6, 4, 2],
        "redis": [0, 0, 3, 6, 9],
    }
    assert broker_priority(TaskPriority.LOW, "redis") == 6
    assert broker_priority(TaskPriority.LOW, "sqs") is None
