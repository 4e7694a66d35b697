"""What the pages read. Every function is one or a few bounded queries and returns frozen values, never a model.

Lists are cut to a page, counts are capped at :data:`CAP` (a page says "10,000+"), distinct values are found by
skipping through an index instead of reading the table. All of it is read from the database that ``REDRIVE["DATABASE"]``
names, over Django's own connection: these functions run in web requests only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from django.db import connections, models
from django.db.models import Avg, Count, Max, Min, Q, Sum
from django.db.models.functions import Left

from redrive.conf import get_settings
from redrive.metrics import DRAINED, SPILL
from redrive.models import Event, LeaseRow, Stat, TaskFailureRecord
from redrive.payload import mask
from redrive.stores.sql.buckets import UtcDay, UtcHour
from redrive.taxonomy import FailureType

CAP = 10_000
"""Where counting stops."""
PAGE_SIZE = 50
STATUSES = ("PENDING", "RETRYING", "RESOLVED", "ABANDONED")


@dataclass(frozen=True, slots=True)
class Capped:
    """A count that stopped at :data:`CAP`."""

    value: int
    capped: bool = False

    def __str__(self) -> str:
        return f"{self.value:,}+" if self.capped else f"{self.value:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFilter:
    """Which records a page shows. Empty text means any; ``task`` is a part of the name, or a whole task id."""

    status: str = ""
    task: str = ""
    failure_type: str = ""
    category: str = ""
    business_unit: str = ""

    def to_query(self) -> dict[str, str]:
        """The fields that are set, as they stand in an address."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name))}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """One line of the list of dead letters. ``exception_message`` is cut to 300 characters; texts are masked."""

    id: int
    task_id: str
    task_name: str
    status: str
    failure_type: str
    confidence: float
    remediation_action: str
    exception_type: str
    exception_message: str
    decision: str
    hold_reason: str
    retry_count: int
    max_retries: int
    next_retry_at: datetime | None
    first_failed_at: datetime
    last_failed_at: datetime | None
    business_unit: str
    queue_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """One page of a list; ``number`` starts at 1."""

    rows: tuple[RecordRow, ...]
    total: Capped
    number: int
    has_next: bool

    @property
    def has_previous(self) -> bool:
        return self.number > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeFigure:
    """Failures of one type in a span of time; ``average_retries`` per record."""

    failure_type: str
    count: int
    average_retries: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFigure:
    """Failures of one task in a span of time."""

    task_name: str
    count: int
    dead: int
    last_failed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """Records that first failed in the bucket that starts at ``at``, by category."""

    at: datetime
    by_category: Mapping[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.by_category.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class StatFigure:
    """Counted happenings: how many, and how many seconds they took together."""

    hour: datetime | None
    task_name: str
    label: str
    count: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseFigure:
    """A stored document of one kind, such as a queue's last sampled depth."""

    key: str
    owner: str
    state: str
    expires_at: datetime | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFigure:
    """One act, as it was logged."""

    at: datetime
    actor: str
    kind: str
    subject: str
    reason: str
    numbers: Mapping[str, Any]


def _records() -> models.QuerySet[TaskFailureRecord]:
    return TaskFailureRecord.objects.all()


def _count(queryset: models.QuerySet[Any]) -> Capped:
    """Count at most CAP rows, without order and without reading them."""
    found = queryset.order_by()[: CAP + 1].count()
    return Capped(min(found, CAP), found > CAP)


def types_of(category: str) -> tuple[str, ...]:
    """The failure types filed under category; none for a word that is no category."""
    return tuple(t.value for t in FailureType if t.category.value == category)


