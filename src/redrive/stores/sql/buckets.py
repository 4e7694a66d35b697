"""Hours and days of UTC, whatever the time zone of Django's connection."""

from __future__ import annotations

from typing import Any

from django.db.models.functions import TruncDay, TruncHour


class UtcHour(TruncHour):
    """The hour of UTC that a moment is in. To be called with ``tzinfo=UTC``."""

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, Any]:
        """Without ``USE_TZ`` Django's own would truncate in the session's zone."""
        sql, params = compiler.compile(self.lhs)
        return f"DATE_TRUNC('{self.kind}', {sql}, 'UTC')", params


class UtcDay(TruncDay):
    """The day of UTC that a moment is in. To be called with ``tzinfo=UTC``."""

    as_postgresql = UtcHour.as_postgresql
