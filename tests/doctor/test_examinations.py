"""Every finding at its boundary, and laws that hold for all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from redrive.doctor import IDS, Facts, Severity, examine
from redrive.doctor.facts import TaskFacts
from tests.doctor.cases import AWAY, CASES, ERROR, INFO, WARNING, Case
from tests.doctor.systems import (
    CLERK,
    ON_RABBIT,
    WELL,
    backlog,
    broker,
    celery,
    database,
    queue,
    task,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.id}-{case.severity}-{case.says[:20]}")
def test_finding_is_made_on_one_side_of_its_boundary_only(case: Case) -> None:
    made = [
        finding
        for finding in examine(case.bad)
        if finding.id == case.id and finding.severity == case.severity
    ]
    not_made = [one for one in examine(case.good) if one.id == case.id and one.severity != Severity.OK]

    assert len(made) == 1
    assert case.says in made[0].saw
    assert made[0].means
    assert [one for one in not_made if one.severity == case.severity] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_nothing_is_called_well_and_bad_at_once(case: Case) -> None:
    findings = examine(case.bad)

    well = {one.id for one in findings if one.severity == Severity.OK}
    assert well.isdisjoint(one.id for one in findings if one.severity != Severity.OK)


def test_every_id_has_a_case() -> None:
    assert {case.id for case in CASES} == set(IDS)


def test_ids_are_declared_once() -> None:
    assert sorted(IDS) == sorted(set(IDS))


@pytest.mark.parametrize("facts", [WELL, *(case.bad for case in CASES)])
def test_no_finding_has_an_undeclared_id(facts: Facts) -> None:
    assert {finding.id for finding in examine(facts)} <= set(IDS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_whoever_must_act_is_told_what_to_type(case: Case) -> None:
    urgent = [
        one for one in examine(case.bad) if one.severity in (ERROR, WARNING) and one.id != "project.check"
    ]

    assert [one.id for one in urgent if not one.remedy and one.id != "spill.waiting"] == []


def test_well_set_up_system_on_redis_is_well() -> None:
    assert {finding.severity for finding in examine(WELL)} == {Severity.OK}


def test_well_set_up_system_on_rabbitmq_leaves_only_what_cannot_be_known() -> None:
    assert [one.id for one in examine(ON_RABBIT) if one.severity != Severity.OK] == [
        "broker.consumer-timeout"
    ]


def test_with_everything_away_each_is_said_once_and_nothing_is_guessed() -> None:
    dark = replace(WELL, celery=AWAY, broker=AWAY, database=AWAY, redis=AWAY, spill=AWAY)

    findings = [one.id for one in examine(dark) if one.severity != Severity.OK]

    assert findings == ["celery.app", "redis.unreachable", "database.unreachable", "spill.unwritable"]


def test_tables_that_are_missing_are_not_called_a_missing_keeper() -> None:
    fresh = database(unapplied=("0001_tables",), backlog=None, keeper_seen=None, vouched=())

    assert [one.id for one in examine(fresh) if one.severity != Severity.OK] == ["database.migrations"]


def test_declared_consumer_timeout_counts_for_its_queue() -> None:
    longer = task(queue(consumer_timeout=7200.0), acks_late=True, retry_safe=True, time_limit=1799.0)
    shorter = task(queue(consumer_timeout=60.0), acks_late=True, retry_safe=True, time_limit=60.0)

    assert [one.severity for one in examine(longer) if one.id == "broker.consumer-timeout"] == [INFO]
    assert [one.severity for one in examine(shorter) if one.id == "broker.consumer-timeout"] == [WARNING]


def test_long_lists_of_names_are_cut_and_counted() -> None:
    tasks = tuple(TaskFacts(name=f"shop.t{number:02}", covered=False, time_limit=1.0) for number in range(12))

    [finding] = [one for one in examine(celery(tasks=tasks)) if one.id == "tasks.uncovered"]

    assert finding.saw == (
        "12 of 12 tasks not covered: shop.t00, shop.t01, shop.t02, shop.t03, shop.t04, shop.t05, shop.t06, shop.t07,"
        " shop.t08, shop.t09 and 2 more."
    )


def test_two_workers_add_up() -> None:
    second = replace(CLERK, name="cook@shop", concurrency=4)
    two = broker(workers=(CLERK, second))

    [finding] = [one for one in examine(two) if one.id == "database.connections"]

    # 2 + 4 pool processes and a keeper each
    assert "up to 8 connections" in finding.saw


def test_count_that_reached_the_cap_exactly_is_exact() -> None:
    [finding] = [one for one in examine(backlog(pending=10_000)) if one.id == "backlog.pending"]

    assert finding.saw.startswith("10,000 dead letters")


def test_migrations_of_another_alias_are_applied_there() -> None:
    [default] = [one for one in examine(database(unapplied=("x",))) if one.id == "database.migrations"]
    [other] = [
        one for one in examine(database(unapplied=("x",), alias="ops")) if one.id == "database.migrations"
    ]

    assert default.remedy == "Type: manage.py migrate redrive"
    assert other.remedy == "Type: manage.py migrate redrive --database ops"


def test_only_queues_that_were_seen_are_called_as_declared() -> None:
    [absent] = [one for one in examine(queue(exists=False)) if one.id == "queues.declared-differently"]
    [hidden] = [one for one in examine(queue(unseen="403")) if one.id == "queues.declared-differently"]

    assert absent.saw == hidden.saw == "The project's queues are as the project declares them: work."
