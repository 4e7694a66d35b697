"""Moments as columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    Base = models.DateTimeField[Any, Any]
else:
    Base = models.DateTimeField


class MomentField(Base):
    """A ``DateTimeField`` whose values are aware in Python and UTC in the database, also without ``USE_TZ``."""

    def deconstruct(self) -> Any:
        """As Django's own field: the column is the same."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs

    def from_db_value(
        self, value: datetime | None, _: Any, connection: BaseDatabaseWrapper
    ) -> datetime | None:
        """The moment, aware. Without ``USE_TZ`` PostgreSQL's session is in local time."""
        if value is None or value.tzinfo is not None:
            return value
        local = connection.vendor == "postgresql"
        return value.replace(tzinfo=ZoneInfo(connection.timezone_name) if local else UTC).astimezone(UTC)

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        """The moment as a parameter; without ``USE_TZ`` one that is not aware is in local time."""
        if isinstance(value, datetime) and connection.timezone is None:
            value = value.astimezone(UTC)
            if connection.vendor == "sqlite":
                value = value.replace(tzinfo=None)
        return super().get_db_prep_value(value, connection, prepared)
