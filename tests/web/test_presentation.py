"""How facts are written: relative times, shares, badges, charts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import RequestFactory
from django.urls import path
from pytest_django.fixtures import Settings

from redrive.dashboards import charts, views
from redrive.dashboards.forms import read_ids
from redrive.dashboards.policies import read_outcomes
from redrive.stores.sql.pages import StatFigure, TrendPoint, TypeFigure
from redrive.templatetags import redrive as shown

NOW = datetime(2026, 11, 22, 3, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-9, "just now"),
        (9, "just now"),
        (-10, "10 s ago"),
        (59, "in 59 s"),
        (60, "in 1 min"),
        (1800, "in 30 min"),
        (-3599, "59 min ago"),
        (-3600, "1 hour ago"),
        (-7200, "2 hours ago"),
        (86399, "in 23 hours"),
        (86400, "in 1 day"),
        (-172800, "2 days ago"),
    ],
)
def test_relative_time(seconds: int, words: str) -> None:
    assert shown.relative_time(NOW + timedelta(seconds=seconds), NOW) == words


def test_relative_time_keeps_the_exact_one_at_hand() -> None:
    mark = shown.ago(NOW - timedelta(hours=2), NOW)

    assert 'datetime="2026-11-22T01:30:00+00:00"' in mark
    assert 'title="Nov. 22, 2026, 1:30 a.m. UTC"' in mark
    assert ">2 hours ago</time>" in mark


def test_time_that_is_not_known_is_a_dash() -> None:
    assert shown.ago(None, NOW) == "–"


@pytest.mark.parametrize(
    ("used", "allowed", "tone"),
    [
        (0, 5, "good"), (2, 5, "good"), (3, 5, "warn"), (4, 5, "bad"), (5, 5, "bad"),
        (1, 2, "warn"), (2, 2, "bad"), (1, 3, "good"), (2, 3, "warn"), (3, 3, "bad"), (0, 0, "quiet"), (2, 0, "quiet"),
    ],
)  # fmt: skip
def test_retry_bar_is_green_orange_red_by_share_used(used: int, allowed: int, tone: str) -> None:
    assert shown.share_tone(used, allowed) == tone


def test_retry_bar_says_its_numbers() -> None:
    bar = shown.retry_progress(3, 5)

    assert '<progress class="redrive-bar redrive-bar--warn" value="3" max="5"' in bar
    assert "3 of 5" in bar


def test_retry_bar_of_more_retries_than_allowed_is_full() -> None:
    assert 'value="2" max="2"' in shown.retry_progress(7, 2)


def test_task_that_is_not_retried_has_no_bar() -> None:
    assert "<progress" not in shown.retry_progress(0, 0)


@pytest.mark.parametrize(
    ("failure_type", "tone"),
    [
        ("TRANSIENT_NETWORK", "info"), ("PERMANENT_LOGIC", "violet"), ("CONFIG_MISSING_SETTING", "orange"),
        ("EXTERNAL_TIMEOUT", "teal"), ("SYSTEM_DISK_FULL", "bad"), ("UNKNOWN", "quiet"), ("FROM_THE_FUTURE", "quiet"),
    ],
)  # fmt: skip
def test_type_badge_is_coloured_by_category(failure_type: str, tone: str) -> None:
    badge = shown.type_badge(failure_type)

    assert f"redrive-badge--{tone}" in badge
    assert failure_type in badge


@pytest.mark.parametrize(
    ("status", "words", "tone"),
    [
        ("PENDING", "Dead", "bad"), ("RETRYING", "Runs again", "warn"), ("RESOLVED", "Resolved", "good"),
        ("ABANDONED", "Abandoned", "quiet"),
    ],
)  # fmt: skip
def test_status_badge_says_it_in_words_too(status: str, words: str, tone: str) -> None:
    badge = shown.status_badge(status)

    assert badge == f'<span class="redrive-badge redrive-badge--{tone}" title="{status}">{words}</span>'


def test_badge_of_a_foreign_value_is_escaped() -> None:
    assert "<script>" not in shown.type_badge("<script>")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0.4, "0.4 s"),
        (60, "60 s"),
        (90, "1.5 min"),
        (3600, "60 min"),
        (7200, "2 h"),
        (259200, "3 d"),
    ],
)
def test_span(seconds: float | None, words: str) -> None:
    assert shown.span(seconds) == words


# -- charts ------------------------------------------------------------------------------------------------

SINCE = datetime(2026, 11, 22, 0, 30, tzinfo=UTC)


def test_failure_chart_has_every_hour_and_only_categories_that_occur() -> None:
    points = (
        TrendPoint(at=datetime(2026, 11, 22, 1, tzinfo=UTC), by_category={"TRANSIENT": 2}),
        TrendPoint(at=datetime(2026, 11, 22, 3, tzinfo=UTC), by_category={"TRANSIENT": 1, "SYSTEM": 4}),
    )

    chart = charts.failure_chart(points, SINCE, NOW)

    assert chart.labels == ("22 Nov 00:00", "22 Nov 01:00", "22 Nov 02:00", "22 Nov 03:00")
    assert [(series.name, series.values) for series in chart.series] == [
        ("Transient", (0, 2, 0, 1)),
        ("System", (0, 0, 0, 4)),
    ]
    assert chart.summary == "7 failures. Most at 22 Nov 03:00: 5."
    assert chart.rows == [("22 Nov 01:00", [2, 0]), ("22 Nov 03:00", [1, 4])]


def test_chart_without_failures_is_empty() -> None:
    chart = charts.failure_chart((), SINCE, NOW)

    assert chart.is_empty
    assert chart.summary == "0 failures."


def test_execution_chart_splits_by_outcome() -> None:
    at = datetime(2026, 11, 22, 2, tzinfo=UTC)
    stats = tuple(
        StatFigure(hour=at, task_name="", label=label, count=count, seconds=0)
        for label, count in (("success", 90), ("failure", 7), ("retry", 3), ("held", 5))
    )

    chart = charts.execution_chart(stats, SINCE, NOW)

    assert chart.summary == "90 succeeded, 3 run again, 7 failed."
    assert chart.rows == [("22 Nov 02:00", [90, 3, 7])]


def test_doughnut_sums_up_the_rare_types() -> None:
    figures = [TypeFigure(failure_type=f"TYPE {n}", count=20 - n, average_retries=0) for n in range(10)]

    chart = charts.type_chart(figures)

    assert chart.labels[-1] == "Other types (3)"
    assert len(chart.labels) == 8
    assert chart.series[0].values[-1] == 13 + 12 + 11
    assert chart.summary == "155 failures. Most are TYPE 0: 13%."


# -- addresses ---------------------------------------------------------------------------------------------


def test_address_is_found_by_namespace() -> None:
    assert shown.page_url("retry_dlq_task", 7) == "/admin/tasks/dlq/7/retry/"


def test_address_is_found_by_the_plain_documented_name(settings: Settings) -> None:
    settings.ROOT_URLCONF = (path("watch/dlq/", views.dlq_management, name="dlq_management"),)

    assert shown.page_url("dlq_management") == "/watch/dlq/"


@pytest.mark.parametrize(
    ("values", "ids"),
    [(["1,2", "3"], (1, 2, 3)), (["2", "2"], (2,)), (["x", " 4 ", "-5", "²", "9" * 40], (4,)), ([], ())],
)
def test_ids_of_a_form(values: list[str], ids: tuple[int, ...]) -> None:
    assert read_ids(values) == ids


def test_request_of_a_browser_is_answered_with_a_page() -> None:
    from redrive.dashboards.access import wants_json

    browser = RequestFactory().get("/", headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    program = RequestFactory().get("/", headers={"accept": "application/json"})
    curl = RequestFactory().get("/", headers={"accept": "*/*"})

    assert [wants_json(request) for request in (browser, program, curl)] == [False, True, False]


def test_retries_are_counted_once_whatever_their_number() -> None:
    figures = [
        StatFigure(hour=None, task_name="shop.pay", label=label, count=count, seconds=0.0)
        for label, count in (
            ("TRANSIENT_NETWORK:success", 3),
            ("TRANSIENT_NETWORK:1:success", 2),
            ("TRANSIENT_NETWORK:2:success", 1),
            ("TRANSIENT_NETWORK:failure", 1),
        )
    ]

    (row,) = read_outcomes(figures)

    assert (row.failure_type, row.success, row.failure) == ("TRANSIENT_NETWORK", 3, 1)
