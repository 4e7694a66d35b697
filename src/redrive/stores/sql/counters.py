"""Hourly counters in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from redrive.metrics import CounterKey, CounterTotals
from redrive.stores.sql.connection import Cursor
from redrive.stores.sql.tables import bounded


def add(cursor: Cursor, totals: Mapping[CounterKey, CounterTotals]) -> None:
    """Add sums to their rows. Keys are taken in order, so that two keepers cannot deadlock."""
    d = cursor.dialect
    for_update = "FOR UPDATE" if d.vendor == "postgresql" else ""
    for key in sorted(totals):
        where = [key.kind, d.moment(key.hour), bounded(key.task_name, 255), bounded(key.label, 100)]
        cursor.execute(
            "INSERT INTO redrive_stat (kind, hour, task_name, label, count, seconds, sketch)"
            f" VALUES (%s, %s, %s, %s, 0, 0, {d.json}) ON CONFLICT DO NOTHING",
            [*where, "{}"],
        )
        row = cursor.one(
            "SELECT id, count, seconds, sketch FROM redrive_stat"
            f" WHERE kind = %s AND hour = %s AND task_name = %s AND label = %s {for_update}",
            where,
        )
        if row is None:
            continue
        merged = CounterTotals(count=row[1], seconds=row[2], sketch=d.read_json(row[3]))
        merged.merge(totals[key])
        cursor.execute(
            f"UPDATE redrive_stat SET count = %s, seconds = %s, sketch = {d.json} WHERE id = %s",
            [merged.count, merged.seconds, json.dumps(merged.sketch), row[0]],
        )


def purge(cursor: Cursor, *, older_than: timedelta) -> int:
    """Delete rows older than told. Returns how many."""
    d = cursor.dialect
    return cursor.execute(f"DELETE FROM redrive_stat WHERE hour < {d.after}", [-older_than.total_seconds()])


def count_all_labels(cursor: Cursor, kind: str, *, since: datetime) -> dict[str, dict[str, int]]:
    """``{task: {label: count}}`` of a kind since an hour."""
    rows = cursor.all(
        "SELECT task_name, label, SUM(count) FROM redrive_stat"
        " WHERE kind = %s AND hour >= %s GROUP BY task_name, label",
        [kind, cursor.dialect.moment(since)],
    )
    result: dict[str, dict[str, int]] = {}
    for task_name, label, count in rows:
        result.setdefault(task_name, {})[label] = int(count)
    return result
