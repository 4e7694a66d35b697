"""Section 6: the pages and the JSON that exist, at their documented paths, under both namespaces; the rest absent."""

import json
import re
from typing import Any

import pytest

from tests.contract import typed
from tests.contract.typed import Typed
from tests.contract.visits import Answer, Visit, visit
from tests.example.conftest import example_project
from tests.servers.django_project import Project

IMPORTS = "from django.urls import NoReverseMatch, resolve, reverse"

# name -> (path with the id 7 where there is one, view function in apps.core.views.task_monitoring_dashboard)
URLS = {
    "task_dashboard": ("/admin/tasks/dashboard/", "task_dashboard"),
    "dlq_management": ("/admin/tasks/dlq/", "dlq_management"),
    "retry_dlq_task": ("/admin/tasks/dlq/7/retry/", "retry_dlq_task"),
    "abandon_dlq_task": ("/admin/tasks/dlq/7/abandon/", "abandon_dlq_task"),
    "bulk_retry_dlq": ("/admin/tasks/dlq/bulk-retry/", "bulk_retry_dlq"),
    "failure_taxonomy": ("/admin/tasks/failure-taxonomy/", "failure_taxonomy_dashboard"),
    "idempotency_analysis": ("/admin/tasks/idempotency-analysis/", "idempotency_analysis"),
    "retry_policy": ("/admin/tasks/retry-policy/", "retry_policy_dashboard"),
    "api_dlq_status": ("/admin/tasks/api/dlq/", "api_dlq_status"),
    "api_circuit_breakers": ("/admin/tasks/api/circuit-breakers/", "api_circuit_breakers"),
    "api_failure_trends": ("/admin/tasks/api/failure-trends/", "api_failure_trends"),
}
LATER = {
    "schedule_conflicts": "/admin/tasks/schedule-conflicts/",
}
_VIEWS = "from apps.core.views import task_monitoring_dashboard as views"


def _arguments(path: str) -> str:
    return ", kwargs={'task_id': 7}" if "/7/" in path else ""


PATHS = [
    *(
        Typed(name, f"print(reverse('{name}'{_arguments(path)}), reverse('redrive:{name}'{_arguments(path)}))",
              f"{path} {path}")
        for name, (path, _view) in URLS.items()
    ),
    *(
        Typed(f"{path} is served by {view}", f"{_VIEWS}\nresolve('{path}').func is views.{view}", "True")
        for path, view in URLS.values()
    ),
]  # fmt: skip

ABSENT = [
    Typed(
        f"{name} is absent until it is built",
        f"{_VIEWS}\n"
        f"try:\n"
        f"    reverse('{name}')\n"
        f"except NoReverseMatch:\n"
        f"    print('no address,', 'a view' if hasattr(views, '{name}') else 'no view')",
        "no address, no view",
    )
    for name in LATER
]
CASES = [*PATHS, *ABSENT]


@pytest.fixture(scope="module")
def shell(reference: Project) -> dict[str, str]:
    return typed.run(reference, IMPORTS, CASES)


