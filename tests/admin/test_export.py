"""CSV that opens in a spreadsheet and runs nothing there."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from tests.web.making import make_record, make_staff

from redrive.admin.export import COLUMNS, cell

LIST = "/admin/redrive/taskfailurerecord/"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain text", "plain text"),
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-12", "'-12"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r'=1"),
        ("  =1", "'  =1"),
        ("\u00a0=1", "'\u00a0=1"),
        ("\uff1d1", "'\uff1d1"),
        ("first\n=second", "first\n'=second"),
        ("", ""),
        (-12, -12),
        (0.5, 0.5),
        (None, ""),
        (datetime(2026, 11, 22, 3, 30, tzinfo=UTC), "2026-11-22T03:30:00+00:00"),
        ({"a": "ä"}, '{"a": "ä"}'),
        ([-1], "[-1]"),
    ],
)
def test_cell(value: object, written: object) -> None:
    assert cell(value) == written


def _download(client: Client, *ids: int, **fields: str) -> tuple[StreamingHttpResponse, list[dict[str, str]]]:
    answer = client.post(LIST, {"action": "export_csv", "_selected_action": ids, **fields})
    assert isinstance(answer, StreamingHttpResponse)
    text = b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]
    assert text.startswith("\ufeff")
    return answer, list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


@pytest.mark.django_db
def test_chosen_records_are_downloaded() -> None:
    client = Client()
    client.force_login(make_staff("reader", "view"))
    chosen = make_record(
        exception_message='=HYPERLINK("http://evil.example")', task_kwargs={"token": "s3cret", "n": 1}
    )
    make_record()

    answer, rows = _download(client, chosen.pk)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="failed-tasks-\d{8}-\d{4}\.csv"', answer["Content-Disposition"]
    )
    (row,) = rows
    assert tuple(row) == COLUMNS
    assert row["task_id"] == chosen.task_id
    assert row["exception_message"] == '\'=HYPERLINK("http://evil.example")'
    assert json.loads(row["task_kwargs"]) == {"token": "••••••", "n": 1}
    assert row["confidence"] == "0.95"


@pytest.mark.django_db
def test_all_that_match_are_downloaded_beyond_the_page() -> None:
    client = Client()
    client.force_login(make_staff("reader", "view"))
    records = [make_record() for _ in range(60)]

    _answer, rows = _download(client, records[0].pk, select_across="1")

    assert len(rows) == 60
