"""The documented import paths of the reference project, and where the package has the same objects."""

import importlib
from typing import Any

VIEWS = (
    "task_dashboard",
    "dlq_management",
    "retry_dlq_task",
    "abandon_dlq_task",
    "bulk_retry_dlq",
    "failure_taxonomy_dashboard",
    "idempotency_analysis",
    "retry_policy_dashboard",
    "api_dlq_status",
    "api_circuit_breakers",
    "api_failure_trends",
)

# documented module -> name -> module of the package that has the same object under that name
DOCUMENTED = {
    "apps.core.tasks.failure_taxonomy": {
        "FailureTaxonomy": "redrive.taxonomy",
        "FailureType": "redrive.taxonomy",
        "RemediationAction": "redrive.taxonomy",
    },
    "apps.core.tasks.smart_retry": {"retry_engine": "redrive.runtime"},
    "apps.core.tasks.base": {"IdempotentTask": "redrive.celery"},
    "apps.core.services.task_priority_service": {
        "TaskPriority": "redrive.priority",
        "priority_service": "redrive.runtime",
    },
    "apps.core.models.task_failure_record": {"TaskFailureRecord": "redrive.models"},
    "apps.core.views.task_monitoring_dashboard": dict.fromkeys(VIEWS, "redrive.dashboards.views"),
}


def compare() -> dict[str, Any]:
    """For every documented module its `__all__`, and for every documented name whether it is the package's object."""
    found: dict[str, Any] = {}
    for path, names in DOCUMENTED.items():
        module = importlib.import_module(path)
        same = {
            name: getattr(module, name, None) is getattr(importlib.import_module(home), name)
            for name, home in names.items()
        }
        found[path] = {"all": sorted(module.__all__), "same": same}
    return found
