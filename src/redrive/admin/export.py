"""Records as CSV that a spreadsheet cannot mistake for formulas."""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse

from redrive.conf import get_settings
from redrive.models import TaskFailureRecord
from redrive.payload import mask

COLUMNS = (
    "id", "task_id", "task_name", "status", "failure_type", "confidence", "remediation_action", "exception_type",
    "exception_message", "retry_count", "max_retries", "attempt", "first_failed_at", "last_failed_at",
    "next_retry_at", "resolved_at", "abandoned_at", "business_unit", "queue_name", "worker_hostname",
    "correlation_id", "fingerprint", "decision", "task_args", "task_kwargs",
)  # fmt: skip
"""The columns, in order. Part of the public interface: new ones are added at the end."""

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_MASKED = ("exception_message", "decision", "task_args", "task_kwargs")


def _is_dangerous(line: str) -> bool:
    """Whether a spreadsheet could take the line for a formula, also behind blanks or in full-width characters."""
    start = unicodedata.normalize("NFKC", line.lstrip(" \u00a0\u3000")[:1])
    return line[:1] in ("\t", "\r", "\n") or start.startswith(_DANGEROUS)


def cell(value: Any) -> Any:
    """One cell. Numbers stay numbers; times become ISO 8601 with offset; text that could be a formula gets a ``'`` in
    front (each line of it: some programs split cells at line ends)."""
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    lines = text.splitlines(keepends=True)
    return "".join(f"'{line}" if _is_dangerous(line) else line for line in lines)


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """The header and a line per row; secrets in arguments and messages are masked."""
    writer = csv.writer(_Echo())
    masking = get_settings().masking
    yield "\ufeff" + writer.writerow(COLUMNS)
    for row in rows:
        shown = (
            mask(value, fields=masking.fields, patterns=masking.patterns) if column in _MASKED else value
            for column, value in zip(COLUMNS, row, strict=True)
        )
        yield writer.writerow([cell(value) for value in shown])


def csv_response(queryset: QuerySet[TaskFailureRecord], now: datetime) -> StreamingHttpResponse:
    """A download of any number of records, in constant memory. UTF-8 with a byte order mark, which Excel needs."""
    rows = queryset.order_by("id").values_list(*COLUMNS).iterator(chunk_size=500)
    response = StreamingHttpResponse(csv_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="failed-tasks-{now:%Y%m%d-%H%M}.csv"'
    return response
