"""The project's schedule with what its tasks declare, for pages and commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redrive import runtime
from redrive.broker.schedules import read_entries
from redrive.celery.wrapper import options_of
from redrive.schedules import Entry, ScheduledTask


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Entries by name, and the tasks that are registered in this process."""

    entries: tuple[Entry, ...] = ()
    tasks: Mapping[str, ScheduledTask] = field(default_factory=dict)


def read_schedule() -> Schedule:
    """The schedule of the project's Celery app, every task module imported as a worker does it.

    Raises:
        LookupError: There is no Celery app; the message says what to type.
        DatabaseError: The database does not answer.
        Exception: Whatever the project's modules raise.
    """
    app = runtime.celery_app()
    app.loader.import_default_modules()
    app.finalize(auto=True)
    entries = read_entries(app)
    names = {entry.task for entry in entries if entry.task in app.tasks}
    return Schedule(entries=entries, tasks={name: _task(app.tasks[name]) for name in names})


def _task(task: Any) -> ScheduledTask:
    options = options_of(task)
    declared = getattr(task, "redrive_idempotency", None)
    return ScheduledTask(
        name=task.name,
        idempotent=bool(getattr(task, "idempotency_enabled", False)),
        ttl_seconds=float(getattr(task, "idempotency_ttl", 0) or 0),
        scope=str(getattr(task, "idempotency_scope", "")),
        key_is_computed=callable(getattr(declared, "key", None)),
        retry_safe=bool(options.retry_safe),
        acks_late=bool(task.acks_late),
        critical=bool(options.critical),
    )
