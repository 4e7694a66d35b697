"""JSON for machines: queue statistics, circuit breakers, failures over time.

Staff only, GET only. Every answer has ``version`` (1) and ``generated_at``; times are ISO 8601 in UTC; a refusal is
JSON too: ``{"version": 1, "error": {"code": "forbidden", "message": "..."}}`` with the matching HTTP status.
"""

from redrive.api.views import api_circuit_breakers, api_dlq_status, api_failure_trends

__all__ = ["api_circuit_breakers", "api_dlq_status", "api_failure_trends"]
