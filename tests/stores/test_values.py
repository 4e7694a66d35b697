"""Whatever a task was given and whatever it said when it failed: it is recorded, and PostgreSQL takes it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from redrive.dead_letters import Proposal
from redrive.stores.sql.connection import Database
from tests.stores.endings import MESSAGE, failure, record, row_of

NASTY = "a\x00b\ud800c\\u0000d😀"
KEPT = "a\\x00b\\ud800c\\u0000d😀"


def stored(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def test_text_columns_take_anything(database: Database) -> None:
    names = (
        *("task_name", "correlation_id", "app_name", "business_unit", "exception_type", "exception_message"),
        *("traceback", "fingerprint", "worker", "queue", "release"),
    )

    recorded = record(database, replace(failure(), **dict.fromkeys(names, NASTY)))

    row = row_of(database)
    assert recorded.where == "sql"
    assert {row[name] for name in ("task_name", "business_unit", "exception_message", "traceback")} == {KEPT}


def test_json_columns_take_anything(database: Database) -> None:
    odd: dict[Any, Any] = {
        "text": NASTY,
        NASTY: 1,
        "nan": float("nan"),
        "inf": [float("-inf")],
        3: object,
        (1, 2): b"x",
    }

    record(
        database,
        replace(
            failure(),
            args=[odd],
            kwargs={"odd": odd},
            options={"odd": odd},
            message=replace(MESSAGE, headers=odd, properties=odd),
            proposal=Proposal(retry=True, max_retries=1, reason=NASTY, explain=odd),
            classification={"failure_type": NASTY, "confidence": float("nan"), "evidence": [odd]},
        ),
    )

    row = row_of(database)
    kept = {
        "text": KEPT,
        KEPT: 1,
        "nan": "nan",
        "inf": ["-inf"],
        "3": "<class 'object'>",
        "(1, 2)": "b'x'",
    }
    assert stored(row["task_args"]) == [kept]
    assert stored(row["headers"]) == kept
    assert (row["failure_type"], row["confidence"]) == (KEPT, 0.0)


def test_text_that_looks_like_an_escape_stays_as_it_is(database: Database) -> None:
    record(database, failure(args=["\\u0000", "\\\\u0000", "\\ud800"]))

    assert stored(row_of(database)["task_args"]) == ["\\u0000", "\\\\u0000", "\\ud800"]


def test_a_cycle_and_an_object_that_cannot_be_written_are_recorded(database: Database) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    cycle: list[Any] = [1]
    cycle.append(cycle)

    record(database, failure(args=[Broken(), cycle]))

    args = stored(row_of(database)["task_args"])
    assert args[0] == "<Broken: its str() raised>"
    assert args[1][0] == 1


def test_a_message_of_ten_megabytes_is_kept_byte_for_byte(database: Database) -> None:
    body = bytes(range(256)) * 40_960

    record(database, failure(message=replace(MESSAGE, body=body)))

    assert bytes(row_of(database)["body"]) == body


def test_long_texts_are_cut_to_their_columns(database: Database) -> None:
    record(database, failure(task_id="i" * 300, exception_message="m" * 20_000, traceback="t" * 90_000))

    row = row_of(database, "i" * 254 + "…")
    assert len(row["exception_message"]) == 10_000
    assert len(row["traceback"]) == 50_000
    assert record(database, failure(task_id="i" * 300)).new is False


@pytest.mark.parametrize(("priority", "kept"), [(9, 9), (None, None), (10**9, None), ("high", None)])
def test_a_priority_no_column_holds_is_left_out(database: Database, priority: Any, kept: Any) -> None:
    record(database, failure(message=replace(MESSAGE, priority=priority)))

    assert row_of(database)["priority"] == kept
