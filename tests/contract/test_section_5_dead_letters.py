"""Section 5: the records in the database and in the admin, under their documented names."""

import colorsys
import re
from pathlib import Path

import pytest

import redrive
from tests.contract import typed
from tests.contract.typed import Typed
from tests.contract.visits import Answer, Visit, visit
from tests.example.conftest import example_project
from tests.servers.django_project import Project

IMPORTS = "from apps.core.models.task_failure_record import TaskFailureRecord"
FIELDS = (
    "task_id", "task_name", "task_args", "task_kwargs", "correlation_id", "failure_type", "exception_type",
    "exception_message", "traceback", "status", "retry_count", "max_retries", "next_retry_at", "last_retry_at",
    "first_failed_at", "resolved_at", "abandoned_at", "worker_hostname", "queue_name", "remediation_notes",
    "business_unit",
)  # fmt: skip

MODEL = [
    Typed("objects.count() of a fresh database", "TaskFailureRecord.objects.count()", "0"),
    Typed(
        "the statuses",
        "' '.join(value for value, _ in TaskFailureRecord._meta.get_field('status').choices)",
        "PENDING RETRYING RESOLVED ABANDONED",
    ),
    Typed("a new record is PENDING", "TaskFailureRecord().status == 'PENDING'", "True"),
    Typed(
        "the failure types are the taxonomy's",
        "from apps.core.tasks.failure_taxonomy import FailureType\n"
        "[v for v, _ in TaskFailureRecord._meta.get_field('failure_type').choices] == [t.value for t in FailureType]",
        "True",
    ),
    Typed("one record per task", "TaskFailureRecord._meta.get_field('task_id').unique", "True"),
    Typed(
        "the documented fields can be queried",
        f"TaskFailureRecord.objects.filter(business_unit='north', status='PENDING').only{FIELDS}.count()",
        "0",
    ),
    Typed(
        "every documented field is there, and no other name is needed",
        f"[name for name in {FIELDS} if name not in {{f.name for f in TaskFailureRecord._meta.get_fields()}}]",
        "[]",
    ),
]


@pytest.fixture(scope="module")
def shell(reference: Project) -> dict[str, str]:
    return typed.run(reference, IMPORTS, MODEL)


