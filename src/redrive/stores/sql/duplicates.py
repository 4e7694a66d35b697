"""What the pages read about duplicates: counted checks and hits. Two bounded queries, over Django's own connection."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from django.db.models import Sum

from redrive.conf import get_settings
from redrive.metrics import CHECK, HIT, Checks, read_label
from redrive.models import Stat
from redrive.stores.sql.buckets import UtcDay, UtcHour

MOST_ROWS = 5_000
"""Task, scope and endpoint together that are read, those with most checks first."""


def checks(since: datetime) -> tuple[Checks, ...]:
    """Checks and hits since then, by task, scope and endpoint."""
    rows = (
        Stat.objects.using(get_settings().database)
        .filter(kind__in=[CHECK, HIT], hour__gte=since)
        .order_by()
        .values("kind", "task_name", "label")
        .annotate(n=Sum("count"))
        .order_by("-n", "task_name", "label")[: 2 * MOST_ROWS]
    )
    found: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        found.setdefault((row["task_name"], row["label"]), {})[row["kind"]] = row["n"]
    result = []
    for (task_name, label), counts in found.items():
        scope, endpoint = read_label(label)
        result.append(
            Checks(
                task_name=task_name,
                scope=scope,
                endpoint=endpoint,
                checks=counts.get(CHECK, 0),
                hits=counts.get(HIT, 0),
            )
        )
    return tuple(result)


def checks_over_time(
    since: datetime, labels: Collection[str] | None = None, *, daily: bool = False
) -> dict[datetime, Checks]:
    """Checks and hits by hour (or day) of UTC; only of these labels, if given."""
    queryset = Stat.objects.using(get_settings().database).filter(kind__in=[CHECK, HIT], hour__gte=since)
    if labels is not None:
        queryset = queryset.filter(label__in=list(labels))
    truncate = UtcDay if daily else UtcHour
    rows = (
        queryset.order_by()
        .annotate(bucket=truncate("hour", tzinfo=UTC))
        .values("bucket", "kind")
        .annotate(n=Sum("count"))
    )
    found: dict[datetime, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["bucket"], {})[row["kind"]] = row["n"]
    return {at: Checks(checks=n.get(CHECK, 0), hits=n.get(HIT, 0)) for at, n in found.items()}
