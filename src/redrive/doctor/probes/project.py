"""Settings, versions and system checks of this process."""

from __future__ import annotations

import importlib.util
import re
import sys

import celery
import django
from django.conf import settings as django_settings
from django.core import checks

from redrive import runtime
from redrive.conf import get_mode, get_settings
from redrive.doctor.facts import Check, ProjectFacts
from redrive.priority import TaskPriority

_EXAMINED_HERE = {"redrive.W001", "redrive.W003", "redrive.W004", "redrive.W005", "redrive.W006"}
"""System checks of what an examination says with more values."""


def project_facts() -> ProjectFacts:
    """What is set and installed. Asks nobody."""
    settings = get_settings()
    return ProjectFacts(
        python=sys.version_info[:2],
        django=django.VERSION[:2],
        celery=_two_numbers(celery.__version__),
        has_packaging=importlib.util.find_spec("packaging") is not None,
        debug=bool(django_settings.DEBUG),
        mode=get_mode(),
        mode_set=settings.mode,
        auto_retry=settings.auto_retry,
        redelivery_cap=settings.most_deliveries,
        broker_take=settings.broker_take,
        has_redis_url=settings.redis_url is not None,
        start_with_worker=settings.keeper.start_with_worker,
        level_queues={level.name: runtime.route_for(level).queue for level in TaskPriority},
        checks=tuple(_checks()),
    )


def _two_numbers(text: str) -> tuple[int, int]:
    found = re.findall(r"\d+", text)
    return int(found[0]), int(found[1])


def _checks() -> list[Check]:
    """Our messages among all of Django's system checks, without silenced ones."""
    return [
        Check(
            id=str(message.id),
            is_error=message.level >= checks.ERROR,
            message=str(message.msg),
            hint=str(message.hint or ""),
        )
        for message in checks.run_checks()
        if str(message.id).startswith("redrive.")
        and message.id not in _EXAMINED_HERE
        and not message.is_silenced()
    ]
