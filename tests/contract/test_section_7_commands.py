"""Section 7: the commands that exist, as an operator types them in the reference project."""

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


def test_validate_schedules_is_absent_until_it_is_built(reference: Project) -> None:
    said = reference.manage("validate_schedules", code=1)

    assert "Unknown command: 'validate_schedules'" in said


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
