"""The reference project's own data and settings."""

from pathlib import Path
from typing import Any

import pytest

from tests.example.conftest import example_project
from tests.servers.django_project import Project

DIGEST = """
import hashlib
from django.core import serializers
from apps.facilities import models, seed
from datetime import UTC, datetime
rows = seed.fill(datetime(2026, 1, 2, tzinfo=UTC), seed=7)
everything = [row for name in models.__all__ if name != "Tier" for row in getattr(models, name).objects.order_by("pk")]
result = [rows, hashlib.sha256(serializers.serialize("json", everything).encode()).hexdigest()]
"""


def test_seed_gives_the_same_company_each_time(tmp_path: Path) -> None:
    found = []
    for name in ("first", "second"):
        project = example_project(tmp_path / name, {})
        project.manage("migrate", "-v", "0")
        found.append(project.python(DIGEST))

    assert found[0] == found[1]
    assert found[0][0] > 400


def test_seed_leaves_an_existing_company_alone(fresh_example: Project) -> None:
    assert "nothing created" in fresh_example.manage("seed_facilities")


def test_company_has_three_units_and_every_customer_tier(fresh_example: Project) -> None:
    found = fresh_example.python(
        "from apps.facilities.models import BusinessUnit, Customer\n"
        "result = [BusinessUnit.objects.count(), sorted(Customer.objects.values_list('tier', flat=True).distinct())]"
    )

    assert found == [3, ["basic", "enterprise", "premium", "standard"]]


def test_models_and_migrations_agree(fresh_example: Project) -> None:
    assert "No changes detected" in fresh_example.manage("makemigrations", "facilities", "--check")


def test_every_task_has_a_queue_that_a_worker_reads(fresh_example: Project) -> None:
    found = fresh_example.python(
        "from config.celery import app\n"
        "app.loader.import_default_modules()\n"
        "tasks = {name: task for name, task in app.tasks.items() if name.startswith('facilities.')}\n"
        "result = [len(tasks), sorted({getattr(task, 'queue', None) or 'celery' for task in tasks.values()}),"
        " sorted(app.amqp.queues)]"
    )
    count, used, declared = found

    assert count >= 15
    assert {"critical", "high_priority", "reports", "maintenance"} < set(used)
    assert set(used) <= set(declared)


def test_every_scheduled_task_exists(fresh_example: Project) -> None:
    missing = fresh_example.python(
        "from config.celery import app\n"
        "app.loader.import_default_modules()\n"
        "result = [entry['task'] for entry in app.conf.beat_schedule.values() if entry['task'] not in app.tasks]"
    )

    assert missing == []


@pytest.mark.parametrize(
    ("task", "argument", "unit"),
    [
        ("facilities.process_payment", "'INV-001-01'", "north"),
        ("facilities.build_unit_report", "'south'", "south"),
        ("facilities.process_payment", "'INV-of-nobody'", ""),
        ("facilities.purge_old_readings", "", ""),
    ],
)
def test_business_unit_is_found_from_the_first_argument(
    fresh_example: Project, task: str, argument: str, unit: str
) -> None:
    found = fresh_example.python(
        f"from apps.facilities.tenancy import business_unit_of\nresult = business_unit_of({task!r}, [{argument}], {{}})"
    )

    assert found == unit


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://ada:p%40ss@db.example:6432/shop?sslmode=require",
            {"USER": "ada", "PASSWORD": "p@ss", "HOST": "db.example", "PORT": "6432", "NAME": "shop"},
        ),
        ("postgresql://db/shop", {"USER": "", "PASSWORD": "", "HOST": "db", "PORT": "", "NAME": "shop"}),
        ("sqlite:////tmp/there/shop.sqlite3", {"NAME": "/tmp/there/shop.sqlite3"}),
    ],
)
def test_database_url_is_read(fresh_example: Project, url: str, expected: dict[str, Any]) -> None:
    found = fresh_example.python(f"from config import environment\nresult = environment.database({url!r})")

    assert {key: found[key] for key in expected} == expected


def test_database_url_that_is_not_understood_names_no_password(tmp_path: Path) -> None:
    project = example_project(tmp_path, {"DATABASE_URL": "mysql://ada:secret@db/shop"})

    said = project.manage("check", code=1)

    assert "use postgres://user:password@host:port/name or sqlite:///path" in said
    assert "db/shop" in said
    assert "secret@" not in said
