"""A printed traceback tells nearly what the exception itself would."""

from __future__ import annotations

import json
import textwrap
import time
import traceback
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.taxonomy import ExceptionFacts, FailureTaxonomy, extract, fingerprint, parse_text


def plain() -> None:
    json.loads("<html>")


def caused() -> None:
    try:
        {}["customer"]
    except KeyError as absent:
        raise RuntimeError("cannot bill\nsecond line") from absent


def handled() -> None:
    try:
        plain()
    except ValueError:
        raise ConnectionResetError(104, "Connection reset by peer")  # noqa: B904 - the context is meant


def deep() -> None:
    try:
        caused()
    except RuntimeError:
        handled()


def empty() -> None:
    raise MemoryError


def failure_of(act: Callable[[], None]) -> BaseException:
    try:
        act()
    except BaseException as problem:
        return problem
    raise AssertionError


def parsed(text: str) -> ExceptionFacts:
    facts = parse_text(text).facts
    assert facts is not None
    return facts


@pytest.mark.parametrize("act", [plain, caused, handled, deep, empty])
def test_printed_exception_has_the_fingerprint_and_type_of_the_live_one(act: Callable[[], None]) -> None:
    problem = failure_of(act)

    facts = parsed("".join(traceback.format_exception(problem)))

    live = extract(problem)
    assert [link.exception_type for link in facts.links()] == [link.exception_type for link in live.links()]
    assert [link.via for link in facts.links()] == [link.via for link in live.links()]
    assert facts.frames == live.frames
    assert fingerprint(facts, "shop.pay") == fingerprint(live, "shop.pay")
    assert (
        FailureTaxonomy.classify_facts(facts).failure_type is FailureTaxonomy.classify(problem).failure_type
    )


def test_exception_group_tells_of_its_members() -> None:
    def both() -> None:
        raise ExceptionGroup("two failed", [failure_of(handled), failure_of(plain)])

    problem = failure_of(both)

    facts = parsed("".join(traceback.format_exception(problem)))

    assert facts.exception_type == "ExceptionGroup"
    assert facts.message == "two failed (2 sub-exceptions)"
    assert "ConnectionResetError" in {link.exception_type for link in facts.chain}


CELERY = """
[2026-11-22 07:00:00,001: INFO/MainProcess] Task shop.tasks.pay[0c1b] received
[2026-11-22 07:00:00,123: ERROR/ForkPoolWorker-1] Task shop.tasks.pay[0c1b] raised unexpected: OperationalError('x')
Traceback (most recent call last):
  File "/usr/lib/python3.12/site-packages/django/db/backends/utils.py", line 105, in _execute
    return self.cursor.execute(sql, params)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
psycopg.errors.DeadlockDetected: deadlock detected
DETAIL:  Process 1 waits for ShareLock

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/usr/lib/python3.12/json/decoder.py", line 355, in raw_decode
  File "/srv/shop/tasks.py", line 17, in pay
    order.save()
  [Previous line repeated 3 more times]
django.db.utils.OperationalError: deadlock detected
DETAIL:  Process 1 waits for ShareLock
[2026-11-22 07:00:00,200: INFO/MainProcess] Task shop.tasks.mail[9] received
"""


def test_celery_log_gives_chain_task_and_places() -> None:
    found = parse_text(CELERY)

    facts = found.facts
    assert facts is not None
    assert (found.task_name, found.failures) == ("shop.tasks.pay", 1)
    assert facts.exception_type == "django.db.utils.OperationalError"
    assert facts.message == "deadlock detected\nDETAIL:  Process 1 waits for ShareLock"
    assert [(str(frame), frame.project) for frame in facts.frames] == [
        ("json/decoder.py:355:raw_decode", False),
        ("srv/shop/tasks.py:17:pay", True),
    ]
    assert [(link.exception_type, link.via) for link in facts.chain] == [
        ("psycopg.errors.DeadlockDetected", "cause")
    ]
    answer = FailureTaxonomy.classify_facts(facts)
    assert answer.failure_type.value == "TRANSIENT_DATABASE"
    assert answer.evidence[0].rule.startswith("sqlstate.")


def test_of_several_failures_the_last_is_read() -> None:
    found = parse_text(CELERY + "".join(traceback.format_exception(failure_of(plain))))

    assert found.failures == 2
    assert found.facts is not None
    assert found.facts.exception_type == "json.decoder.JSONDecodeError"


def test_indented_and_coloured_text_is_read() -> None:
    text = "\x1b[31mTraceback (most recent call last):\x1b[0m\n" + textwrap.dedent("""\
          File "/srv/shop/tasks.py", line 3, in <module>
            1 / 0
            ~~^~~
        ZeroDivisionError: division by zero""")

    assert parsed(text).exception_type == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("ValueError: Invalid data", "ValueError", "Invalid data"),
        ("it said\nredis.exceptions.ConnectionError: refused", "redis.exceptions.ConnectionError", "refused"),
        ("MemoryError", "MemoryError", ""),
    ],
)
def test_last_line_alone_is_enough(text: str, kind: str, message: str) -> None:
    facts = parsed(text)

    assert (facts.exception_type, facts.message) == (kind, message)


@pytest.mark.parametrize("text", ["", "everything is fine", "Traceback (most recent call last):\n  File"])
def test_text_without_an_exception_has_no_facts(text: str) -> None:
    assert parse_text(text).facts is None


@given(
    st.text(max_size=2000) | st.lists(st.sampled_from([*CELERY.splitlines(), "  | x", "+---"])).map("\n".join)
)
def test_any_text_is_read_without_raising(text: str) -> None:
    facts = parse_text(text).facts

    assert facts is None or FailureTaxonomy.classify_facts(facts).failure_type is not None


@pytest.mark.parametrize(
    "piece", ["a.", "Traceback (most recent call last):\n", "  | ", '  File "', "x" * 50, "Task "]
)
def test_long_text_takes_bounded_time(piece: str) -> None:
    text = piece * (2_000_000 // len(piece)) + "\nValueError: x"
    started = time.process_time()

    parse_text(text)

    # Linear takes a second of this process's own time, quadratic would take hours.
    assert time.process_time() - started < 60
