"""The shapes of the JSON, pinned."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.web.making import make_queue, make_record, make_staff, make_waiting_record

from redrive import runtime
from redrive.gate import Outcome, Run

pytestmark = pytest.mark.django_db

API = "/admin/tasks/api/"


@pytest.fixture
def reader() -> Client:
    client = Client()
    client.force_login(make_staff("reader", "view"))
    return client


def test_dlq_status(reader: Client) -> None:
    oldest = make_record(failed_ago=timedelta(hours=5))
    make_record(failure_type="SYSTEM_DISK_FULL")
    make_record(status="RESOLVED")
    make_waiting_record(next_retry_at=timezone.now() - timedelta(minutes=5))
    make_queue("reports", 12)
    make_queue("maintenance", 3, stale=True)

    body = reader.get(f"{API}dlq/").json()

    assert oldest.first_failed_at is not None
    assert datetime.fromisoformat(body.pop("generated_at")).utcoffset() == timedelta(0)
    assert body.pop("oldest_pending_seconds") in range(5 * 3600, 5 * 3600 + 60)
    assert body == {
        "version": 1,
        "counts": {"pending": 2, "retrying": 1, "resolved": 1, "abandoned": 0},
        "capped": [],
        "overdue": 1,
        "oldest_pending_at": oldest.first_failed_at.isoformat(),
        "by_failure_type": {"PERMANENT_VALIDATION": 1, "SYSTEM_DISK_FULL": 1},
        "queues": [{"name": "reports", "depth": 12}],
    }


def test_dlq_status_of_an_empty_table(reader: Client) -> None:
    body = reader.get(f"{API}dlq/").json()

    assert body["counts"] == {"pending": 0, "retrying": 0, "resolved": 0, "abandoned": 0}
    assert body["oldest_pending_at"] is None
    assert body["oldest_pending_seconds"] is None


def test_circuit_breakers(reader: Client) -> None:
    gate = runtime.gate()
    for number in range(3):
        run = gate.admit("billing.charge", "pay", owner=str(number))
        assert isinstance(run, Run)
        failure = Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=1800)
        gate.report("billing.charge", "pay", run, failure)

    body = reader.get(f"{API}circuit-breakers/").json()

    breaker = body["breakers"][0]
    assert body["version"] == 1
    assert body["known"] is True
    assert body["counts"] == {"closed": 0, "open": 1, "half_open": 0}
    assert breaker["downstream"] == "pay"
    assert breaker["state"] == "open"
    assert breaker["failure_type"] == "EXTERNAL_API_DOWN"
    assert datetime.fromisoformat(breaker["until"]) > datetime.fromisoformat(breaker["opened_at"])
    assert set(breaker) == {
        "downstream", "state", "reason", "failure_type", "failures", "successes", "times_opened", "opened_at",
        "until", "probe_until", "waiting", "rate", "concurrency", "in_flight", "override", "override_by",
        "override_until",
    }  # fmt: skip


def test_failure_trends(reader: Client) -> None:
    make_record(failed_ago=timedelta(hours=3))
    make_record(failed_ago=timedelta(hours=3))
    make_waiting_record(failed_ago=timedelta(hours=23))
    make_record(failed_ago=timedelta(hours=25))

    body = reader.get(f"{API}failure-trends/?hours=24").json()

    assert body["version"] == 1
    assert body["hours"] == 24
    assert body["bucket_seconds"] == 3600
    assert body["total"] == 3
    assert body["by_category"] == {
        "TRANSIENT": 1, "PERMANENT": 2, "CONFIGURATION": 0, "EXTERNAL": 0, "SYSTEM": 0, "UNKNOWN": 0,
    }  # fmt: skip
    assert [(point["total"], point["by_category"]) for point in body["points"]] == [
        (1, {"TRANSIENT": 1}),
        (2, {"PERMANENT": 2}),
    ]
    assert datetime.fromisoformat(body["points"][0]["at"]).minute == 0


def test_failure_trends_over_a_month_are_by_day(reader: Client) -> None:
    make_record(failed_ago=timedelta(days=20))

    body = reader.get(f"{API}failure-trends/?hours=720").json()

    assert body["bucket_seconds"] == 86400
    assert datetime.fromisoformat(body["points"][0]["at"]).hour == 0


@pytest.mark.parametrize("hours", ["0", "2161", "-1", "x", "", "1.5", "²"])
def test_failure_trends_of_no_usable_span_say_what_is_usable(reader: Client, hours: str) -> None:
    answer = reader.get(f"{API}failure-trends/", {"hours": hours})

    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "bad_request",
        "message": "hours must be a whole number from 1 to 2160.",
    }
