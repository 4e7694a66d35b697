"""What the pages show of stored state, and how many queries that takes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings
from tests.web.making import (
    make_attempt,
    make_everything,
    make_queue,
    make_record,
    make_staff,
    make_stat,
    make_waiting_record,
)

from redrive import runtime
from redrive.gate import Outcome, Run
from redrive.models import TaskFailureRecord
from redrive.stores.sql import pages

pytestmark = pytest.mark.django_db

ROOT = "/admin/tasks/"
PAGES = ("dashboard/", "dlq/?status=all", "failure-taxonomy/", "retry-policy/", "idempotency-analysis/")


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_staff("mia", "view", "change"))
    return client


@pytest.fixture(autouse=True)
def _own_spill(settings: Settings, tmp_path: Path) -> None:
    settings.REDRIVE = {"SPILL": {"DIRECTORY": str(tmp_path)}}


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_without_any_data(operator: Client, page: str) -> None:
    assert operator.get(ROOT + page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_page_takes_no_more_queries_for_more_records(operator: Client, page: str) -> None:
    make_everything()
    with CaptureQueriesContext(connection) as few:
        operator.get(ROOT + page)

    for number in range(30):
        make_record(task_name=f"reports.render_{number}", business_unit=f"unit {number}")
    with CaptureQueriesContext(connection) as many:
        operator.get(ROOT + page)

    assert len(many) == len(few)
    assert (
        len(many) <= 25
    )  # of them 4 for session, user and permissions, 7 for the gate's two short transactions


# -- overview ----------------------------------------------------------------------------------------------


def test_overview_counts_executions_and_their_success_rate(operator: Client) -> None:
    make_stat("execution", "success", 90, seconds=30)
    make_stat("execution", "failure", 10, seconds=5)
    make_stat("execution", "retry", 20, seconds=1)
    make_stat("execution", "held", 7)  # held tasks have not run

    figures = operator.get(f"{ROOT}dashboard/").context["page"].executions

    assert figures.total == 120
    assert figures.success_rate == 0.9
    assert figures.average_seconds == 0.3


def test_overview_says_when_queues_were_not_sampled(operator: Client) -> None:
    assert "not sampled yet" in operator.get(f"{ROOT}dashboard/").content.decode()


def test_overview_sums_the_depths_of_sampled_queues(operator: Client) -> None:
    make_queue("reports", 340)
    make_queue("critical", 2)

    page = operator.get(f"{ROOT}dashboard/")

    assert page.context["page"].depth == 342
    assert "not sampled yet" not in page.content.decode()


def test_old_samples_say_nothing_but_that_no_keeper_runs(operator: Client) -> None:
    make_queue("reports", 340, stale=True)

    page = operator.get(f"{ROOT}dashboard/")

    assert page.context["page"].depth is None
    assert "no longer sampled" in page.content.decode()
    assert [n.words for n in page.context["page"].notices] == [
        "No keeper has looked at the queues for a minute. Is one running? (manage.py redrive status)"
    ]


def test_overview_says_that_it_only_observes(operator: Client, settings: Settings) -> None:
    settings.REDRIVE = {**settings.REDRIVE, "MODE": "observe"}

    assert "Mode is observe" in operator.get(f"{ROOT}dashboard/").content.decode()


def test_overview_asks_for_a_look_at_rejected_lines(operator: Client, tmp_path: Path) -> None:
    (tmp_path / "rejected.jsonl").write_text("?\n")

    (notice,) = operator.get(f"{ROOT}dashboard/").context["page"].notices

    assert notice.words == (f"1 line of the spill could not be stored. Look at rejected.jsonl in {tmp_path}.")


@pytest.mark.parametrize(("dead", "tone"), [(20, None), (21, "warn"), (50, "warn"), (51, "bad")])
def test_overview_warns_above_20_dead_letters_and_more_above_50(
    operator: Client, dead: int, tone: str | None
) -> None:
    for _ in range(dead):
        make_record()

    found = operator.get(f"{ROOT}dashboard/").context["page"].notices

    assert [notice.tone for notice in found] == ([tone] if tone else [])


def test_overview_warns_of_a_success_rate_below_90_percent(operator: Client) -> None:
    make_stat("execution", "success", 899)
    make_stat("execution", "failure", 101)

    words = [notice.words for notice in operator.get(f"{ROOT}dashboard/").context["page"].notices]

    assert words == ["Only 89.9 % of executions succeeded in the last 24 hours."]


def test_overview_asks_for_the_keeper_when_waiting_tasks_are_overdue(operator: Client) -> None:
    make_waiting_record(next_retry_at=pages.datetime.now(pages.UTC) - timedelta(minutes=2))

    words = operator.get(f"{ROOT}dashboard/").context["page"].notices[0].words

    assert (
        words == "1 task should have been sent again by now. Is a keeper running? (manage.py redrive status)"
    )


def test_overview_shows_an_open_breaker_with_its_reason(operator: Client) -> None:
    gate = runtime.gate()
    for number in range(3):
        run = gate.admit("billing.charge", "pay", owner=str(number))
        assert isinstance(run, Run)
        gate.report(
            "billing.charge", "pay", run, Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=900)
        )

    notice = operator.get(f"{ROOT}dashboard/").context["page"].notices[0]

    assert notice.tone == "bad"
    assert notice.words.startswith("Circuit breaker pay is open. 3 EXTERNAL_API_DOWN from pay within 60 s")


def test_overview_counts_what_waits_in_the_spill(operator: Client) -> None:
    runtime.spill().append("counters", {"hours": []})

    page = operator.get(f"{ROOT}dashboard/").context["page"]

    assert page.spilled == 1
    assert [n.words for n in page.notices] == ["1 line of this machine's spill is not in the tables yet."]


def test_quiet_overview_says_so(operator: Client) -> None:
    assert "Nothing needs attention." in operator.get(f"{ROOT}dashboard/").content.decode()


# -- dead letters ------------------------------------------------------------------------------------------


def _shown(client: Client, query: str) -> list[str]:
    return [row.task_id for row in client.get(f"{ROOT}dlq/?{query}").context["page"].records.rows]


def test_list_shows_dead_letters_unless_told_otherwise(operator: Client) -> None:
    dead = make_record()
    waiting = make_waiting_record()

    assert _shown(operator, "") == [dead.task_id]
    assert _shown(operator, "status=RETRYING") == [waiting.task_id]
    assert _shown(operator, "status=all") == [waiting.task_id, dead.task_id]
    assert _shown(operator, "status=nonsense") == [dead.task_id]


@pytest.mark.parametrize(
    "query",
    [
        "task=bill",
        "task=BILLING.charge",
        "failure_type=EXTERNAL_TIMEOUT",
        "category=EXTERNAL",
        "business_unit=south",
    ],
)
def test_list_is_filtered(operator: Client, query: str) -> None:
    wanted = make_record(task_name="billing.charge", failure_type="EXTERNAL_TIMEOUT", business_unit="south")
    make_record(task_name="reports.render", failure_type="UNKNOWN", business_unit="north")

    assert _shown(operator, query) == [wanted.task_id]


def test_list_finds_a_task_by_its_id(operator: Client) -> None:
    make_record()
    wanted = make_record()

    assert _shown(operator, f"task={wanted.task_id}") == [wanted.task_id]


def test_filters_add_up(operator: Client) -> None:
    wanted = make_record(business_unit="south")
    make_record(business_unit="south", failure_type="UNKNOWN")
    make_record(business_unit="north")

    assert _shown(operator, "business_unit=south&category=PERMANENT&task=charge") == [wanted.task_id]


def test_held_tasks_that_never_failed_are_not_shown(operator: Client) -> None:
    TaskFailureRecord.objects.create(task_id="held", task_name="billing.charge", status="RETRYING", holds=1)

    assert _shown(operator, "status=all") == []


def test_long_list_has_pages_of_50_with_the_filter_in_their_addresses(operator: Client) -> None:
    for _ in range(51):
        make_record()

    first = operator.get(f"{ROOT}dlq/?task=billing").context["page"]
    second = operator.get(f"{ROOT}dlq/?task=billing&page=2").context["page"]

    assert (len(first.records.rows), first.previous) == (50, "")
    assert first.next == f"{ROOT}dlq/?status=PENDING&task=billing&page=2"
    assert (len(second.records.rows), second.next) == (1, "")
    assert second.previous == f"{ROOT}dlq/?status=PENDING&task=billing"


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999", "²"])
def test_page_number_that_is_none_is_no_error(operator: Client, page: str) -> None:
    assert operator.get(f"{ROOT}dlq/", {"page": page}).status_code == 200


def test_counting_stops_at_the_cap_and_says_so(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CAP", 3)
    for _ in range(4):
        make_record()

    page = operator.get(f"{ROOT}dlq/").content.decode()

    assert "Retry all 3+ that match…" in page


def test_secrets_in_messages_are_masked(operator: Client) -> None:
    make_record(exception_message="card 4111 1111 1111 1111 was refused")

    page = operator.get(f"{ROOT}dlq/").content.decode()

    assert "4111 1111" not in page
    assert "was refused" in page


def test_markup_in_an_exception_is_shown_as_text(operator: Client) -> None:
    make_record(exception_message="<script>alert(1)</script>", task_name="a<b>.c")

    page = operator.get(f"{ROOT}dlq/").content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_list_offers_what_each_status_allows(operator: Client) -> None:
    dead, waiting = make_record(), make_waiting_record()
    gone, done = make_record(status="ABANDONED"), make_record(status="RESOLVED")

    page = operator.get(f"{ROOT}dlq/?status=all").content.decode()

    offered = {
        record.pk: (f"/dlq/{record.pk}/retry/" in page, f"/dlq/{record.pk}/abandon/" in page)
        for record in (dead, waiting, gone, done)
    }
    assert offered == {
        dead.pk: (True, True), waiting.pk: (True, True), gone.pk: (True, False), done.pk: (False, False),
    }  # fmt: skip


def test_distinct_values_are_found_without_reading_the_table() -> None:
    for name in ("b", "a", "c", "a"):
        make_record(task_name=name, business_unit="")

    assert pages.distinct_values("task_name") == ("a", "b", "c")
    assert pages.distinct_values("task_name", limit=2) == ("a", "b")
    assert pages.distinct_values("business_unit") == ()


# -- failure types -----------------------------------------------------------------------------------------


def test_types_are_counted_with_average_retries_and_advice(operator: Client) -> None:
    make_record(failure_type="EXTERNAL_API_DOWN", retry_count=2, max_retries=2)
    make_record(failure_type="EXTERNAL_API_DOWN", retry_count=1, max_retries=2)
    make_record(failure_type="UNKNOWN")

    rows = operator.get(f"{ROOT}failure-taxonomy/").context["page"].types

    assert [(row.failure_type, row.count, row.average_retries) for row in rows] == [
        ("EXTERNAL_API_DOWN", 2, 1.5),
        ("UNKNOWN", 1, 0.0),
    ]
    assert rows[0].actions[0] == "CHECK_EXTERNAL"
    assert rows[0].advice.startswith("The provider is unavailable. Look at its status page")


@pytest.mark.parametrize(("timeframe", "total"), [("1h", 1), ("24h", 2), ("7d", 3), ("30d", 4), ("x", 2)])
def test_timeframe_limits_what_is_counted(operator: Client, timeframe: str, total: int) -> None:
    for ago in (
        timedelta(minutes=5),
        timedelta(hours=5),
        timedelta(days=3),
        timedelta(days=20),
        timedelta(days=40),
    ):
        make_record(failed_ago=ago)

    page = operator.get(f"{ROOT}failure-taxonomy/", {"timeframe": timeframe})

    assert page.context["page"].total == total


def test_top_ten_failing_tasks(operator: Client) -> None:
    for number in range(12):
        for _ in range(number + 1):
            make_record(task_name=f"task {number:02}")

    tasks = operator.get(f"{ROOT}failure-taxonomy/").context["page"].tasks

    assert [(task.task_name, task.count) for task in tasks[:2]] == [("task 11", 12), ("task 10", 11)]
    assert len(tasks) == 10


# -- retry policy ------------------------------------------------------------------------------------------


def test_retry_success_by_task_and_type_with_what_it_changed(operator: Client) -> None:
    make_stat("retry", "TRANSIENT_NETWORK:success", 9)
    make_stat("retry", "TRANSIENT_NETWORK:failure", 1)
    make_stat("retry", "TRANSIENT_NETWORK:success", 1, task="reports.render")

    page = operator.get(f"{ROOT}retry-policy/").context["page"]

    assert [(row.task_name, row.total, row.success_rate) for row in page.outcomes] == [
        ("billing.charge", 10, 0.9),
        ("reports.render", 1, 1.0),
    ]
    assert [a.reason for a in page.outcomes[0].adjustments] == [
        "9 of 10 retries succeeded (95 % interval 60% to 98%): delays -30 %"
    ]
    assert page.outcomes[1].adjustments == ()
    assert [(row.failure_type, row.total) for row in page.by_type] == [("TRANSIENT_NETWORK", 11)]


def test_policies_in_force_follow_the_setting(operator: Client, settings: Settings) -> None:
    settings.REDRIVE = {**settings.REDRIVE, "POLICIES": {"TRANSIENT_DATABASE": {"max_retries": 7}}}

    page = operator.get(f"{ROOT}retry-policy/").context["page"]

    found = {policy.key: policy.max_retries for policy in page.policies}
    assert found["TRANSIENT_DATABASE"] == 7
    assert found["PERMANENT_VALIDATION"] == 0
    assert len(found) == 17
    assert page.problem == ""


def test_unusable_policies_are_said_and_the_defaults_shown(operator: Client, settings: Settings) -> None:
    settings.REDRIVE = {**settings.REDRIVE, "POLICIES": {"TRANSIENT_DATABASE": {"max_retrys": 7}}}

    page = operator.get(f"{ROOT}retry-policy/")

    assert "Did you mean" in page.context["page"].problem
    assert {p.key: p.max_retries for p in page.context["page"].policies}["TRANSIENT_DATABASE"] == 5


def test_undeclared_tasks_and_what_a_declaration_would_have_recovered_are_listed(operator: Client) -> None:
    waiting = make_record(task_name="shop.deliver", failure_type="TRANSIENT_NETWORK")
    make_attempt(waiting, 1, decision={"explain": {"remediation": "MANUAL_RETRY"}})
    make_record(failure_type="TRANSIENT_NETWORK", retry_count=3, max_retries=3, task_name="shop.used_up")

    page = operator.get(f"{ROOT}retry-policy/")

    assert [task.task_name for task in page.context["page"].undeclared] == ["shop.deliver"]
    assert "<b>0 of 1</b>" in page.content.decode()
