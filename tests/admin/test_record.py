"""The page of one record explains it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.web.making import make_attempt, make_record, make_staff, make_waiting_record

from redrive.admin.detail import next_step
from redrive.models import TaskFailureRecord

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(make_staff("mia", "view", "change"))
    return client


def _page(client: Client, record: TaskFailureRecord) -> str:
    answer = client.get(f"/admin/redrive/taskfailurerecord/{record.pk}/change/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_page_says_type_confidence_evidence_remedy_and_decision(operator: Client) -> None:
    record = make_record(remediation_notes="Correct the data, then retry by hand or abandon.")
    make_attempt(record, 1)

    page = _page(operator, record)

    for words in (
        "PERMANENT_VALIDATION",
        "95 % sure",
        "builtin.ValueError",
        "Python documentation",
        "FIX_DATA",
        "Correct the data, then retry by hand or abandon.",
        "Not retried: the same input stays invalid.",
        "ValueError: amount must be positive",
        "Traceback (most recent call last)",
        "as it was on the wire",
    ):
        assert words in page, words


def test_advice_that_a_person_decides_wins_over_the_types_own(operator: Client) -> None:
    record = make_record(failure_type="TRANSIENT_NETWORK", remediation_action="AUTO_RETRY", max_retries=3)
    make_attempt(
        record, 1, decision={"reason": "Not declared safe.", "explain": {"remediation": "MANUAL_RETRY"}}
    )

    assert "MANUAL_RETRY" in _page(operator, record)


def test_arguments_are_shown_with_secrets_masked(operator: Client) -> None:
    record = make_record(
        task_args=[4711],
        task_kwargs={"api_token": "s3cret", "region": "eu", "note": "card 4111 1111 1111 1111"},
        exception_message="refused 4111 1111 1111 1111",
        traceback="ValueError: refused 4111 1111 1111 1111",
    )
    make_attempt(record, 1)

    page = _page(operator, record)

    assert "4711" in page
    assert "region" in page
    assert "s3cret" not in page
    assert "4111 1111" not in page


def test_every_attempt_is_on_the_timeline(operator: Client) -> None:
    record = make_record(retry_count=2, max_retries=5)
    for number in (1, 2):
        make_attempt(
            record, number, exception_message=f"refused {number}", worker_hostname=f"celery@{number}"
        )
    make_attempt(
        record,
        3,
        outcome="succeeded",
        exception_type="",
        exception_message="",
        evidence=[],
        traceback="",
        decision={},
    )

    page = _page(operator, record)

    for words in ("Attempt 1: failed", "Attempt 2: failed", "refused 1", "celery@2", "Attempt 3: succeeded"):
        assert words in page, words


def test_page_takes_few_queries_however_many_attempts(operator: Client) -> None:
    record = make_record()
    for number in range(1, 30):
        make_attempt(record, number)

    with CaptureQueriesContext(connection) as queries:
        _page(operator, record)

    assert len(queries) <= 6  # session, user, two of permissions, record, attempts


def test_record_without_attempts_or_message_shows(operator: Client) -> None:
    record = make_record(message_source="none", task_args=None or [], traceback="", exception_type="")

    page = _page(operator, record)

    assert (
        "It waits for a decision. There is no message to send again, so that it can only be abandoned."
        in page
    )
    assert "No attempt is recorded." in page


def test_reader_is_offered_no_action() -> None:
    client = Client()
    client.force_login(make_staff("reader", "view"))
    record = make_record()

    page = _page(client, record)

    assert "/retry/" not in page
    assert "/abandon/" not in page


def test_retry_from_the_page_comes_back_to_it(operator: Client) -> None:
    record = make_record()
    address = f"/admin/redrive/taskfailurerecord/{record.pk}/retry/"

    answer = operator.post(address, {"from": "record", "priority": "CRITICAL"})

    assert answer["Location"] == f"/admin/redrive/taskfailurerecord/{record.pk}/change/"
    record.refresh_from_db()
    assert (record.status, record.queue_name) == ("RETRYING", "critical")


@pytest.mark.parametrize("number", ["999999", "x", "9" * 40])
def test_record_that_is_not_there_is_not_found(operator: Client, number: str) -> None:
    assert operator.get(f"/admin/redrive/taskfailurerecord/{number}/change/").status_code == 404


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "RESOLVED"}, "Nothing: the task has succeeded."),
        ({"status": "ABANDONED"}, "Nothing: the task was given up. It can still be retried."),
        ({"status": "PENDING"}, "It waits for a decision: retry it, or abandon it."),
        ({"next_retry_at": NOW + timedelta(minutes=30)}, "It runs again in 30 min."),
        ({"next_retry_at": None}, "It runs again as soon as a keeper sends it."),
        (
            {"published_at": NOW - timedelta(minutes=2)},
            "Its message was sent 2 min ago and waits for a worker.",
        ),
        ({"attempt": 1, "started_attempt": 2, "started_by": "celery@one"}, "It is running on celery@one."),
    ],
)
def test_next_step(values: dict[str, object], words: str) -> None:
    record = TaskFailureRecord(**{"status": "RETRYING", "message_source": "raw", **values})

    assert next_step(record, NOW) == words


def test_waiting_record_says_why_it_is_held(operator: Client) -> None:
    record = make_waiting_record(hold_reason="Breaker of pay is open.", next_retry_at=timezone.now())

    assert "Held: Breaker of pay is open." in _page(operator, record)
