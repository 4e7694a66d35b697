"""The documented paths under their plain URL names, and the documented path of the records' admin."""

from django.urls import path
from django.views.generic import RedirectView

from apps.core.views import task_monitoring_dashboard as views

__all__ = ["urlpatterns"]

urlpatterns = [
    path("tasks/dashboard/", views.task_dashboard, name="task_dashboard"),
    path("tasks/dlq/", views.dlq_management, name="dlq_management"),
    path("tasks/dlq/<int:task_id>/retry/", views.retry_dlq_task, name="retry_dlq_task"),
    path("tasks/dlq/<int:task_id>/abandon/", views.abandon_dlq_task, name="abandon_dlq_task"),
    path("tasks/dlq/bulk-retry/", views.bulk_retry_dlq, name="bulk_retry_dlq"),
    path("tasks/idempotency-analysis/", views.idempotency_analysis, name="idempotency_analysis"),
    path("tasks/failure-taxonomy/", views.failure_taxonomy_dashboard, name="failure_taxonomy"),
    path("tasks/retry-policy/", views.retry_policy_dashboard, name="retry_policy"),
    path("tasks/api/dlq/", views.api_dlq_status, name="api_dlq_status"),
    path("tasks/api/circuit-breakers/", views.api_circuit_breakers, name="api_circuit_breakers"),
    path("tasks/api/failure-trends/", views.api_failure_trends, name="api_failure_trends"),
    # The records live in the package's admin. Only reads are led there: a redirected form would lose its fields.
    path(
        "core/taskfailurerecord/",
        RedirectView.as_view(
            pattern_name="admin:redrive_taskfailurerecord_changelist",
            query_string=True,
            http_method_names=["get", "head", "options"],
        ),
    ),
]
