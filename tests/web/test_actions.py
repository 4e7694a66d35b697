"""Retry and abandon: one record, chosen ones, all that match."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from tests.web.making import make_record, make_staff, make_waiting_record

from redrive.dashboards import actions
from redrive.models import Event, TaskFailureRecord

pytestmark = pytest.mark.django_db

DLQ = "/admin/tasks/dlq/"
AS_JSON = {"accept": "application/json"}


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_staff("mia", "view", "change"))
    return client


def _status(record: TaskFailureRecord) -> str:
    return TaskFailureRecord.objects.get(pk=record.pk).status


def _said(answer: object) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]


def test_retried_dead_letter_runs_again_and_the_act_is_noted(operator: Client) -> None:
    record = make_record()

    answer = operator.post(f"{DLQ}{record.pk}/retry/", {"reason": "fixed the invoice"})

    assert answer.status_code == 302
    assert answer["Location"] == DLQ
    assert _said(answer) == ["1 task was sent back to work."]
    assert _status(record) == "RETRYING"
    event = Event.objects.get()
    assert (event.actor, event.kind, event.subject) == ("mia", "retry", record.task_id)
    assert event.reason == "fixed the invoice"


def test_retry_goes_back_to_the_filtered_list_it_came_from(operator: Client) -> None:
    record = make_record()
    came_from = f"{DLQ}?status=PENDING&task=billing&page=2"

    answer = operator.post(f"{DLQ}{record.pk}/retry/", {"next": came_from})

    assert answer["Location"] == came_from


def test_retry_never_leads_to_another_site(operator: Client) -> None:
    record = make_record()

    answer = operator.post(f"{DLQ}{record.pk}/retry/", {"next": "https://evil.example/"})

    assert answer["Location"] == DLQ


def test_retry_at_high_priority_goes_through_its_queue(operator: Client) -> None:
    record = make_record()

    operator.post(f"{DLQ}{record.pk}/retry/", {"priority": "HIGH"})

    record.refresh_from_db()
    assert record.queue_name == "high_priority"


def test_waiting_task_is_hurried(operator: Client) -> None:
    record = make_waiting_record()

    operator.post(f"{DLQ}{record.pk}/retry/")

    before = record.next_retry_at
    record.refresh_from_db()
    assert record.next_retry_at is not None
    assert before is not None
    assert record.next_retry_at < before


def test_resolved_record_is_left_alone_and_the_reason_said(operator: Client) -> None:
    record = make_record(status="RESOLVED")

    answer = operator.post(f"{DLQ}{record.pk}/retry/")

    assert _said(answer) == [f"Record {record.pk} was left as it is: It is resolved already."]
    assert _status(record) == "RESOLVED"


def test_abandoned_task_is_given_up_with_its_reason(operator: Client) -> None:
    record = make_record()

    answer = operator.post(f"{DLQ}{record.pk}/abandon/", {"reason": "customer cancelled"})

    assert _said(answer) == ["1 task was abandoned."]
    assert _status(record) == "ABANDONED"
    assert Event.objects.get().reason == "customer cancelled"


def test_program_gets_the_outcome_as_json(operator: Client) -> None:
    dead, resolved = make_record(), make_record(status="RESOLVED")

    done = operator.post(f"{DLQ}{dead.pk}/retry/", headers=AS_JSON)
    refused = operator.post(f"{DLQ}{resolved.pk}/retry/", headers=AS_JSON)

    assert done.status_code == 200
    assert done.json() == {"version": 1, "done": [dead.pk], "refused": {}}
    assert refused.status_code == 409
    assert refused.json() == {
        "version": 1,
        "done": [],
        "refused": {str(resolved.pk): "It is resolved already."},
    }


def test_bulk_retry_asks_first_and_says_exactly_what(operator: Client) -> None:
    chosen = [make_record(), make_record(task_name="reports.render")]
    resolved = make_record(status="RESOLVED")

    answer = operator.post(f"{DLQ}bulk-retry/", {"ids": [record.pk for record in [*chosen, resolved]]})

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Retry 2 tasks?" in page
    assert "1 of the chosen records cannot be retried as it is and is left out." in page
    assert set(answer.context["page"].ids) == {record.pk for record in chosen}
    assert {_status(record) for record in chosen} == {"PENDING"}


def test_confirmed_bulk_retry_takes_the_frozen_set_whatever_failed_meanwhile(operator: Client) -> None:
    seen = [make_record(), make_record()]
    asked = operator.post(f"{DLQ}bulk-retry/", {"scope": "all", "status": "PENDING"})
    late = make_record()

    answer = operator.post(
        f"{DLQ}bulk-retry/", {"frozen": asked.context["page"].frozen, "next": asked.context["page"].next}
    )

    assert _said(answer) == ["2 tasks were sent back to work."]
    assert [_status(record) for record in seen] == ["RETRYING", "RETRYING"]
    assert _status(late) == "PENDING"


def test_retry_of_all_that_match_respects_the_filter(operator: Client) -> None:
    matching = make_record(task_name="reports.render")
    make_record(task_name="billing.charge")

    answer = operator.post(
        f"{DLQ}bulk-retry/", {"scope": "all", "status": "PENDING", "task": "reports", "failure_type": ""}
    )

    assert answer.context["page"].ids == (matching.pk,)


def test_retry_of_all_of_any_status_takes_dead_letters_only(operator: Client) -> None:
    dead = make_record()
    make_record(status="ABANDONED")
    make_waiting_record()

    answer = operator.post(f"{DLQ}bulk-retry/", {"scope": "all", "status": "all"})

    assert answer.context["page"].ids == (dead.pk,)


def test_more_than_one_run_takes_is_said_and_the_oldest_go_first(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "BULK_LIMIT", 2)
    records = [make_record() for _ in range(3)]

    answer = operator.post(f"{DLQ}bulk-retry/", {"scope": "all", "status": "PENDING"})

    assert answer.context["page"].ids == (records[0].pk, records[1].pk)
    assert "3 match. One bulk retry takes the 2 oldest" in answer.content.decode()


def test_nothing_chosen_is_said(operator: Client) -> None:
    answer = operator.post(f"{DLQ}bulk-retry/", {"status": "PENDING"})

    assert answer.status_code == 302
    assert _said(answer) == ["Nothing was chosen."]


def test_ids_that_are_no_numbers_are_dropped(operator: Client) -> None:
    answer = operator.post(f"{DLQ}bulk-retry/", {"ids": ["x", "-1", "1e3", "9" * 30, ""]})

    assert _said(answer) == ["Nothing was chosen."]


def test_bulk_retry_by_a_program_needs_no_question(operator: Client) -> None:
    records = [make_record(), make_record()]

    answer = operator.post(f"{DLQ}bulk-retry/", {"ids": [r.pk for r in records]}, headers=AS_JSON)

    assert answer.json() == {"version": 1, "done": [r.pk for r in records], "refused": {}}
