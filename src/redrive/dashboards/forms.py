"""What pages read from an address or a form. Anything unusable becomes the default: a page never fails on a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpRequest, QueryDict
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from redrive.priority import TaskPriority
from redrive.stores.sql.pages import STATUSES, RecordFilter
from redrive.taxonomy import FailureCategory, FailureType

TIMEFRAMES: Mapping[str, tuple[object, timedelta]] = {
    "1h": (_("Last hour"), timedelta(hours=1)),
    "24h": (_("Last 24 hours"), timedelta(hours=24)),
    "7d": (_("Last 7 days"), timedelta(days=7)),
    "30d": (_("Last 30 days"), timedelta(days=30)),
}
DEFAULT_TIMEFRAME = "24h"
PRIORITIES: Mapping[str, tuple[object, TaskPriority | None]] = {
    "": (_("as it was"), None),
    "HIGH": (_("high"), TaskPriority.HIGH),
    "CRITICAL": (_("critical"), TaskPriority.CRITICAL),
}
MAX_REASON = 1000
"""Characters of a reason that are kept."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An option of a select or a link of a switch."""

    value: str
    words: object
    chosen: bool


def _one_of(value: str, known: Iterable[str], default: str = "") -> str:
    return value if value in set(known) else default


def read_filter(data: QueryDict) -> RecordFilter:
    """The filter an address or a form carries. Without a status it shows dead letters; ``status=all`` shows any."""
    status = data.get("status", "PENDING")
    return RecordFilter(
        status="" if status == "all" else _one_of(status, STATUSES, "PENDING"),
        task=data.get("task", "").strip()[:255],
        failure_type=_one_of(data.get("failure_type", ""), (t.value for t in FailureType)),
        category=_one_of(data.get("category", ""), (c.value for c in FailureCategory)),
        business_unit=data.get("business_unit", "").strip()[:255],
    )


def filter_query(wanted: RecordFilter) -> dict[str, str]:
    """The filter as it stands in an address; any status is ``status=all``."""
    return {**wanted.to_query(), "status": wanted.status or "all"}


def read_page_number(data: QueryDict) -> int:
    """The page asked for, at least 1."""
    text = data.get("page", "1")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def read_timeframe(data: QueryDict) -> tuple[str, timedelta]:
    """The span of time asked for, 24 hours by default."""
    key = _one_of(data.get("timeframe", ""), TIMEFRAMES, DEFAULT_TIMEFRAME)
    return key, TIMEFRAMES[key][1]


def timeframe_choices(current: str) -> tuple[Choice, ...]:
    """The spans of time one can choose."""
    return tuple(Choice(key, words, key == current) for key, (words, _span) in TIMEFRAMES.items())


def choices(values: Iterable[str], current: str) -> tuple[Choice, ...]:
    """Options of a select, the current one marked; an unknown current one is kept so that it can be seen."""
    known = list(values)
    if current and current not in known:
        known.append(current)
    return tuple(Choice(value, value, value == current) for value in known)


def read_ids(values: Iterable[str]) -> tuple[int, ...]:
    """Record ids from form values, each one number or several with commas; anything else is dropped."""
    parts = (part.strip() for value in values for part in value.split(","))
    numbers = (int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 19)
    return tuple(dict.fromkeys(numbers))


def read_priority(data: QueryDict) -> TaskPriority | None:
    """The priority to send at; None keeps the task's own."""
    return PRIORITIES[_one_of(data.get("priority", "").upper(), PRIORITIES)][1]


def read_reason(data: QueryDict) -> str:
    """Why the operator does it, in their words."""
    return data.get("reason", "").strip()[:MAX_REASON]


def read_next(request: HttpRequest, default: str) -> str:
    """Where to go after an action: the form's ``next`` if it is an address of this site, else default."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if safe else default
