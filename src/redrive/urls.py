"""Addresses of the pages and the JSON. Include them before the admin's::

path("admin/tasks/", include("redrive.urls")),
path("admin/", admin.site.urls),
"""

from __future__ import annotations

from django.urls import path

from redrive.dashboards import views

app_name = "redrive"

urlpatterns = [
    path("dashboard/", views.task_dashboard, name="task_dashboard"),
    path("dlq/", views.dlq_management, name="dlq_management"),
    path("dlq/<int:task_id>/retry/", views.retry_dlq_task, name="retry_dlq_task"),
    path("dlq/<int:task_id>/abandon/", views.abandon_dlq_task, name="abandon_dlq_task"),
    path("dlq/bulk-retry/", views.bulk_retry_dlq, name="bulk_retry_dlq"),
    path("failure-taxonomy/", views.failure_taxonomy_dashboard, name="failure_taxonomy"),
    path("failure-taxonomy/judge/", views.judge_failure_type, name="judge_failure_type"),
    path("idempotency-analysis/", views.idempotency_analysis, name="idempotency_analysis"),
    path("retry-policy/", views.retry_policy_dashboard, name="retry_policy"),
    path("retry-policy/gate/", views.act_on_breaker, name="act_on_breaker"),
    path("api/dlq/", views.api_dlq_status, name="api_dlq_status"),
    path("api/circuit-breakers/", views.api_circuit_breakers, name="api_circuit_breakers"),
    path("api/failure-trends/", views.api_failure_trends, name="api_failure_trends"),
]
