"""Ask everything at once, and wait for the slowest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery

from redrive.conf import get_settings
from redrive.doctor.facts import Away, Facts
from redrive.doctor.probes.bounded import Asked, reason_of
from redrive.doctor.probes.broker import broker_facts
from redrive.doctor.probes.celery_app import celery_facts, load_app
from redrive.doctor.probes.database import database_facts
from redrive.doctor.probes.project import project_facts
from redrive.doctor.probes.redis_server import store_facts
from redrive.doctor.probes.spill import spill_facts


def gather(progress: Callable[[str], None] = lambda text: None) -> Facts:
    """The facts of the live system. Raises nothing for what is away: that is a fact.

    Args:
        progress: Told what is waited for, in a few words.
    """
    progress("the project")
    app = _app()
    # Asked in this thread: system checks and modules of the project may expect the main one.
    project = project_facts()
    url = get_settings().redis_url
    broker = (
        None if isinstance(app, Away) else Asked(lambda: broker_facts(app, _queues(project.level_queues)))
    )
    celery = None if isinstance(app, Away) else Asked(lambda: celery_facts(app))
    database = Asked(database_facts)
    spill = Asked(spill_facts)
    redis = None if url is None else Asked(lambda: store_facts(url))

    def answer(what: str, asked: Asked[Any]) -> Any:
        progress(what)
        return asked.answer()

    away = app if isinstance(app, Away) else Away("")
    return Facts(
        project=project,
        celery=away if celery is None else answer("the Celery app", celery),
        database=answer("the database", database),
        spill=answer("the spill", spill),
        redis=None if redis is None else answer("Redis", redis),
        broker=away if broker is None else answer("the broker and the workers", broker),
    )


def _app() -> Celery | Away:
    try:
        return load_app()
    except Exception as exc:
        # Whatever the project's modules raise on import, it is the finding.
        return Away(reason_of(exc))


def _queues(levels: Any) -> list[str]:
    return list(dict.fromkeys(levels.values()))
