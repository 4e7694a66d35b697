"""Endings with as little as a test has to say about them, and rows read back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from redrive.dead_letters import Ending, Outcome, Proposal, Recorded
from redrive.payload import MessageSource, StoredMessage
from redrive.stores.sql import recording
from redrive.stores.sql.connection import DIALECTS, Database
from redrive.stores.sql.leases import put

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
MESSAGE = StoredMessage(
    body=b'[["one"], {}, {}]',
    content_type="application/json",
    content_encoding="utf-8",
    headers={"id": "t1", "task": "shop.pay"},
    routing_key="celery",
    source=MessageSource.RAW,
)


def failure(
    attempt: int = 1, *, task_id: str = "t1", retries: int = 3, delay: float = 0.0, **changes: Any
) -> Ending:
    """A failed attempt; ``retries`` is the number allowed, 0 for a task that must not run again."""
    ending = Ending(
        outcome=Outcome.FAILED,
        task_id=task_id,
        task_name="shop.pay",
        attempt=attempt,
        ended_at=BEGAN + timedelta(minutes=attempt),
        source="wrapper",
        args=["one"],
        message=MESSAGE,
        exception_type="ValueError",
        exception_message="no",
        classification={"failure_type": "TRANSIENT_NETWORK", "confidence": 0.9},
        proposal=Proposal(retry=retries > 0, delay_seconds=delay, max_retries=retries, reason="It may pass."),
    )
    return replace(ending, **changes)


def success(attempt: int, *, task_id: str = "t1") -> Ending:
    return Ending(
        outcome=Outcome.SUCCEEDED,
        task_id=task_id,
        task_name="shop.pay",
        attempt=attempt,
        ended_at=BEGAN + timedelta(minutes=attempt),
        source="postrun",
    )


def hold(attempt: int = 1, *, seconds: float = 0.0, reason: str = "stripe is down", **changes: Any) -> Ending:
    """A task that a gate did not let start; due ``seconds`` after its moment."""
    proposal = Proposal(retry=True, delay_seconds=seconds, reason=reason)
    ending = failure(attempt, proposal=proposal, hold_reason=reason, outcome=Outcome.HELD)
    ending = replace(ending, exception_type="", exception_message="", classification=None)
    return replace(ending, **changes)


def record(database: Database, ending: Ending) -> Recorded:
    return database.run(lambda cursor: recording.record(cursor, ending))


def make_due(database: Database, task_id: str = "t1", *, seconds_ago: float = 60) -> None:
    """Let a waiting row's moment have come, whatever was asked for when it was recorded."""
    database.run(
        lambda cursor: cursor.execute(
            f"UPDATE redrive_taskfailurerecord SET next_retry_at = {cursor.dialect.after} WHERE task_id = %s",
            [-seconds_ago, task_id],
        )
    )


def row_of(database: Database, task_id: str = "t1") -> Mapping[str, Any]:
    """The task's row; an empty dict if there is none."""
    rows = rows_of(database, "SELECT * FROM redrive_taskfailurerecord WHERE task_id = %s", task_id)
    return rows[0] if rows else {}


def rows_of(database: Database, sql: str, *params: Any) -> list[dict[str, Any]]:
    return database.run(lambda cursor: cursor.dicts(sql, params))


def seconds_between(database: Database, earlier: Any, later: Any) -> float:
    """Seconds from one moment to another, both as the database gave them; None stands for its present."""
    if earlier is None:
        earlier = database.run(lambda cursor: cursor.one(f"SELECT {cursor.dialect.now}") or ())[0]
    read = DIALECTS["sqlite"].read_moment
    first, second = read(earlier), read(later)
    assert first is not None
    assert second is not None
    return (second - first).total_seconds()


def change(database: Database, sql: str, *params: Any) -> None:
    database.run(lambda cursor: cursor.execute(sql, params))


def vouch(database: Database, worker: str, *, seconds: float) -> None:
    """A keeper's sign of life for a worker; negative seconds make it one of the past."""
    database.run(lambda cursor: put(cursor, "worker", worker, data={}, seconds=seconds))
