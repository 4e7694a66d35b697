"""System checks: every problem with an id, and a hint that says what to type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, connections

from redrive import values
from redrive.conf import get_settings, settings_problems, spill_unsafe
from redrive.directories import can_write


def check_settings(**_: Any) -> list[CheckMessage]:
    """E001: something in ``REDRIVE`` cannot be used."""
    return [Error(problem.message, hint=problem.hint, id="redrive.E001") for problem in settings_problems()]


def check_values(**_: Any) -> list[CheckMessage]:
    """E002: policies, rules, patterns, priorities, the codec or the off-peak window cannot be understood."""
    tries: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("POLICIES", values.read_policies),
        ("TASK_PATTERNS", values.read_patterns),
        ("DOWNSTREAMS", values.read_downstreams),
        ("DOWNSTREAMS", values.read_gates),
        ("RULES", values.read_rules),
        ("PRIORITY", values.read_priorities),
        ("OFF_PEAK", values.read_off_peak),
        ("PAYLOAD", values.try_codec),
    )
    found: list[CheckMessage] = []
    for name, attempt in tries:
        try:
            attempt()
        except (ValueError, TypeError, KeyError, AttributeError, re.error) as exc:
            message = f"REDRIVE[{name!r}] cannot be used: {exc}"
            found.append(Error(message, hint=f"See {name} in the settings reference.", id="redrive.E002"))
    return found


def check_database(**_: Any) -> list[CheckMessage]:
    """E003: no such alias. E004: a database we do not support. W001: SQLite."""
    alias = get_settings().database
    if alias not in django_settings.DATABASES:
        hint = f"Known aliases: {', '.join(django_settings.DATABASES)}."
        return [
            Error(
                f"REDRIVE['DATABASE'] is {alias!r}, which is not in DATABASES.", hint=hint, id="redrive.E003"
            )
        ]
    vendor = connections[alias].vendor
    if vendor == "sqlite":
        return [
            Warning(
                "Redrive's tables are in SQLite, which is for a first try.",
                hint="Use PostgreSQL in production. For a try, silence this with SILENCED_SYSTEM_CHECKS.",
                id="redrive.W001",
            )
        ]
    if vendor != "postgresql":
        message = f"Redrive does not support {vendor} yet."
        return [Error(message, hint="Set REDRIVE['DATABASE'] to a PostgreSQL alias.", id="redrive.E004")]
    return []


def check_urls(**_: Any) -> list[CheckMessage]:
    """W002: the pages are behind ``admin/``, whose catch-all answers for them."""
    if not getattr(django_settings, "ROOT_URLCONF", None):
        return []
    from django.urls import Resolver404, resolve, reverse
    from django.urls.exceptions import NoReverseMatch

    try:
        path = reverse("redrive:task_dashboard")
        found = resolve(path)
    except NoReverseMatch:
        return []
    except Resolver404:
        found = None
    if found is not None and found.url_name == "task_dashboard":
        return []
    return [
        Warning(
            f"Redrive's pages cannot be reached: {path} is answered by another URL pattern.",
            hint='Put path("admin/tasks/", include("redrive.urls")) before path("admin/", admin.site.urls).',
            id="redrive.W002",
        )
    ]


def check_spill(**_: Any) -> list[CheckMessage]:
    """W003: the spill directory cannot be written. W008: it cannot be trusted. W004: it is lost at the next restart."""
    directory = get_settings().spill.directory
    if unsafe := spill_unsafe():
        message = f"The spill directory is not used, so failures are lost while the database is away: {unsafe.message}."
        return [Warning(message, hint=unsafe.remedy, id="redrive.W008")]
    if not can_write(directory):
        message = f"The spill directory {directory} cannot be written, so failures are lost while the database is away."
        hint = 'Set REDRIVE = {"SPILL": {"DIRECTORY": "/a/directory/that/survives/restarts"}}.'
        return [Warning(message, hint=hint, id="redrive.W003")]
    raw = getattr(django_settings, "REDRIVE", {})
    is_set = isinstance(raw, Mapping) and "SPILL" in raw
    if not is_set and directory.is_relative_to("/tmp"):  # noqa: S108  # only compared
        hint = 'Set REDRIVE = {"SPILL": {"DIRECTORY": "/a/directory/that/survives/restarts"}}.'
        return [Warning(f"The spill directory {directory} is temporary.", hint=hint, id="redrive.W004")]
    return []


def check_redis(**_: Any) -> list[CheckMessage]:
    """E005: ``REDIS_URL``, of the claims and gates or of the spill, without the client."""
    settings = get_settings()
    urls = {
        "REDRIVE['REDIS_URL']": settings.redis_url,
        "REDRIVE['SPILL']['REDIS_URL']": settings.spill.redis_url,
    }
    named = [name for name, url in urls.items() if url is not None]
    if not named:
        return []
    try:
        import redis  # noqa: F401  # only whether it is there
    except ImportError:
        return [
            Error(
                f"{' and '.join(named)} needs redis.",
                hint="Type: pip install 'redrive[redis]'",
                id="redrive.E005",
            )
        ]
    return []


def check_migrations(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """W005: the tables are not there yet. Runs with ``check --database`` and ``migrate``."""
    alias = get_settings().database
    if databases is None or alias not in databases:
        return []
    try:
        tables = connections[alias].introspection.table_names()
    except Exception as exc:
        message = f"The database {alias!r} cannot be reached: {exc}"
        return [Warning(message, hint="Start it, or set DATABASES.", id="redrive.W006")]
    if "redrive_taskfailurerecord" in tables:
        return []
    hint = "Type: manage.py migrate redrive" + ("" if alias == DEFAULT_DB_ALIAS else f" --database {alias}")
    return [
        Warning(
            "Redrive's tables do not exist yet; failures wait in the spill.", hint=hint, id="redrive.W005"
        )
    ]


def check_admin(**_: Any) -> list[CheckMessage]:
    """W007: without the Django admin there is no list of records to click in; pages and commands work."""
    if apps.is_installed("django.contrib.admin"):
        return []
    return [
        Warning(
            "django.contrib.admin is not installed, so Redrive's records have no admin.",
            hint='Add "django.contrib.admin" to INSTALLED_APPS, or silence redrive.W007 and use the pages.',
            id="redrive.W007",
        )
    ]


def register_all() -> None:
    """Register every check with Django."""
    for check in (
        check_settings,
        check_values,
        check_database,
        check_urls,
        check_spill,
        check_redis,
        check_admin,
    ):
        register(check)
    register(Tags.database)(check_migrations)
