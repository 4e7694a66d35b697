"""The import paths, URL names and commands that existing projects already use."""

from pathlib import Path
from typing import Any

import pytest

from tests.example.conftest import EXAMPLE, example_project
from tests.example.documented_names import DOCUMENTED
from tests.servers.django_project import Project

NAMES = [(module, name) for module, names in DOCUMENTED.items() for name in names]
ADDRESSES = {
    "task_dashboard": "/admin/tasks/dashboard/",
    "dlq_management": "/admin/tasks/dlq/",
    "bulk_retry_dlq": "/admin/tasks/dlq/bulk-retry/",
    "failure_taxonomy": "/admin/tasks/failure-taxonomy/",
    "retry_policy": "/admin/tasks/retry-policy/",
    "api_dlq_status": "/admin/tasks/api/dlq/",
    "api_circuit_breakers": "/admin/tasks/api/circuit-breakers/",
    "api_failure_trends": "/admin/tasks/api/failure-trends/",
}


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_documented_name_is_the_packages_own_object(
    documented: dict[str, Any], module: str, name: str
) -> None:
    assert documented[module]["same"][name] is True


@pytest.mark.parametrize("module", DOCUMENTED)
def test_documented_module_offers_exactly_the_documented_names(
    documented: dict[str, Any], module: str
) -> None:
    assert documented[module]["all"] == sorted(DOCUMENTED[module])


def test_documented_modules_hold_no_logic() -> None:
    for module in DOCUMENTED:
        lines = (EXAMPLE / f"{module.replace('.', '/')}.py").read_text().splitlines()

        assert not [line for line in lines if line.startswith(("def ", "class ", "if ", "for ", "async "))]


@pytest.fixture(scope="module")
def addresses(fresh_example: Project) -> dict[str, Any]:
    names = [*ADDRESSES, *(f"redrive:{name}" for name in ADDRESSES)]
    found = fresh_example.python(
        f"from django.urls import reverse\nresult = {{name: reverse(name) for name in {names}}}"
    )
    return dict(found)


@pytest.mark.parametrize("name", ADDRESSES)
def test_plain_and_namespaced_url_names_give_the_documented_path(
    addresses: dict[str, str], name: str
) -> None:
    assert (addresses[name], addresses[f"redrive:{name}"]) == (ADDRESSES[name], ADDRESSES[name])


def test_actions_on_one_dead_letter_have_documented_paths(fresh_example: Project) -> None:
    found = fresh_example.python(
        "from django.urls import reverse\n"
        "result = [reverse(name, args=[7]) for name in ('retry_dlq_task', 'abandon_dlq_task')]"
    )

    assert found == ["/admin/tasks/dlq/7/retry/", "/admin/tasks/dlq/7/abandon/"]


def test_documented_admin_path_leads_to_the_real_list_with_its_query(fresh_example: Project) -> None:
    found = fresh_example.python(
        "from django.test import Client\n"
        "response = Client().get('/admin/core/taskfailurerecord/?status=PENDING')\n"
        "result = [response.status_code, response.headers['Location']]"
    )

    assert found == [302, "/admin/redrive/taskfailurerecord/?status=PENDING"]


def test_documented_admin_path_takes_no_posts(fresh_example: Project) -> None:
    found = fresh_example.python(
        "from django.test import Client\nresult = Client().post('/admin/core/taskfailurerecord/').status_code"
    )

    assert found == 405


def test_makemigrations_core_finds_nothing_to_make(fresh_example: Project) -> None:
    said = fresh_example.manage("makemigrations", "core", "--check")

    assert said.strip() == "No changes detected in app 'core'"


def test_migrate_core_creates_the_packages_tables(tmp_path: Path) -> None:
    project = example_project(tmp_path, {})

    project.manage("migrate", "core", "-v", "0")

    found = project.python(
        "from apps.core.models.task_failure_record import TaskFailureRecord\nresult = TaskFailureRecord.objects.count()"
    )
    assert found == 0


def test_core_follows_the_packages_newest_migration(fresh_example: Project) -> None:
    found = fresh_example.python(
        "from django.db.migrations.loader import MigrationLoader\n"
        "graph = MigrationLoader(None).graph\n"
        "leaf = graph.leaf_nodes('redrive')[0]\n"
        "result = list(leaf) in [list(parent) for parent in graph.node_map[graph.leaf_nodes('core')[0]].parents]"
    )

    assert found is True


def test_project_has_no_system_check_complaints(fresh_example: Project) -> None:
    said = fresh_example.manage("check", "--fail-level", "WARNING")

    assert said.strip() == "System check identified no issues (1 silenced)."


def test_collectstatic_works(tmp_path: Path) -> None:
    project = example_project(tmp_path, {})

    project.manage("collectstatic", "--no-input", "-v", "0")

    assert (tmp_path / "static" / "admin" / "css" / "base.css").exists()
