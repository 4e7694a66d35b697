"""The page of duplicates and the hit rate on the overview."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from tests.web.making import make_duplicates, make_staff, make_stat, this_hour

from redrive.celery import IdempotentTask
from redrive.models import Stat

pytestmark = pytest.mark.django_db

PAGE = "/admin/tasks/idempotency-analysis/"

shop = Celery("duplicates", broker="memory://", set_as_current=False)
shop.conf.beat_schedule = {
    "nightly invoices": {"task": "billing.charge", "schedule": 900},
    "invoices again": {"task": "billing.charge", "schedule": 900},
    "every minute": {"task": "sensors.poll", "schedule": 60},
}


@shop.task(shared=False, base=IdempotentTask, name="billing.charge", idempotency_ttl=600)
def charge() -> None: ...


@shop.task(shared=False, base=IdempotentTask, name="sensors.poll", idempotency_ttl=300)
def poll() -> None: ...


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_staff("mia", "view"))
    return client


@pytest.fixture(autouse=True)
def _project(settings: Settings, tmp_path: Path) -> None:
    settings.REDRIVE = {"CELERY_APP": f"{__name__}:shop", "SPILL": {"DIRECTORY": str(tmp_path)}}


def _page(client: Client, query: str = "") -> Any:
    return client.get(PAGE + query).context["page"]


def test_sums_are_shown_by_task_scope_and_endpoint(operator: Client) -> None:
    make_duplicates("billing.charge", "user:view:checkout", checks=200, hits=1)
    make_duplicates("billing.charge", "user:beat:nightly invoices", checks=20, hits=2)
    make_duplicates("sensors.poll", "device:elsewhere", checks=780, hits=0)

    page = _page(operator)

    assert (page.total.checks, page.total.hits, page.total.unique_keys) == (1000, 3, 997)
    assert page.total.tone == "good"
    assert [(row.task_name, row.hits) for row in page.tasks] == [("billing.charge", 3)]
    assert [(row.scope, row.checks, row.hits) for row in page.by_scope] == [
        ("user", 220, 3),
        ("device", 780, 0),
    ]
    assert [(row.endpoint, row.unique_keys) for row in page.by_endpoint] == [
        ("beat:nightly invoices", 18),
        ("view:checkout", 199),
        ("elsewhere", 780),
    ]


@pytest.mark.parametrize(
    ("query", "checks", "hits"),
    [
        ("?scope=user", 220, 3),
        ("?scope=device", 780, 0),
        ("?endpoint=view:checkout", 200, 1),
        ("?scope=user&endpoint=beat:nightly+invoices", 20, 2),
        ("?scope=nonsense", 0, 0),
    ],
)
def test_a_filter_narrows_sums_and_timeline(operator: Client, query: str, checks: int, hits: int) -> None:
    make_duplicates("billing.charge", "user:view:checkout", checks=200, hits=1)
    make_duplicates("billing.charge", "user:beat:nightly invoices", checks=20, hits=2)
    make_duplicates("sensors.poll", "device:elsewhere", checks=780, hits=0)

    page = _page(operator, query)

    assert (page.total.checks, page.total.hits) == (checks, hits)
    assert [sum(series.values) for series in page.charts[0].series] == [checks - hits, hits]


@pytest.mark.parametrize(
    ("timeframe", "hits", "bars"), [("1h", 1, 2), ("24h", 3, 25), ("7d", 7, 8), ("30d", 15, 31)]
)
def test_a_timeframe_narrows_sums_and_timeline(
    operator: Client, timeframe: str, hits: int, bars: int
) -> None:
    """1 hit in the hour before, 2 more 5 hours ago, 4 more 5 days ago, 8 more 20 days ago."""
    for number, back in ((1, 1), (2, 5), (4, 5 * 24), (8, 20 * 24)):
        for kind in ("idempotency-check", "idempotency-hit"):
            Stat.objects.create(
                hour=this_hour() - timedelta(hours=back),
                kind=kind,
                task_name="a.b",
                label="global:x",
                count=number,
            )

    page = _page(operator, f"?timeframe={timeframe}")

    # Hours are counted whole: the last hour reaches back to the start of the one before.
    assert page.total.hits == hits
    assert sum(page.charts[0].series[1].values) == hits
    assert len(page.charts[0].labels) in (bars - 1, bars)  # on the full hour there is one less


def test_red_names_the_duplicate_schedule(operator: Client) -> None:
    make_duplicates("billing.charge", "global:beat:nightly invoices", checks=100, hits=40)

    page = _page(operator)
    overview = operator.get("/admin/tasks/dashboard/").context["page"]

    words = (
        "“invoices again” and “nightly invoices” make the same call, and may fire at the same time:"
        " an interval has no fixed phase."
    )
    assert page.suspicion.words == words
    assert page.suspicion.entries == ("invoices again", "nightly invoices")
    assert [(notice.tone, notice.words) for notice in overview.notices] == [
        ("bad", f"40.0 % of idempotent calls were duplicates in the last 24 hours. {words}")
    ]


def test_amber_names_it_too_because_other_tasks_hide_how_bad_it_is(operator: Client) -> None:
    make_duplicates("billing.charge", "global:beat:nightly invoices", checks=100, hits=20)
    make_duplicates("sensors.poll", "device:elsewhere", checks=900, hits=0)

    page = _page(operator)

    assert page.total.tone == "warn"
    assert page.suspicion.entries == ("invoices again", "nightly invoices")
    notice = '<p class="redrive-notice redrive-notice--warn">2.0 % of these calls were duplicates. “invoices again” and'
    assert notice in operator.get(PAGE).content.decode()


def test_red_names_the_schedule_that_is_due_while_its_result_stands(operator: Client) -> None:
    make_duplicates("sensors.poll", "global:beat:every minute", checks=100, hits=80)

    assert _page(operator).suspicion.words == (
        "“every minute”: It is due every 1 min, but a result stands for 5 min: 4 of 5 runs in a row are swallowed."
    )


def test_red_says_when_it_is_no_schedule(operator: Client) -> None:
    make_duplicates("billing.charge", "user:view:checkout", checks=100, hits=40)

    suspicion = _page(operator).suspicion

    assert suspicion.entries == ()
    assert suspicion.words == (
        "view:checkout has published 40 of 40 duplicates of billing.charge. No schedule is suspected."
    )


@pytest.mark.parametrize("app", ["nowhere.to.be:found", "tests.web.making:nothing"])
def test_red_is_shown_also_if_the_schedule_cannot_be_read(
    operator: Client, settings: Settings, app: str
) -> None:
    settings.REDRIVE = {**settings.REDRIVE, "CELERY_APP": app}
    make_duplicates("billing.charge", "global:beat:nightly", checks=100, hits=40)

    assert _page(operator).suspicion.words == "“nightly” has published 40 of 40 duplicates of billing.charge."


@pytest.mark.parametrize(("hits", "tone"), [(10, None), (11, "warn"), (50, "warn"), (51, "bad")])
def test_overview_warns_above_1_percent_and_more_above_5(
    operator: Client, hits: int, tone: str | None
) -> None:
    make_duplicates("billing.charge", "user:view:checkout", checks=1000, hits=hits)

    answer = operator.get("/admin/tasks/dashboard/")

    assert [notice.tone for notice in answer.context["page"].notices] == ([tone] if tone else [])
    assert f"redrive-tile--{tone or 'good'}" in answer.content.decode()
    assert f"{hits / 10:.1f} %" in answer.content.decode()


def test_what_happened_to_claims_is_said(operator: Client) -> None:
    make_stat("claim", "lost", 2)
    make_stat("claim", "without", 1299)
    make_stat("claim", "without", 1, task="sensors.poll")

    assert (
        "2 claims lost while the task ran (billing.charge); "
        "1,300 runs without a claim, its store was away (billing.charge, sensors.poll)."
    ) in operator.get(PAGE).content.decode()


def test_an_endpoint_is_shown_as_text(operator: Client) -> None:
    make_duplicates("billing.charge", "user:<script>alert(1)</script>&x=1", checks=10, hits=0)

    body = operator.get(PAGE).content.decode()

    assert "<script>alert" not in body
    assert "endpoint=%3Cscript%3Ealert%281%29%3C/script%3E%26x%3D1" in body


@pytest.mark.parametrize(("query", "number"), [("", 7), ("?scope=user&timeframe=30d", 7)])
def test_page_takes_three_queries_of_its_own_however_many_rows(
    operator: Client, query: str, number: int
) -> None:
    """Four are for session, user and permissions."""
    for n in range(50):
        make_duplicates(f"task.{n}", f"user:view:{n}", checks=100, hits=1)

    with CaptureQueriesContext(connection) as queries:
        operator.get(PAGE + query)

    assert len(queries) == number