@pytest.mark.parametrize("case", MODEL, ids=lambda case: case.says)
def test_the_model(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


# -- the admin ---------------------------------------------------------------------------------------------

LIST = "/admin/core/taskfailurerecord/"
REAL = "/admin/redrive/taskfailurerecord/"
VISITS = {
    "list": Visit(LIST, follow=True),
    "pending": Visit(f"{LIST}?status__exact=PENDING", follow=True),
    "of a type": Visit(f"{LIST}?failure_type__exact=EXTERNAL_API_DOWN", follow=True),
    "of a category": Visit(f"{LIST}?category=CONFIGURATION", follow=True),
    "of a unit": Visit(f"{LIST}?business_unit=north", follow=True),
    "since": Visit(f"{LIST}?first_failed_at__lt=2000-01-01+00%3A00%3A00%2B00%3A00", follow=True),
    "by task name": Visit(f"{LIST}?q=reports.render", follow=True),
    "by task id": Visit(f"{LIST}?q=gone", follow=True),
    "by exception message": Visit(f"{LIST}?q=No+space+left", follow=True),
    "add": Visit(f"{REAL}add/"),
    "delete an unfinished one": Visit(f"{REAL}{{green}}/delete/", "post", (("post", "yes"),)),
    "delete a finished one": Visit(f"{REAL}{{done}}/delete/", "post", (("post", "yes"),)),
    "export": Visit(REAL, "post", (("action", "export_csv"), ("_selected_action", "1"))),
}


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    project = example_project(tmp_path_factory.mktemp("admin"), {})
    project.manage("migrate", "-v", "0")
    return dict(zip(VISITS, visit(project, list(VISITS.values())), strict=True))


def _rows(answer: Answer) -> set[str]:
    """Task ids by their row's retry count and failure type, which are different for each."""
    kinds = {
        "PERMANENT_VALIDATION": "green",
        "TRANSIENT_NETWORK": "orange",
        "EXTERNAL_API_DOWN": "red",
        "SYSTEM_DISK_FULL": "done",
        "CONFIG_MISSING_SETTING": "gone",
    }
    shown = re.findall(r'<span class="redrive-badge redrive-badge--\w+">(\w+)</span>', answer.body)
    return {kinds[kind] for kind in shown}


LOOKS = {
    "PENDING has a coloured badge": '<span class="redrive-badge redrive-badge--bad" title="PENDING">Dead</span>',
    "RETRYING has one": '<span class="redrive-badge redrive-badge--warn" title="RETRYING">Runs again</span>',
    "RESOLVED has one": '<span class="redrive-badge redrive-badge--good" title="RESOLVED">Resolved</span>',
    "ABANDONED has one": '<span class="redrive-badge redrive-badge--quiet" title="ABANDONED">Abandoned</span>',
    "a permanent type has its colour": 'redrive-badge--violet">PERMANENT_VALIDATION</span>',
    "a transient type has its colour": 'redrive-badge--info">TRANSIENT_NETWORK</span>',
    "an external type has its colour": 'redrive-badge--teal">EXTERNAL_API_DOWN</span>',
    "a system type has its colour": 'redrive-badge--bad">SYSTEM_DISK_FULL</span>',
    "a configuration type has its colour": 'redrive-badge--orange">CONFIG_MISSING_SETTING</span>',
    "1 of 5 retries: a green bar": '<progress class="redrive-bar redrive-bar--good" value="1" max="5"',
    "3 of 5 retries: an orange bar": '<progress class="redrive-bar redrive-bar--warn" value="3" max="5"',
    "5 of 5 retries: a red bar": '<progress class="redrive-bar redrive-bar--bad" value="5" max="5"',
    "2 hours ago": ">2 hours ago</time>",
    "20 days ago": ">20 days ago</time>",
    "in 30 min": ">in 30 min</time>",
    "a quick action to retry a dead letter": ">Retry</button>",
    "a quick action to hurry a waiting task": ">Run now</button>",
    "a quick action to abandon": ">Abandon…</a>",
    "bulk action: retry, normal priority": '<option value="retry_selected">Retry (normal priority)</option>',
    "bulk action: retry HIGH": '<option value="retry_high">Retry with HIGH priority</option>',
    "bulk action: retry CRITICAL": '<option value="retry_critical">Retry with CRITICAL priority</option>',
    "bulk action: abandon": '<option value="abandon_selected">Abandon</option>',
    "bulk action: export": '<option value="export_csv">Export to CSV</option>',
    "what the search looks at": "Task name, task id or exception message",
}


@pytest.mark.parametrize("says", LOOKS)
def test_the_list_shows(admin: dict[str, Answer], says: str) -> None:
    assert admin["list"].code == 200
    assert LOOKS[says] in admin["list"].body


@pytest.mark.parametrize("title", ["status", "category", "failure type", "first failed at", "business unit"])
def test_the_list_offers_a_filter(admin: dict[str, Answer], title: str) -> None:
    assert re.search(rf"<summary>\s*By {title}\s*</summary>", admin["list"].body)


@pytest.mark.parametrize(
    ("address", "rows"),
    [
        ("pending", {"green", "red"}),
        ("of a type", {"red"}),
        ("of a category", {"gone"}),
        ("of a unit", {"green"}),
        ("since", set()),
        ("by task name", {"red"}),
        ("by task id", {"gone"}),
        ("by exception message", {"done"}),
    ],
)
def test_the_documented_path_filters_and_searches(
    admin: dict[str, Answer], address: str, rows: set[str]
) -> None:
    assert _rows(admin[address]) == rows


def test_nothing_is_added_by_hand(admin: dict[str, Answer]) -> None:
    assert admin["add"].code == 403
    assert "/add/" not in admin["list"].body


def test_only_what_is_finished_can_be_deleted(admin: dict[str, Answer]) -> None:
    assert admin["delete an unfinished one"].code == 403
    assert "green" in admin["delete an unfinished one"].statuses
    assert "done" not in admin["delete a finished one"].statuses


def test_an_export_is_csv(admin: dict[str, Answer]) -> None:
    assert admin["export"].kind == "text/csv; charset=utf-8"
    assert admin["export"].body.removeprefix("\ufeff").startswith("id,task_id,task_name,status,failure_type,")


STYLE = (Path(redrive.__file__).parent / "static/redrive/redrive.css").read_text()
# Hues in degrees: where people see the named colour.
HUES = {"good": ("green", 90, 170), "warn": ("orange", 25, 50), "bad": ("red", -15, 15)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tone", HUES)
def test_bars_are_green_orange_and_red(tone: str, scheme: str) -> None:
    assert f".redrive-bar--{tone} {{ --fill: var(--redrive-fill-{tone}); }}" in STYLE
    pair = re.search(rf"--redrive-fill-{tone}: light-dark\(#(\w{{6}}), #(\w{{6}})\)", STYLE)
    assert pair is not None
    colour = pair[1] if scheme == "light" else pair[2]

    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
    hue = (colorsys.rgb_to_hsv(red, green, blue)[0] * 360 + 180) % 360 - 180

    _name, low, high = HUES[tone]
    assert low <= hue <= high


def test_no_badge_has_another_tones_colours() -> None:
    tones = ("bad", "warn", "good", "info", "violet", "orange", "teal")

    colours = {tone: re.findall(rf"--redrive-{tone}(?:-bg)?: (light-dark\([^)]*\))", STYLE) for tone in tones}

    assert all(len(found) == 2 for found in colours.values())
    assert len({pair for found in colours.values() for pair in found}) == 2 * len(tones)
