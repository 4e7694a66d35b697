"""The pages, under their documented names. Each reads an address, asks for figures, and renders one template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from redrive.api import api_circuit_breakers, api_dlq_status, api_failure_trends
from redrive.conf import get_mode
from redrive.dashboards import forms
from redrive.dashboards.access import ACT, READ, page
from redrive.dashboards.actions import (
    BULK_LIMIT,
    RETRY_ALL,
    abandon_dlq_task,
    bulk_retry_dlq,
    judge_failure_type,
    retry_dlq_task,
)
from redrive.dashboards.duplicates import read_duplicate_filter, read_duplicate_page
from redrive.dashboards.figures import StatusFigure, read_overview, read_taxonomy, status_figures
from redrive.dashboards.frame import frame
from redrive.dashboards.gates import act_on_breaker
from redrive.dashboards.policies import read_retry_page
from redrive.stores.sql import pages
from redrive.stores.sql.pages import CAP, PAGE_SIZE, RecordFilter, RecordPage
from redrive.taxonomy import FailureCategory, FailureType
from redrive.templatetags.redrive import page_url

__all__ = [
    "abandon_dlq_task",
    "act_on_breaker",
    "api_circuit_breakers",
    "api_dlq_status",
    "api_failure_trends",
    "bulk_retry_dlq",
    "dlq_management",
    "failure_taxonomy_dashboard",
    "idempotency_analysis",
    "judge_failure_type",
    "retry_dlq_task",
    "retry_policy_dashboard",
    "task_dashboard",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """The page ``dlq_management``. ``query`` is the filter as hidden form fields; ``address`` is this very page."""

    statuses: tuple[StatusFigure, ...]
    records: RecordPage
    filter: RecordFilter
    query: dict[str, str]
    any_status: str
    address: str
    previous: str
    next: str
    types: tuple[forms.Choice, ...]
    categories: tuple[forms.Choice, ...]
    units: tuple[forms.Choice, ...]
    task_names: tuple[str, ...]
    may_act: bool
    is_filtered: bool
    limit: int = BULK_LIMIT

    @property
    def may_retry_all(self) -> bool:
        """Whether "all that match" can hold anything to retry."""
        return self.may_act and bool(self.records.rows) and self.filter.status in RETRY_ALL


def _show(request: HttpRequest, template: str, name: str, title: str, values: Any) -> HttpResponse:
    context = {**frame(request, name), "title": title, "page": values}
    return render(request, f"redrive/{template}.html", context)


@page(READ)
def task_dashboard(request: HttpRequest) -> HttpResponse:
    """What runs, what fails, what needs attention: the last 24 hours."""
    context = frame(request, "task_dashboard")
    context.update(title=_("Task overview"), page=read_overview(context["now"]))
    return render(request, "redrive/task_dashboard.html", context)


@page(READ)
def failure_taxonomy_dashboard(request: HttpRequest) -> HttpResponse:
    """Which kinds of failure there are and what to do about each. Query: ``timeframe`` (1h, 24h, 7d, 30d)."""
    timeframe, length = forms.read_timeframe(request.GET)
    context = frame(request, "failure_taxonomy")
    context.update(
        title=_("Failure types"),
        page=read_taxonomy(context["now"], timeframe, length),
        may_act=request.user.has_perm(ACT),
    )
    return render(request, "redrive/failure_taxonomy.html", context)


@page(READ)
def retry_policy_dashboard(request: HttpRequest) -> HttpResponse:
    """Policies, breakers, how retries went, what was learned. Query: ``timeframe`` (1h, 24h, 7d, 30d)."""
    timeframe, length = forms.read_timeframe(request.GET)
    context = frame(request, "retry_policy")
    context.update(
        title=_("Retry policy"),
        page=read_retry_page(context["now"], timeframe, length, get_mode()),
        may_act=request.user.has_perm(ACT),
    )
    return render(request, "redrive/retry_policy.html", context)


@page(READ)
def idempotency_analysis(request: HttpRequest) -> HttpResponse:
    """How often idempotent calls came again. Query: ``timeframe`` (1h, 24h, 7d, 30d), ``scope``, ``endpoint``."""
    context = frame(request, "idempotency_analysis")
    values = read_duplicate_page(context["now"], read_duplicate_filter(request.GET))
    context.update(title=_("Duplicates"), page=values)
    return render(request, "redrive/idempotency_analysis.html", context)


@page(READ)
def dlq_management(request: HttpRequest) -> HttpResponse:
    """The list of records, dead letters first. Query: ``status`` (or ``all``), ``task``, ``failure_type``,
    ``category``, ``business_unit``, ``page``."""
    wanted = forms.read_filter(request.GET)
    records = pages.list_records(wanted, forms.read_page_number(request.GET))
    query = forms.filter_query(wanted)
    rest = {key: value for key, value in query.items() if key != "status"}

    def address(number: int) -> str:
        return (
            f"{page_url('dlq_management')}?{urlencode({**query, **({'page': number} if number > 1 else {})})}"
        )

    statuses = tuple(
        replace(figure, url=f"{page_url('dlq_management')}?{urlencode({**rest, 'status': figure.status})}")
        for figure in status_figures(wanted.status)
    )
    last = records.number * PAGE_SIZE >= CAP
    values = DeadLetters(
        statuses=statuses,
        records=records,
        filter=wanted,
        query=query,
        any_status=f"{page_url('dlq_management')}?{urlencode({**rest, 'status': 'all'})}",
        address=address(records.number),
        previous=address(records.number - 1) if records.has_previous else "",
        next=address(records.number + 1) if records.has_next and not last else "",
        types=forms.choices((t.value for t in FailureType), wanted.failure_type),
        categories=forms.choices((c.value for c in FailureCategory), wanted.category),
        units=forms.choices(pages.distinct_values("business_unit"), wanted.business_unit),
        task_names=pages.distinct_values("task_name"),
        may_act=request.user.has_perm(ACT),
        is_filtered=bool(rest),
    )
    return _show(request, "dlq_management", "dlq_management", _("Dead letters"), values)
