"""The admin's list: what it shows, finds and does."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.web.making import make_attempt, make_event, make_record, make_staff, make_waiting_record

from redrive.admin import records
from redrive.models import Event, TaskFailureRecord

pytestmark = pytest.mark.django_db

LIST = "/admin/redrive/taskfailurerecord/"


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_staff("mia", "view", "change"))
    return client


@pytest.fixture
def reader() -> Client:
    client = Client()
    client.force_login(make_staff("reader", "view"))
    return client


def _shown(client: Client, query: str) -> set[str]:
    answer = client.get(f"{LIST}?{query}")
    assert answer.status_code == 200
    return {record.task_id for record in answer.context["cl"].result_list}


def _act(client: Client, action: str, *chosen: TaskFailureRecord, **fields: str) -> list[str]:
    data = {"action": action, "_selected_action": [record.pk for record in chosen], **fields}
    answer = client.post(LIST, data)
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return [str(message) for message in get_messages(answer.wsgi_request)]


def _status(record: TaskFailureRecord) -> str:
    return TaskFailureRecord.objects.get(pk=record.pk).status


# -- showing -----------------------------------------------------------------------------------------------


def test_row_shows_badges_bar_and_relative_times(operator: Client) -> None:
    make_waiting_record(failed_ago=timedelta(hours=2, seconds=5))

    page = operator.get(LIST).content.decode()

    assert '<span class="redrive-badge redrive-badge--warn" title="RETRYING">Runs again</span>' in page
    assert '<span class="redrive-badge redrive-badge--info">TRANSIENT_NETWORK</span>' in page
    assert '<progress class="redrive-bar redrive-bar--warn" value="3" max="5"' in page
    assert "2 hours ago</time>" in page
    assert "in 30 min</time>" in page


def test_list_takes_as_many_queries_for_50_rows_as_for_one(operator: Client) -> None:
    make_record()
    with CaptureQueriesContext(connection) as one:
        operator.get(LIST)
    for number in range(49):
        make_attempt(make_record(business_unit=f"unit {number}"), 1)

    with CaptureQueriesContext(connection) as fifty:
        operator.get(LIST)

    assert len(fifty) == len(one)
    assert len(fifty) <= 8


def test_list_does_not_read_message_bodies_and_tracebacks(operator: Client) -> None:
    make_record(body=b"x" * 1000)

    with CaptureQueriesContext(connection) as queries:
        operator.get(LIST)

    (rows,) = [
        query["sql"] for query in queries if "LIMIT 50" in query["sql"] or "exception_message" in query["sql"]
    ]
    assert '"traceback"' not in rows
    assert '"body"' not in rows


@pytest.mark.parametrize(
    "query",
    [
        "status__exact=PENDING",
        "failure_type__exact=EXTERNAL_TIMEOUT",
        "category=EXTERNAL",
        "business_unit=south",
        "q=billing",
        "q=the-very-task",
        "q=gateway+silent",
        "category=EXTERNAL&business_unit=south&status__exact=PENDING&q=billing",
    ],
)
def test_list_is_filtered_and_searched(operator: Client, query: str) -> None:
    make_record(
        task_id="the-very-task",
        task_name="billing.charge",
        failure_type="EXTERNAL_TIMEOUT",
        business_unit="south",
        exception_message="the gateway stayed silent",
    )
    make_record(
        task_name="reports.render",
        status="RESOLVED",
        failure_type="UNKNOWN",
        exception_message="?",
        business_unit="north",
    )

    assert _shown(operator, query) == {"the-very-task"}


def test_list_is_filtered_by_first_failed_date(operator: Client) -> None:
    recent = make_record(failed_ago=timedelta(days=2))
    make_record(failed_ago=timedelta(days=20))

    since = recent.first_failed_at
    assert since is not None
    query = urlencode(
        {"first_failed_at__gte": str(since - timedelta(days=1))}
    )  # as Django's own links write it
    assert _shown(operator, query) == {recent.task_id}


def test_unknown_category_in_the_address_shows_nothing(operator: Client) -> None:
    make_record()

    assert _shown(operator, "category=NONSENSE") == set()


def test_markup_in_an_exception_is_shown_as_text(operator: Client) -> None:
    make_record(exception_message="<script>alert(1)</script>")

    assert "<script>alert" not in operator.get(LIST).content.decode()


# -- acting ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "queue"),
    [("retry_selected", "reports"), ("retry_high", "high_priority"), ("retry_critical", "critical")],
)
def test_retry_actions(operator: Client, action: str, queue: str) -> None:
    first, second, other = make_record(), make_record(), make_record()

    said = _act(operator, action, first, second)

    assert said == ["2 tasks were sent back to work."]
    assert [_status(record) for record in (first, second, other)] == ["RETRYING", "RETRYING", "PENDING"]
    assert TaskFailureRecord.objects.get(pk=first.pk).queue_name == queue
    assert list(Event.objects.values_list("actor", "kind")) == [("mia", "retry"), ("mia", "retry")]


def test_action_says_what_it_left_alone_and_why(operator: Client) -> None:
    resolved = make_record(status="RESOLVED")

    said = _act(operator, "retry_selected", resolved, make_record())

    assert said == [
        "1 task was sent back to work.",
        f"Record {resolved.pk} was left as it is: It is resolved already.",
    ]


def test_action_on_all_that_match_takes_the_oldest_up_to_its_limit(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "ACTION_LIMIT", 2)
    newest = make_record(failed_ago=timedelta(hours=1))
    old = [make_record(failed_ago=timedelta(hours=hours)) for hours in (5, 4)]

    said = _act(operator, "retry_selected", newest, select_across="1")

    assert said == [
        "One action takes at most 2 records: these were the oldest. Do it again for the rest.",
        "2 tasks were sent back to work.",
    ]
    assert [_status(record) for record in (*old, newest)] == ["RETRYING", "RETRYING", "PENDING"]


def test_abandon_asks_then_does_exactly_what_it_showed(operator: Client) -> None:
    first, second = make_record(), make_record()
    data = {"action": "abandon_selected", "_selected_action": [first.pk], "select_across": "1"}

    asked = operator.post(LIST, data)
    late = make_record()
    said = _act(
        operator,
        "abandon_selected",
        first,
        confirmed="yes",
        frozen=asked.context["frozen"],
        reason="cleared up",
    )

    assert asked.status_code == 200
    assert "Abandon 2 tasks?" in asked.content.decode()
    assert said == ["2 tasks were abandoned."]
    assert [_status(record) for record in (first, second, late)] == ["ABANDONED", "ABANDONED", "PENDING"]
    assert set(Event.objects.values_list("reason", flat=True)) == {"cleared up"}


def test_quick_retry_of_a_row(operator: Client) -> None:
    record = make_record()

    answer = operator.post(f"{LIST}{record.pk}/retry/")

    assert answer["Location"] == LIST
    assert _status(record) == "RETRYING"


def test_quick_retry_goes_back_to_the_filtered_list(operator: Client) -> None:
    record = make_record()
    filtered = f"http://testserver{LIST}?status__exact=PENDING&p=2"

    answer = operator.post(f"{LIST}{record.pk}/retry/", headers={"referer": filtered})
    stranger = operator.post(f"{LIST}{record.pk}/retry/", headers={"referer": f"https://evil.example{LIST}"})

    assert answer["Location"] == filtered
    assert stranger["Location"] == LIST


def test_quick_retry_by_get_does_nothing(operator: Client) -> None:
    record = make_record()

    assert operator.get(f"{LIST}{record.pk}/retry/").status_code == 405
    assert _status(record) == "PENDING"


def test_quick_abandon_asks_first(operator: Client) -> None:
    record = make_record()
    address = f"{LIST}{record.pk}/abandon/"

    asked = operator.get(address)
    before = _status(record)
    operator.post(address, {"confirmed": "yes", "reason": "cancelled"})

    assert "Abandon 1 task?" in asked.content.decode()
    assert before == "PENDING"
    assert _status(record) == "ABANDONED"


# -- permissions -------------------------------------------------------------------------------------------


def test_reader_may_look_and_export_only(reader: Client) -> None:
    record = make_record()

    page = reader.get(LIST)

    choices = [name for name, _words in page.context["action_form"].fields["action"].choices]
    assert choices == ["", "export_csv"]
    assert "formaction" not in page.content.decode()
    assert reader.post(f"{LIST}{record.pk}/retry/").status_code == 403
    assert reader.get(f"{LIST}{record.pk}/abandon/").status_code == 403
    assert _status(record) == "PENDING"


def test_nothing_is_added_by_hand() -> None:
    client = Client()
    client.force_login(make_staff("all", "view", "change", "add", "delete"))

    assert client.get(f"{LIST}add/").status_code == 403


def test_clerk_without_permission_sees_nothing() -> None:
    client = Client()
    client.force_login(make_staff("clerk"))
    record = make_record()

    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}{record.pk}/change/").status_code == 403


@pytest.mark.parametrize(
    ("status", "gone"), [("PENDING", False), ("RETRYING", False), ("RESOLVED", True), ("ABANDONED", True)]
)
def test_only_finished_records_are_deleted(status: str, gone: bool) -> None:
    client = Client()
    client.force_login(make_staff("janitor", "view", "delete"))
    record = make_record(status=status)
    make_attempt(record, 1)

    client.post(f"{LIST}{record.pk}/delete/", {"post": "yes"})

    assert TaskFailureRecord.objects.filter(pk=record.pk).exists() is not gone


def test_deleting_many_is_refused_if_one_is_unfinished() -> None:
    client = Client()
    client.force_login(make_staff("janitor", "view", "delete"))
    finished, unfinished = make_record(status="RESOLVED"), make_record()
    data = {"action": "delete_selected", "_selected_action": [finished.pk, unfinished.pk], "post": "yes"}

    client.post(LIST, data)

    assert TaskFailureRecord.objects.count() == 2


def test_deleting_needs_its_permission(operator: Client) -> None:
    record = make_record(status="RESOLVED")

    assert operator.post(f"{LIST}{record.pk}/delete/", {"post": "yes"}).status_code == 403
    assert TaskFailureRecord.objects.count() == 1


# -- the log of acts ---------------------------------------------------------------------------------------


def test_log_of_acts_is_read_only() -> None:
    client = Client()
    boss = make_staff("boss")
    boss.is_superuser = True
    boss.save()
    client.force_login(boss)
    event = make_event(reason="gateway is back")

    page = client.get("/admin/redrive/event/")

    assert "gateway is back" in page.content.decode()
    assert client.get("/admin/redrive/event/add/").status_code == 403
    assert client.post(f"/admin/redrive/event/{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"/admin/redrive/event/{event.pk}/change/").status_code == 200