def distinct_values(column: str, limit: int = 500) -> tuple[str, ...]:
    """The distinct non-empty values of ``task_name``, ``business_unit`` or ``queue_name``, in order, at most limit.

    Jumps from value to value through the column's index: as many look-ups as there are values, however many rows.
    """
    if column not in ("task_name", "business_unit"):
        raise ValueError(f"{column!r} has no index to jump through")
    connection = connections[get_settings().database]
    name, table = (
        connection.ops.quote_name(column),
        connection.ops.quote_name(TaskFailureRecord._meta.db_table),
    )
    sql = (
        f"WITH RECURSIVE jump(value) AS (SELECT MIN({name}) FROM {table} WHERE {name} > '' "
        f"UNION ALL SELECT (SELECT MIN({name}) FROM {table} WHERE {name} > jump.value) FROM jump "
        f"WHERE jump.value IS NOT NULL) SELECT value FROM jump WHERE value IS NOT NULL LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [limit])
        return tuple(row[0] for row in cursor.fetchall())


def _matching(wanted: RecordFilter) -> models.QuerySet[TaskFailureRecord]:
    queryset = _records()
    if wanted.status:
        queryset = queryset.filter(status=wanted.status)
    if wanted.failure_type:
        queryset = queryset.filter(failure_type=wanted.failure_type)
    if wanted.category:
        queryset = queryset.filter(failure_type__in=types_of(wanted.category))
    if wanted.business_unit:
        queryset = queryset.filter(business_unit=wanted.business_unit)
    if wanted.task:
        part = wanted.task.lower()
        names = [name for name in distinct_values("task_name") if part in name.lower()]
        queryset = queryset.filter(Q(task_name__in=names) | Q(task_id=wanted.task))
    return queryset


def count_by_status() -> dict[str, Capped]:
    """How many records there are in each status."""
    return {status: _count(_records().filter(status=status)) for status in STATUSES}


def list_records(wanted: RecordFilter, number: int = 1) -> RecordPage:
    """Page ``number`` of the records that match, the latest failure first."""
    number = max(1, min(number, CAP // PAGE_SIZE))
    start = (number - 1) * PAGE_SIZE
    queryset = _matching(wanted)
    columns = [f.name for f in fields(RecordRow) if f.name != "exception_message"]
    found = list(
        queryset.order_by("-first_failed_at", "-id").values(*columns, message=Left("exception_message", 300))[
            start : start + PAGE_SIZE + 1
        ]
    )
    rows = tuple(RecordRow(**_masked(row)) for row in found[:PAGE_SIZE])
    return RecordPage(rows=rows, total=_count(queryset), number=number, has_next=len(found) > PAGE_SIZE)


def _masked(row: dict[str, Any]) -> dict[str, Any]:
    """The row with secrets hidden in the texts that may hold any."""
    masking = get_settings().masking
    texts = {
        "exception_message": row.pop("message"),
        "decision": row["decision"],
        "hold_reason": row["hold_reason"],
    }
    shown = {name: mask(text, fields=(), patterns=masking.patterns) for name, text in texts.items()}
    return {**row, **shown}


def matching_ids(wanted: RecordFilter, statuses: Iterable[str], limit: int) -> tuple[tuple[int, ...], Capped]:
    """The ids of the oldest ``limit`` matching records in one of statuses, and how many match in all."""
    queryset = _matching(wanted).filter(status__in=list(statuses))
    ids = tuple(queryset.order_by("first_failed_at", "id").values_list("id", flat=True)[:limit])
    return ids, _count(queryset)


def ids_in(ids: Sequence[int], statuses: Iterable[str]) -> tuple[int, ...]:
    """Those of ids whose records are in one of statuses, the oldest failure first."""
    found = _records().filter(id__in=list(ids), status__in=list(statuses)).order_by("first_failed_at", "id")
    return tuple(found.values_list("id", flat=True))


def chosen(ids: Sequence[int]) -> tuple[TaskFigure, ...]:
    """What a set of ids consists of: records per task, most first; ids that are gone are not counted."""
    rows = (
        _records()
        .filter(id__in=list(ids))
        .order_by()
        .values("task_name")
        .annotate(count=Count("id"), dead=Count("id", filter=Q(status="PENDING")), last=Max("last_failed_at"))
        .order_by("-count", "task_name")
    )
    return tuple(
        TaskFigure(task_name=r["task_name"], count=r["count"], dead=r["dead"], last_failed_at=r["last"])
        for r in rows
    )


def type_figures(since: datetime | None = None, status: str = "") -> tuple[TypeFigure, ...]:
    """Records and average retries by failure type, most first, of those that first failed since then."""
    queryset = _records()
    if since is not None:
        queryset = queryset.filter(first_failed_at__gte=since)
    if status:
        queryset = queryset.filter(status=status)
    rows = (
        queryset.order_by()
        .values("failure_type")
        .annotate(n=Count("id"), mean=Avg("retry_count"))
        .order_by("-n", "failure_type")
    )
    return tuple(
        TypeFigure(failure_type=r["failure_type"], count=r["n"], average_retries=r["mean"]) for r in rows
    )


def top_failing(since: datetime, limit: int = 10) -> tuple[TaskFigure, ...]:
    """The tasks with the most records since then."""
    rows = (
        _records()
        .filter(first_failed_at__gte=since)
        .order_by()
        .values("task_name")
        .annotate(n=Count("id"), dead=Count("id", filter=Q(status="PENDING")), last=Max("last_failed_at"))
        .order_by("-n", "task_name")[:limit]
    )
    return tuple(
        TaskFigure(task_name=r["task_name"], count=r["n"], dead=r["dead"], last_failed_at=r["last"])
        for r in rows
    )


def oldest_pending_at() -> datetime | None:
    """When the longest waiting dead letter first failed."""
    found: datetime | None = _records().filter(status="PENDING").aggregate(at=Min("first_failed_at"))["at"]
    return found


def count_due(now: datetime) -> Capped:
    """Records that should have been sent again by now; more than a few seconds' worth means no keeper runs."""
    return _count(_records().filter(status="RETRYING", next_retry_at__lte=now, published_at__isnull=True))


def failure_trend(since: datetime, until: datetime, *, daily: bool = False) -> tuple[TrendPoint, ...]:
    """Records that first failed in [since, until), by hour (or day) of UTC and category. Empty buckets are left out."""
    truncate = UtcDay if daily else UtcHour
    rows = (
        _records()
        .filter(first_failed_at__gte=since, first_failed_at__lt=until)
        .order_by()
        .annotate(bucket=truncate("first_failed_at", tzinfo=UTC))
        .values("bucket", "failure_type")
        .annotate(n=Count("id"))
        .order_by("bucket")
    )
    points: dict[datetime, dict[str, int]] = {}
    for row in rows:
        counts = points.setdefault(row["bucket"], {})
        category = _category(row["failure_type"])
        counts[category] = counts.get(category, 0) + row["n"]
    return tuple(TrendPoint(at=at, by_category=counts) for at, counts in points.items())


def _category(failure_type: str) -> str:
    try:
        return FailureType(failure_type).category.value
    except ValueError:  # written by a newer version
        return "UNKNOWN"


def _stats(kind: str, since: datetime) -> models.QuerySet[Stat]:
    return Stat.objects.using(get_settings().database).filter(kind=kind, hour__gte=since).order_by()


def stats_by_hour(kind: str, since: datetime) -> tuple[StatFigure, ...]:
    """Counters of one kind by hour and label, over all tasks."""
    rows = (
        _stats(kind, since)
        .values("hour", "label")
        .annotate(n=Sum("count"), s=Sum("seconds"))
        .order_by("hour", "label")
    )
    return tuple(
        StatFigure(hour=r["hour"], task_name="", label=r["label"], count=r["n"], seconds=r["s"]) for r in rows
    )


def count_drained(since: datetime) -> int:
    """Endings that came by way of the spill since an hour."""
    return sum(stat.count for stat in stats_by_hour(SPILL, since) if stat.label == DRAINED)


def stats_by_task(kind: str, since: datetime, limit: int = 2000) -> tuple[StatFigure, ...]:
    """Counters of one kind by task and label, most first."""
    rows = (
        _stats(kind, since)
        .values("task_name", "label")
        .annotate(n=Sum("count"), s=Sum("seconds"))
        .order_by("-n", "task_name", "label")[:limit]
    )
    return tuple(
        StatFigure(hour=None, task_name=r["task_name"], label=r["label"], count=r["n"], seconds=r["s"])
        for r in rows
    )


def leases(kind: str, limit: int = 500) -> tuple[LeaseFigure, ...]:
    """The stored documents of one kind, by key."""
    rows = LeaseRow.objects.using(get_settings().database).filter(kind=kind).order_by("key")[:limit]
    return tuple(
        LeaseFigure(key=r.key, owner=r.owner, state=r.state, expires_at=r.expires_at, data=r.data or {})
        for r in rows
    )


def recent_events(limit: int = PAGE_SIZE, kinds: Sequence[str] = ()) -> tuple[EventFigure, ...]:
    """The latest acts, newest first; only of kinds, if given."""
    queryset = Event.objects.using(get_settings().database).order_by("-at", "-id")
    if kinds:
        queryset = queryset.filter(kind__in=list(kinds))
    return tuple(
        EventFigure(
            at=e.at, actor=e.actor, kind=e.kind, subject=e.subject, reason=e.reason, numbers=e.numbers or {}
        )
        for e in queryset[:limit]
    )
