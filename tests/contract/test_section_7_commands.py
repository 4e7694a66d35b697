"""Section 7: the commands that exist, as an operator types them in the reference project."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.example.conftest import EXAMPLE, example_project
from tests.servers import ValkeyServer
from tests.servers.django_project import Project


def test_sqlmigrate_core_0001_works_and_has_nothing_to_do(reference: Project) -> None:
    """The tables are the package's; `core` only follows."""
    assert reference.manage("sqlmigrate", "core", "0001").strip() == "No operations found."


def test_migrate_core_again_has_nothing_to_do(reference: Project) -> None:
    assert "No migrations to apply." in reference.manage("migrate", "core")


def test_makemigrations_finds_nothing_in_any_app(reference: Project) -> None:
    assert reference.manage("makemigrations", "--check", "--dry-run").strip() == "No changes detected"


def test_collectstatic_gathers_the_pages_style_and_scripts_and_may_run_twice(tmp_path: Path) -> None:
    project = example_project(tmp_path, {})

    project.manage("collectstatic", "--no-input", "-v", "0")
    again = project.manage("collectstatic", "--no-input")

    for name in ("redrive.css", "redrive.js", "vendor/chart.umd.min.js"):
        assert (tmp_path / "static" / "redrive" / name).stat().st_size > 0
    assert "0 static files copied" in again


_ROWS = """
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

often = IntervalSchedule.objects.create(every=2, period="seconds")
never = CrontabSchedule.objects.create(minute="0", hour="0", day_of_month="30", month_of_year="2")
nightly = CrontabSchedule.objects.create(minute="15", hour="3")
poll = dict(task="facilities.poll_sensor", interval=often, args="[1]")
result = [
    PeriodicTask.objects.create(name="poll sensor 1", **poll).pk,
    PeriodicTask.objects.create(name="switched off", enabled=False, **poll).pk,
    PeriodicTask.objects.create(name="never", task="facilities.purge_old_readings", crontab=never, args="[7]").pk,
    PeriodicTask.objects.create(name="purge once more", task="facilities.purge_old_readings", crontab=nightly).pk,
]
"""


def test_validate_schedules_finds_what_is_wrong_in_settings_and_database(tmp_path: Path) -> None:
    project = example_project(tmp_path, {})
    project.manage("migrate", "-v", "0")
    clean = project.manage("validate_schedules", "--check-idempotency", "--check-duplicates")
    ids = project.python(_ROWS)

    said = project.manage("validate_schedules", "--check-idempotency", "--verbose", code=1)
    doubled = project.manage("validate_schedules", "--check-duplicates", code=1)
    one = project.manage(
        "validate_schedules",
        "--schedule-id",
        str(ids[0]),
        "--format",
        "json",
        "--output",
        str(tmp_path / "r"),
        code=1,
    )

    assert "6 schedules" in clean
    assert "0 faults" in clean
    assert "FAULT    period-below-ttl: poll sensor 1 (facilities.poll_sensor)" in said
    assert "It is due every 2 s, but a result stands for 5 s: 2 of 3 runs in a row are swallowed." in said
    assert f"  off        switched off (database {ids[1]})" in said
    assert "not idempotent and should be: another entry makes the same call" in said
    assert (
        "“purge old readings” and “purge once more” make the same call, and fire at the same time." in doubled
    )
    assert "never" not in doubled
    assert one == ""
    (finding,) = json.loads((tmp_path / "r").read_text())["findings"]
    assert finding["kind"] == "period-below-ttl"


@pytest.mark.parametrize("option", ["--check-hotspots", "--check-orphaned-tasks", "--fix", "--dry-run"])
def test_options_of_validate_schedules_that_are_not_built_are_absent(reference: Project, option: str) -> None:
    assert "unrecognized arguments" in reference.manage("validate_schedules", option, code=None)


# -- scripts/celery_workers.sh ------------------------------------------------------------------------------


@pytest.fixture
def environment(tmp_path: Path, valkey: ValkeyServer) -> Iterator[dict[str, str]]:
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    own = {
        "PYTHON": sys.executable,
        "VAR_DIR": str(tmp_path),
        "BROKER_URL": valkey.url,
        "REDIS_URL": "",
        "DATABASE_URL": "",
    }
    yield inherited | own
    _type(inherited | own, "stop")


def _type(environment: dict[str, str], verb: str) -> subprocess.CompletedProcess[str]:
    """`scripts/celery_workers.sh verb`, typed in the reference project's directory."""
    command = ["scripts/celery_workers.sh", verb]
    return subprocess.run(
        command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, timeout=200, check=False
    )


def _pids(tmp_path: Path) -> dict[str, int]:
    return {file.stem: int(file.read_text()) for file in (tmp_path / "run").glob("*.pid")}


@pytest.mark.celery
def test_restart_starts_what_does_not_run_and_replaces_what_does(
    environment: dict[str, str], tmp_path: Path
) -> None:
    first = _type(environment, "restart")
    before = _pids(tmp_path)
    second = _type(environment, "restart")
    after = _pids(tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.count("does not run") == 3
    assert second.stdout.count("stopped") == 3
    assert second.stdout.count("started (pid") == 3
    assert set(before) == set(after) == {"urgent", "general", "heavy"}
    assert not set(before.values()) & set(after.values())
    status = _type(environment, "status")
    assert status.returncode == 0
    queues = {
        queue for queue in ("critical", "high_priority", "reports", "maintenance") if queue in status.stdout
    }
    assert queues == {"critical", "high_priority", "reports", "maintenance"}
