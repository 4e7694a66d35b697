"""Documented path of the pages' view functions."""

from redrive.dashboards.views import (
    abandon_dlq_task,
    api_circuit_breakers,
    api_dlq_status,
    api_failure_trends,
    bulk_retry_dlq,
    dlq_management,
    failure_taxonomy_dashboard,
    idempotency_analysis,
    retry_dlq_task,
    retry_policy_dashboard,
    task_dashboard,
)

__all__ = [
    "abandon_dlq_task",
    "api_circuit_breakers",
    "api_dlq_status",
    "api_failure_trends",
    "bulk_retry_dlq",
    "dlq_management",
    "failure_taxonomy_dashboard",
    "idempotency_analysis",
    "retry_dlq_task",
    "retry_policy_dashboard",
    "task_dashboard",
]
