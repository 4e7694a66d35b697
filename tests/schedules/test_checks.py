"""What is found in a schedule, and what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from redrive.schedules import (
    Clocked,
    Entry,
    Interval,
    ScheduledTask,
    Timing,
    Unreadable,
    check_duplicates,
    check_idempotency,
)
from redrive.schedules.checks import span

NOW = datetime(2026, 3, 2, 12, 0, 30, tzinfo=UTC)


def entry(name: str = "one", task: str = "shop.pay", timing: Timing = Interval(60), **values: Any) -> Entry:  # noqa: B008  # frozen
    return Entry(name=name, task=task, timing=timing, **values)


def found(timing: Timing = Interval(60), *more: Entry, **declared: Any) -> list[tuple[str, str]]:  # noqa: B008  # frozen
    """Kind and severity of what is found about one entry of a task that declares this."""
    tasks = {"shop.pay": ScheduledTask(name="shop.pay", **declared)}
    findings = check_idempotency([entry(timing=timing), *more], tasks, NOW)
    return [(f.kind, f.severity.value) for f in findings if "one" in f.entries]


def test_a_period_below_the_ttl_swallows_runs() -> None:
    tasks = {"shop.pay": ScheduledTask(name="shop.pay", idempotent=True, ttl_seconds=3600)}

    (finding,) = check_idempotency([entry(timing=Interval(15))], tasks, NOW)

    assert finding.to_dict() == {
        "kind": "period-below-ttl",
        "severity": "fault",
        "entries": ["one"],
        "task": "shop.pay",
        "words": "It is due every 15 s, but a result stands for 1 h: 239 of 240 runs in a row are swallowed.",
        "fix": "Set idempotency_ttl below 15, put what makes each run another one into its arguments, or give it"
        " idempotency_scope='task' if only deliveries of one message should be told apart.",
        "evidence": {"period_seconds": 15, "ttl_seconds": 3600, "swallowed": 239, "runs": 240},
    }


@pytest.mark.parametrize(
    ("period", "ttl", "faults"),
    [(59, 60, [("period-below-ttl", "fault")]), (60, 60, []), (61, 60, [])],
)
def test_a_period_of_the_ttl_or_more_is_fine(
    period: float, ttl: float, faults: list[tuple[str, str]]
) -> None:
    assert found(Interval(period), idempotent=True, ttl_seconds=ttl) == faults


def test_every_message_has_a_key_of_its_own_in_scope_task() -> None:
    assert found(Interval(1), idempotent=True, scope="task") == []


def test_a_computed_key_is_not_judged() -> None:
    assert found(Interval(1), idempotent=True, key_is_computed=True) == [("not-judged", "unknown")]


def test_what_fires_once_swallows_nothing() -> None:
    assert found(Clocked(NOW + timedelta(hours=1)), idempotent=True) == []


def test_what_cannot_be_read_is_not_judged() -> None:
    assert found(Unreadable("30 February"), idempotent=True) == [("not-judged", "unknown")]


def test_a_task_that_nobody_knows_is_not_judged() -> None:
    (finding,) = check_idempotency([entry()], {}, NOW)

    assert (finding.kind, finding.words) == ("not-judged", "Its task is not registered in this project.")


@pytest.mark.parametrize(
    ("declared", "kinds"),
    [
        ({}, [("not-idempotent", "advice")]),
        ({"retry_safe": True}, []),
        ({"acks_late": True}, [("not-idempotent", "fault")]),
        ({"critical": True}, [("not-idempotent", "fault")]),
        ({"retry_safe": True, "acks_late": True}, []),  # somebody says that a second run does no harm
    ],
)
def test_a_task_that_may_run_twice_should_say_that_it_may(
    declared: dict[str, Any], kinds: list[tuple[str, str]]
) -> None:
    assert found(**declared) == kinds


def test_a_task_that_two_entries_call_alike_should_be_idempotent_whatever_it_declares() -> None:
    other = entry("two")

    assert found(Interval(60), other, retry_safe=True) == [("not-idempotent", "fault")]


def test_disabled_entries_and_tasks_of_celery_are_left_out() -> None:
    entries = [entry(enabled=False), entry("two", "celery.backend_cleanup")]

    assert check_idempotency(entries, {}, NOW) == ()
    assert check_duplicates([entry(), entry("two", enabled=False)], NOW) == ()


def test_two_entries_that_make_the_same_call_are_a_fault() -> None:
    (finding,) = check_duplicates([entry(), entry("two", timing=Interval(3600))], NOW)

    assert (finding.kind, finding.severity, finding.entries) == ("duplicate", "fault", ("one", "two"))
    assert finding.words == (
        "“one” and “two” make the same call, and may fire at the same time: an interval has no fixed phase."
    )


def test_the_same_call_at_different_times_is_worth_a_word() -> None:
    pair = [entry(timing=Clocked(NOW + timedelta(hours=n))) for n in (1, 2)]

    (finding,) = check_duplicates(pair, NOW)

    assert (finding.kind, finding.severity) == ("similar", "advice")


def test_other_arguments_make_another_call() -> None:
    assert check_duplicates([entry(), entry("two", arguments='[["eu"],{}]')], NOW) == ()


def test_three_alike_are_three_pairs() -> None:
    assert len(check_duplicates([entry(name) for name in ("a", "b", "c")], NOW)) == 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(15, "15 s"), (90, "90 s"), (120, "2 min"), (3600, "1 h"), (86_400, "1 day"), (0.5, "0.5 s")],
)
def test_spans_are_exact(seconds: float, words: str) -> None:
    assert span(seconds) == words
