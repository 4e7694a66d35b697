"""Priority: how much a task matters now, and therefore which queue it goes to.

    service = PriorityService()
    result = service.calculate_priority(
        "process_payment", {"customer_tier": "enterprise", "age_hours": 2, "retry_count": 3})
    result.priority     # TaskPriority.CRITICAL
    result.queue        # "critical"
    result.rationale    # "Base: HIGH | SLA breach (+1.0) | Aged 2.0h (+0.5) → ESCALATED to CRITICAL"

The task's name gives the base level; a broken promise to the customer, age, many retries and the kind of
failure add points; the sum is a level again. A safety-critical task is CRITICAL whatever else.
"""

from redrive.priority.broker import BROKER_PRIORITIES, broker_priority
from redrive.priority.service import PriorityRules, PriorityService, Requeuer
from redrive.priority.types import (
    PriorityAdjustment,
    PriorityResult,
    RequeueRequest,
    RequeueResult,
    TaskPriority,
)

__all__ = [
    "BROKER_PRIORITIES",
    "PriorityAdjustment",
    "PriorityResult",
    "PriorityRules",
    "PriorityService",
    "RequeueRequest",
    "RequeueResult",
    "Requeuer",
    "TaskPriority",
    "broker_priority",
]
