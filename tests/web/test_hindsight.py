"""What declaring tasks would have recovered, and what waiting has saved: only what is known counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from tests.web.making import make_attempt, make_record

from redrive.conf import Costs
from redrive.dashboards.savings import estimate
from redrive.stores.sql.hindsight import (
    holds_by_task,
    in_words,
    moved_by_task,
    total,
    undeclared_tasks,
)
from redrive.stores.sql.pages import StatFigure

MANUAL: dict[str, Any] = {"explain": {"remediation": "MANUAL_RETRY"}}


@pytest.mark.django_db
def test_only_what_was_sent_again_unchanged_and_succeeded_counts_as_recovered() -> None:
    for status, attempt in (
        ("RESOLVED", 2),
        ("PENDING", 2),
        ("PENDING", 1),
        ("ABANDONED", 1),
        ("RETRYING", 1),
    ):
        record = make_record(status=status, attempt=attempt, task_name="shop.deliver")
        make_attempt(record, 1, decision=MANUAL)
        if attempt == 2:
            make_attempt(record, 2, decision=MANUAL)
    declared = make_record(status="RESOLVED", attempt=2, task_name="shop.declared")
    make_attempt(declared, 1, decision={"explain": {"remediation": None}})
    old = make_record(failed_ago=timedelta(days=40), status="RESOLVED", attempt=2, task_name="shop.old")
    make_attempt(old, 1, decision=MANUAL)

    (row,) = undeclared_tasks(timezone.now() - timedelta(days=30))

    assert (row.task_name, row.count) == ("shop.deliver", 5)
    assert (row.recovered, row.failed_again, row.untried) == (1, 1, 3)
    assert total([row, row]).recovered == 2
    assert in_words([row]) == (
        "declaring shop.deliver retry-safe would have recovered 1 of 5: those were sent again unchanged and succeeded;"
        " 1 failed again, 3 nobody has tried."
    )


@pytest.mark.django_db
def test_holds_and_moved_retries_are_counted_by_task() -> None:
    since = timezone.now() - timedelta(days=1)
    make_record(task_name="a", holds=3)
    make_record(task_name="a", holds=2)
    make_record(task_name="b", holds=7, failed_ago=timedelta(days=2))
    moved = make_record(task_name="c")
    make_attempt(moved, 1, decision={"explain": {"off_peak": True}})
    make_attempt(moved, 2, decision={"explain": {"off_peak": False}})

    assert holds_by_task(since) == {"a": 5}
    assert moved_by_task(since) == {"c": 1}


def stat(task: str, label: str, count: int, seconds: float) -> StatFigure:
    return StatFigure(hour=None, task_name=task, label=label, count=count, seconds=seconds)


STATS = [stat("a", "failure", 2, 20.0), stat("a", "success", 2, 4.0), stat("c", "success", 10, 600.0)]


def test_savings_are_counts_times_measured_durations_times_the_cost_of_an_hour() -> None:
    costs = Costs(worker_hour=3.6, off_peak_worker_hour=1.8, currency="EUR")

    savings = estimate({"a": 6, "never ran": 9}, {"c": 5}, STATS, costs)

    # 6 held calls of 10 s (a failed run of a); 5 moved runs of 60 s. 60 s at 3.60 are 0.06, 300 s at 1.80 are 0.15.
    assert (savings.held_seconds, savings.moved_seconds) == (60.0, 300.0)
    assert savings.cost == pytest.approx(0.06 + 0.15)


def test_without_a_cost_no_money_is_claimed() -> None:
    assert estimate({"a": 6}, {"c": 5}, STATS, Costs()).cost is None
    # One cost says nothing about what moving saves: 60 s at 3.60.
    assert estimate({"a": 6}, {"c": 5}, STATS, Costs(worker_hour=3.6)).cost == pytest.approx(0.06)