@pytest.mark.parametrize("case", PATHS, ids=lambda case: case.says)
def test_the_addresses(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


@pytest.mark.parametrize("case", ABSENT, ids=lambda case: case.says)
def test_what_is_not_built_is_absent(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


# -- what they answer --------------------------------------------------------------------------------------

ROOT = "/admin/tasks"
_CHOSEN = (("ids", "{red}"),)
VISITS = {
    **{path: Visit(path) for path, _ in URLS.values() if "/7/" not in path and "bulk" not in path},
    **{f"later {name}": Visit(path, follow=True) for name, path in LATER.items()},
    **{f"nobody {name}": Visit(path, who="nobody") for name, (path, _) in URLS.items()},
    "trends of 24 hours": Visit(f"{ROOT}/api/failure-trends/?hours=24"),
    "post to a page": Visit(f"{ROOT}/dashboard/", "post"),
    "post to JSON": Visit(f"{ROOT}/api/dlq/", "post"),
    "retry by GET": Visit(f"{ROOT}/dlq/{{red}}/retry/"),
    "abandon by GET": Visit(f"{ROOT}/dlq/{{red}}/abandon/"),
    "bulk retry by GET": Visit(f"{ROOT}/dlq/bulk-retry/"),
    "a week of types": Visit(f"{ROOT}/failure-taxonomy/?timeframe=7d"),
    "a month of retries": Visit(f"{ROOT}/retry-policy/?timeframe=30d"),
    "by status": Visit(f"{ROOT}/dlq/?status=RETRYING"),
    "by task name": Visit(f"{ROOT}/dlq/?task=reports.render"),
    "by failure type": Visit(f"{ROOT}/dlq/?failure_type=PERMANENT_VALIDATION"),
    "retry": Visit(f"{ROOT}/dlq/{{green}}/retry/", "post"),
    "abandon": Visit(f"{ROOT}/dlq/{{orange}}/abandon/", "post", (("reason", "cancelled"),)),
    "ask before a bulk retry": Visit(
        f"{ROOT}/dlq/bulk-retry/", "post", (("scope", "all"), ("status", "PENDING"))
    ),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    project = example_project(tmp_path_factory.mktemp("pages"), {})
    project.manage("migrate", "-v", "0")
    return dict(zip(VISITS, visit(project, list(VISITS.values())), strict=True))


SHOWS = {
    "task_dashboard: idempotency hit rate": ("dashboard/", "<dt>Idempotency hit rate</dt>"),
    "idempotency_analysis: top duplicate tasks": ("idempotency-analysis/", "Top duplicate tasks"),
    "idempotency_analysis: hourly timeline": ("idempotency-analysis/", "Duplicates by hour"),
    "idempotency_analysis: by scope": ("idempotency-analysis/", 'id="by-scope-title"'),
    "idempotency_analysis: by endpoint, with unique keys": (
        "idempotency-analysis/",
        'id="by-endpoint-title"',
    ),
    "idempotency_analysis: timeframe filter": ("idempotency-analysis/", 'name="timeframe"'),
    "idempotency_analysis: scope filter": ("idempotency-analysis/", 'name="scope"'),
    "idempotency_analysis: endpoint filter": ("idempotency-analysis/", 'name="endpoint"'),
    "task_dashboard: active queues": ("dashboard/", '<h2 id="queues-title">Queues</h2>'),
    "task_dashboard: recent execution statistics": ("dashboard/", "<dt>Executions, 24 h</dt>"),
    "task_dashboard: success rate": ("dashboard/", "<dt>Success rate</dt>"),
    "task_dashboard: charts": ("dashboard/", "<canvas"),
    "dlq_management: counts by status": ("dlq/", 'title="PENDING">Dead</span>'),
    "dlq_management: filter by status": ("dlq/", "?status=RETRYING"),
    "dlq_management: filter by task name": ("dlq/", 'name="task"'),
    "dlq_management: filter by failure type": ("dlq/", 'name="failure_type"'),
    "dlq_management: bulk retry": ("dlq/", "/admin/tasks/dlq/bulk-retry/"),
    "failure_taxonomy: distribution": ("failure-taxonomy/", "<canvas"),
    "failure_taxonomy: failing tasks": ("failure-taxonomy/", "billing.charge"),
    "failure_taxonomy: average retries by type": ("failure-taxonomy/", "Average retries</th>"),
    "failure_taxonomy: remediation advice": ("failure-taxonomy/", "Advice</th>"),
    "failure_taxonomy: timeframe filter": ("failure-taxonomy/", "?timeframe=7d"),
    "retry_policy: success rate by task": ("retry-policy/", "Retry success by task"),
    "retry_policy: success rate by failure type": ("retry-policy/", "Retry success by failure type"),
    "retry_policy: breakers": ("retry-policy/", 'id="breakers-title"'),
    "retry_policy: adaptive adjustments": ("retry-policy/", "From 10 retries of a task and type"),
    "retry_policy: the documented policy in force": ("retry-policy/", "10 failures, 5 min"),
    "retry_policy: history": ("retry-policy/", 'id="events-title"'),
}


@pytest.mark.parametrize("says", SHOWS)
def test_a_page_shows(site: dict[str, Answer], says: str) -> None:
    path, words = SHOWS[says]
    assert site[f"{ROOT}/{path}"].code == 200
    assert words in site[f"{ROOT}/{path}"].body


@pytest.mark.parametrize(
    ("address", "rows"),
    [("by status", ["orange"]), ("by task name", ["red"]), ("by failure type", ["green"])],
)
def test_dead_letters_are_filtered(site: dict[str, Answer], address: str, rows: list[str]) -> None:
    assert re.findall(r'<li class="redrive-id">(\w+)</li>', site[address].body) == rows


@pytest.mark.parametrize("address", ["a week of types", "a month of retries"])
def test_a_timeframe_is_taken(site: dict[str, Answer], address: str) -> None:
    assert site[address].code == 200


_STATES = {"closed": 0, "open": 0, "half_open": 0}
ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "api_dlq_status: queue statistics": (
        f"{ROOT}/api/dlq/",
        {"version": 1, "counts": {"pending": 2, "retrying": 1, "resolved": 1, "abandoned": 1}, "queues": []},
    ),
    "api_circuit_breakers: breaker states": (
        f"{ROOT}/api/circuit-breakers/",
        {"version": 1, "known": True, "counts": _STATES, "breakers": []},
    ),
    "api_failure_trends: 24 hours is the default": (
        f"{ROOT}/api/failure-trends/",
        {"version": 1, "hours": 24, "total": 4},
    ),
    "api_failure_trends: ?hours=24": ("trends of 24 hours", {"hours": 24, "total": 4, "bucket_seconds": 3600}),
}  # fmt: skip


@pytest.mark.parametrize("says", ANSWERS)
def test_the_json(site: dict[str, Answer], says: str) -> None:
    address, values = ANSWERS[says]
    body = json.loads(site[address].body)
    assert site[address].kind == "application/json"
    assert {key: body[key] for key in values} == values


@pytest.mark.parametrize(
    "name", ["task_dashboard", "dlq_management", "failure_taxonomy", "retry_policy", "idempotency_analysis"]
)
def test_a_page_sends_a_stranger_to_the_login(site: dict[str, Answer], name: str) -> None:
    assert site[f"nobody {name}"].code == 302


@pytest.mark.parametrize("name", ["api_dlq_status", "api_circuit_breakers", "api_failure_trends"])
def test_json_refuses_a_stranger_in_json(site: dict[str, Answer], name: str) -> None:
    assert site[f"nobody {name}"].code == 401
    assert site[f"nobody {name}"].kind == "application/json"


@pytest.mark.parametrize(
    "address", ["post to a page", "post to JSON", "retry by GET", "abandon by GET", "bulk retry by GET"]
)
def test_the_wrong_method_is_refused(site: dict[str, Answer], address: str) -> None:
    assert site[address].code == 405


@pytest.mark.parametrize("name", LATER)
def test_the_address_of_what_is_not_built_is_not_found(site: dict[str, Answer], name: str) -> None:
    assert site[f"later {name}"].code == 404


def test_post_retry_sends_a_dead_letter_back_to_work(site: dict[str, Answer]) -> None:
    assert site["retry"].code == 302
    assert site["retry"].statuses["green"] == "RETRYING"


def test_post_abandon_gives_a_task_up(site: dict[str, Answer]) -> None:
    assert site["abandon"].code == 302
    assert site["abandon"].statuses["orange"] == "ABANDONED"


def test_post_bulk_retry_says_first_what_it_would_do(site: dict[str, Answer]) -> None:
    assert site["ask before a bulk retry"].code == 200
    assert "Retry 1 task?" in site["ask before a bulk retry"].body
    assert site["ask before a bulk retry"].statuses["red"] == "PENDING"
