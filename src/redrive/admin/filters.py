"""Filters of the list that need more than a column's choices."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from redrive.models import TaskFailureRecord
from redrive.stores.sql.pages import distinct_values, types_of
from redrive.taxonomy import FailureCategory


class CategoryFilter(admin.SimpleListFilter):
    """The coarse filter: TRANSIENT, PERMANENT, CONFIGURATION, EXTERNAL, SYSTEM, UNKNOWN."""

    title = _("category")
    parameter_name = "category"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(category.value, category.value.capitalize()) for category in FailureCategory]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[TaskFailureRecord]
    ) -> QuerySet[TaskFailureRecord] | None:
        return queryset.filter(failure_type__in=types_of(self.value() or "")) if self.value() else None


class BusinessUnitFilter(admin.SimpleListFilter):
    """The tenants that occur, found without reading the table; absent while there is none."""

    title = _("business unit")
    parameter_name = "business_unit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(unit, unit) for unit in distinct_values("business_unit", limit=100)]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[TaskFailureRecord]
    ) -> QuerySet[TaskFailureRecord] | None:
        return queryset.filter(business_unit=self.value()) if self.value() else None
