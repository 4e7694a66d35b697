"""The project's beat schedule as plain data: of the settings, and of django-celery-beat's tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from celery import Celery, schedules
from django.apps import apps
from django.db import connections, router
from kombu.utils.json import dumps as json_dumps

from redrive.schedules import Clocked, Crontab, Entry, Interval, Solar, Timing, Unreadable

MOST_ENTRIES = 10_000
"""Rows read of a schedule in the database."""
_PARTS = ("interval", "crontab", "solar", "clocked")


def read_entries(app: Celery[Any]) -> tuple[Entry, ...]:
    """Every entry, by name. A row of the database stands for an entry of the settings with the same name, which
    django-celery-beat has copied there.

    Raises:
        DatabaseError: The database does not answer.
    """
    found = {entry.name: entry for entry in _of_settings(app)}
    found.update({entry.name: entry for entry in _of_database()})
    return tuple(found[name] for name in sorted(found))


def _of_settings(app: Celery[Any]) -> Iterator[Entry]:
    for name, entry in (app.conf.beat_schedule or {}).items():
        schedule = entry.get("schedule")
        try:
            schedule = schedules.maybe_schedule(schedule, app=app)
            timing = timing_of(schedule)
        except Exception as exc:
            timing = Unreadable(f"{type(exc).__name__}: {exc}")
        yield Entry(
            name=str(name),
            task=str(entry.get("task", "")),
            timing=timing,
            words=_words(schedule),
            arguments=canonical(entry.get("args") or (), entry.get("kwargs") or {}),
        )


def _of_database() -> Iterator[Entry]:
    if not apps.is_installed("django_celery_beat"):
        return
    model: Any = apps.get_app_config("django_celery_beat").get_model("PeriodicTask")
    alias = router.db_for_read(model)
    if model._meta.db_table not in connections[alias].introspection.table_names():
        return  # installed, but not migrated
    rows = model._default_manager.using(alias).select_related(*_PARTS).order_by("name")
    for row in rows[:MOST_ENTRIES]:
        schedule: Any = next((part for name in _PARTS if (part := getattr(row, name)) is not None), None)
        arguments = f"{row.args}{row.kwargs}"
        try:
            schedule = row.schedule
            timing = timing_of(schedule)
            arguments = canonical(json.loads(row.args or "[]"), json.loads(row.kwargs or "{}"))
        except Exception as exc:
            timing = Unreadable(f"beat does not load it ({type(exc).__name__}: {exc})")
        yield Entry(
            name=row.name,
            task=row.task,
            timing=timing,
            words=_words(schedule),
            arguments=arguments,
            source="database",
            id=row.pk,
            enabled=bool(row.enabled),
        )


def timing_of(schedule: Any) -> Timing:
    """A schedule of Celery or django-celery-beat as plain data."""
    parsed: Any = schedule  # celery-types do not know the attributes of parsed schedules
    if isinstance(schedule, schedules.crontab):
        return Crontab(
            minutes=frozenset(parsed.minute),
            hours=frozenset(parsed.hour),
            days=frozenset(parsed.day_of_month),
            months=frozenset(parsed.month_of_year),
            weekdays=frozenset(parsed.day_of_week),
            timezone=str(getattr(schedule.tz, "key", schedule.tz)),
        )
    if isinstance(schedule, schedules.solar):
        return Solar(schedule.event)
    if (at := getattr(schedule, "clocked_time", None)) is not None:
        return Clocked(at if at.tzinfo else at.replace(tzinfo=UTC))
    if type(schedule) is schedules.schedule:
        return Interval(parsed.run_every.total_seconds())
    return Unreadable(f"{type(schedule).__name__} is not known here")


def _words(schedule: Any) -> str:
    if type(schedule) is schedules.schedule:
        return f"every {schedule.human_seconds}"
    if isinstance(schedule, schedules.crontab):
        names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        return "crontab " + " ".join(str(getattr(schedule, f"_orig_{name}")) for name in names)
    return str(schedule)


def canonical(args: Any, kwargs: Any) -> str:
    """Arguments as one text that is the same for the same call, however its mapping is ordered.

    What JSON cannot say is shown as Python shows it: two entries then count as the same only if that is the same.
    """
    try:
        value = json.loads(json_dumps([list(args), dict(kwargs)]))
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError):
        return repr((args, kwargs))
