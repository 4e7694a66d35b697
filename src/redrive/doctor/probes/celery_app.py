"""The project's Celery app and its tasks, as this process sees them."""

from __future__ import annotations

import ast
import inspect
import os
import textwrap
from collections.abc import Iterator
from typing import Any

from celery import Celery
from django.apps import apps
from django.db import router

from redrive import runtime
from redrive.celery import RedriveTask
from redrive.celery.wrapper import is_wrapped, options_of
from redrive.doctor.facts import CeleryFacts, Scheduled, TaskFacts
from redrive.doctor.probes.bounded import reason_of
from redrive.leases import StoreUnavailable
from redrive.stores.sql.connection import Database

MOST_ENTRIES = 10_000
"""Entries read of a schedule in the database."""


def load_app() -> Celery:
    """The app with every task module imported, as a worker does it.

    Raises:
        Exception: Whatever the project's modules raise.
    """
    app = runtime.celery_app()
    app.loader.import_default_modules()
    app.finalize(auto=True)
    return app


def celery_facts(app: Celery[Any]) -> CeleryFacts:
    """What app says about itself."""
    conf = app.conf
    base = app.Task
    schedule = [
        Scheduled(entry=str(name), task=str(entry.get("task", "")))
        for name, entry in (conf.beat_schedule or {}).items()
    ]
    unread = ""
    try:
        schedule += _stored_schedule()
    except StoreUnavailable as exc:
        unread = reason_of(exc)
    return CeleryFacts(
        name=str(app.main),
        task_class=f"{base.__mro__[1].__module__}.{base.__mro__[1].__qualname__}",
        is_redrive_task=issubclass(base, RedriveTask),
        tasks=tuple(
            task_facts(task, conf.task_time_limit)
            for name, task in sorted(app.tasks.items())
            if not name.startswith("celery.")
        ),
        result_backend=_scheme(conf.result_backend),
        always_eager=bool(conf.task_always_eager),
        pool=str(conf.worker_pool),
        concurrency=int(conf.worker_concurrency or os.cpu_count() or 1),
        prefetch_multiplier=int(conf.worker_prefetch_multiplier),
        broker_scheme=_scheme(conf.broker_url) or "",
        schedule=tuple(schedule),
        schedule_unread=unread,
    )


def _scheme(url: Any) -> str | None:
    """``redis`` of ``redis://host`` and of ``rediss://host``; None for no result backend."""
    text = str(url or "")
    if not text or text.startswith("disabled"):
        return None
    scheme = text.partition(":")[0].partition("+")[0]
    return "redis" if scheme == "rediss" else scheme


def task_facts(task: Any, app_limit: float | None) -> TaskFacts:
    """What one task says about itself.

    Args:
        task: A Celery task.
        app_limit: ``task_time_limit`` of its app.
    """
    options = options_of(task)
    limit = task.time_limit if task.time_limit is not None else app_limit
    return TaskFacts(
        name=str(task.name),
        covered=isinstance(task, RedriveTask)
        or is_wrapped(task)
        or runtime.pattern_options(task.name) is not None,
        acks_late=bool(task.acks_late),
        reject_on_worker_lost=bool(task.reject_on_worker_lost),
        idempotent=bool(getattr(task, "idempotency_enabled", False)),
        retry_safe=bool(options.retry_safe),
        ignore_result=bool(task.ignore_result),
        time_limit=None if limit is None else float(limit),
        rejects_with_requeue=rejects_with_requeue(getattr(task, "_orig_run", task.run)),
    )


def rejects_with_requeue(body: Any) -> bool:
    """Whether a function's source has ``Reject(..., requeue=True)``. False where there is no source to read."""
    function = inspect.unwrap(getattr(body, "__func__", body))
    code = getattr(function, "__code__", None)
    if code is None or "Reject" not in code.co_names:
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    return any(_is_requeueing_reject(node) for node in ast.walk(tree))


def _is_requeueing_reject(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    given = [keyword.value for keyword in node.keywords if keyword.arg == "requeue"] or node.args[1:2]
    return name == "Reject" and any(
        isinstance(value, ast.Constant) and value.value is True for value in given
    )


def _stored_schedule() -> Iterator[Scheduled]:
    """Enabled entries of django-celery-beat, if it is installed. Raises StoreUnavailable."""
    if not apps.is_installed("django_celery_beat"):
        return iter(())
    name = "PeriodicTask"  # a variable, because the type checker knows only the models of the tests' settings
    database = Database(router.db_for_read(apps.get_model("django_celery_beat", name)))
    try:
        rows = database.run(
            lambda cursor: cursor.all(
                "SELECT name, task FROM django_celery_beat_periodictask WHERE enabled ORDER BY name LIMIT %s",
                [MOST_ENTRIES],
            )
        )
    finally:
        database.close()
    return (Scheduled(entry=str(name), task=str(task)) for name, task in rows)
