"""With `USE_TZ = False` pages answer, and tell the same times."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client, override_settings
from tests.web.making import make_attempt, make_everything, make_record

from redrive.models import TaskFailureRecord
from redrive.stores.sql import pages

pytestmark = pytest.mark.django_db
ADMIN = "/admin/redrive/taskfailurerecord/"
TASKS = "/admin/tasks/"


@pytest.fixture(autouse=True, params=["America/Chicago", "Asia/Kolkata"])
def _naive_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    redrive = {"SPILL": {"DIRECTORY": str(tmp_path)}}
    with override_settings(USE_TZ=False, TIME_ZONE=request.param, REDRIVE=redrive):
        yield


def test_every_page_answers_and_tells_how_long_ago_it_was(admin_client: Client) -> None:
    make_everything()
    record = make_record(failed_ago=timedelta(minutes=25))
    make_attempt(record, 1)
    names = ("dashboard/", "dlq/?status=all", "failure-taxonomy/", "retry-policy/", "idempotency-analysis/")

    answers = {
        path: admin_client.get(path)
        for path in (
            *(TASKS + name for name in names),
            ADMIN,
            f"{ADMIN}{record.pk}/change/",
            "/admin/redrive/event/",
        )
    }

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    for path in (f"{TASKS}dlq/?status=all", ADMIN, f"{ADMIN}{record.pk}/change/"):
        assert "25 min ago" in answers[path].content.decode(), path


@pytest.mark.parametrize("daily", [False, True])
def test_failures_are_counted_in_hours_and_days_of_utc(daily: bool) -> None:
    at = datetime(2026, 1, 2, 3, 40, tzinfo=UTC)
    make_record(first_failed_at=at)

    (point,) = pages.failure_trend(at - timedelta(days=1), at + timedelta(days=1), daily=daily)

    assert point.at == datetime(2026, 1, 2, 0 if daily else 3, tzinfo=UTC)


def test_a_moment_is_read_as_it_was_written() -> None:
    at = datetime(2026, 1, 2, 3, 40, tzinfo=UTC)
    record = make_record(first_failed_at=at)

    assert TaskFailureRecord.objects.get(pk=record.pk).first_failed_at == at
    assert TaskFailureRecord.objects.filter(first_failed_at=at).exists()
