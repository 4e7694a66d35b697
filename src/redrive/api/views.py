"""The three JSON views. Their shapes are pinned by tests; ``version`` changes when one of them does."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from redrive import runtime
from redrive.api.access import VERSION, Refusal, error, json_view
from redrive.api.breakers import read_breakers
from redrive.stores.sql import pages
from redrive.taxonomy import FailureCategory

MAX_HOURS = 24 * 90
DAILY_FROM_HOURS = 24 * 8
"""From this span on, points are days instead of hours."""


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _answer(now: datetime, body: Mapping[str, Any]) -> JsonResponse:
    return JsonResponse({"version": VERSION, "generated_at": _iso(now), **body})


@json_view
def api_dlq_status(request: HttpRequest) -> HttpResponse:
    """Queue statistics.

    ``counts`` by status (``pending`` are dead letters), each at most 10,000 (``capped`` names those that stopped
    there); ``overdue`` tasks that should have been sent again by now; the oldest dead letter; ``by_failure_type`` of
    the dead; ``queues`` with their ``depth``, if a keeper sampled it within the last minute.
    """
    now = runtime.clock.now()
    counts = pages.count_by_status()
    oldest = pages.oldest_pending_at()
    body = {
        "counts": {status.lower(): count.value for status, count in counts.items()},
        "capped": [status.lower() for status, count in counts.items() if count.capped],
        "overdue": pages.count_due(now - timedelta(seconds=30)).value,
        "oldest_pending_at": _iso(oldest),
        "oldest_pending_seconds": int((now - oldest).total_seconds()) if oldest else None,
        "by_failure_type": {
            figure.failure_type: figure.count for figure in pages.type_figures(status="PENDING")
        },
        "queues": [
            {"name": queue.key, "depth": queue.data.get("depth")}
            for queue in pages.leases("queue")
            if queue.expires_at is None or queue.expires_at > now
        ],
    }
    return _answer(now, body)


@json_view
def api_circuit_breakers(request: HttpRequest) -> HttpResponse:
    """Every breaker with ``downstream``, ``state`` (closed, open, half_open), ``opened_at``, ``until``, ``reason`` and
    counts; ``counts`` by state; ``known`` is false while the gate's store is away."""
    breakers = read_breakers()
    body = {
        "known": breakers.known,
        "counts": breakers.counts(),
        "breakers": [row.to_dict() for row in breakers.rows],
    }
    return _answer(runtime.clock.now(), body)


@json_view
def api_failure_trends(request: HttpRequest) -> HttpResponse:
    """New failures over the last ``hours`` (1 to 2160, default 24), by category; buckets without any are left out."""
    text = request.GET.get("hours", "24")
    hours = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    if not 1 <= hours <= MAX_HOURS:
        return error(Refusal(400, "bad_request", f"hours must be a whole number from 1 to {MAX_HOURS}."))
    now = runtime.clock.now()
    since = now - timedelta(hours=hours)
    daily = hours >= DAILY_FROM_HOURS
    points = pages.failure_trend(since, now, daily=daily)
    totals = {
        category.value: sum(point.by_category.get(category.value, 0) for point in points)
        for category in FailureCategory
    }
    body = {
        "hours": hours,
        "since": _iso(since),
        "until": _iso(now),
        "bucket_seconds": 86400 if daily else 3600,
        "total": sum(totals.values()),
        "by_category": totals,
        "points": [
            {"at": _iso(point.at), "total": point.total, "by_category": dict(point.by_category)}
            for point in points
        ],
    }
    return _answer(now, body)
