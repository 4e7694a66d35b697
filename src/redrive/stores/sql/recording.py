"""Store how an attempt ended: one conditional upsert and one insert.

Two processes that saw the same ending are told apart by the number of rows their statement changed; nothing is read
first and written later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from redrive.dead_letters import Ending, Outcome, Proposal, Recorded, Status
from redrive.payload import StoredMessage, to_json, why_not_stored
from redrive.payload.types import ERRBACKS
from redrive.stores.sql.connection import Cursor, Dialect
from redrive.stores.sql.tables import ATTEMPTS, CELERY, ROW_VERSION, SETTLE_SECONDS, TABLE, bounded

MOST_ATTEMPTS = 1_000_000
MOST_CLAIMED = 10_000
"""Highest attempt that a task without a record may claim: the row counts on from there, and must not reach the end."""
HELD_DELIVERIES = 1_000
"""Delivery numbers from here on are of runs that failed without using up their attempt."""


def columns(ending: Ending) -> dict[str, Any]:
    """Column values that every ending brings; JSON as text."""
    message = ending.message or StoredMessage()
    classification = ending.classification or {}
    return {
        "task_id": bounded(ending.task_id, 255),
        "task_name": bounded(ending.task_name, 255),
        "task_args": to_json(ending.args),
        "task_kwargs": to_json(ending.kwargs),
        "correlation_id": bounded(ending.correlation_id, 255),
        "app_name": bounded(ending.app_name, 255),
        "business_unit": bounded(ending.business_unit, 255),
        "failure_type": bounded(str(classification.get("failure_type", "UNKNOWN")), 40),
        "confidence": _rate(classification.get("confidence")),
        "remediation_action": bounded(str(classification.get("remediation_action", "INVESTIGATE")), 40),
        "exception_type": bounded(ending.exception_type, 255),
        "exception_message": bounded(ending.exception_message, 10_000),
        "traceback": bounded(ending.traceback, 50_000),
        "fingerprint": bounded(ending.fingerprint, 80),
        "remediation_notes": bounded(str(classification.get("remediation_details", "")), 4_000),
        "worker_hostname": bounded(ending.worker, 255),
        "queue_name": bounded(ending.queue, 255),
        "downstream": bounded(str(ending.options.get("downstream") or ""), 255),
        "release": bounded(ending.release, 255),
        "options": to_json(dict(ending.options)),
        "body": message.body,
        "content_type": bounded(message.content_type, 100),
        "content_encoding": bounded(message.content_encoding, 100),
        "headers": to_json(dict(message.headers)),
        "properties": to_json(dict(message.properties)),
        "exchange": bounded(message.exchange, 255),
        "routing_key": bounded(message.routing_key, 255),
        "priority": _small(message.priority),
        "message_source": message.source.value,
    }


def claimed_attempt(ending: Ending) -> int:
    """The attempt that the message claims, within what a column holds: a stranger may have written anything there."""
    return min(max(1, ending.attempt), MOST_ATTEMPTS)


def _small(value: Any) -> int | None:
    return value if isinstance(value, int) and abs(value) <= 32_767 else None


def _rate(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else 0.0


_MESSAGE_COLUMNS = (
    "body", "content_type", "content_encoding", "headers", "properties", "exchange", "routing_key", "priority",
    "message_source", "task_args", "task_kwargs",
)  # fmt: skip
_KEPT_ON_CONFLICT = ("task_id", "business_unit", *_MESSAGE_COLUMNS)
_JSON_COLUMNS = ("task_args", "task_kwargs", "options", "headers", "properties")


class Insert:
    """Collects columns and values of one INSERT."""

    def __init__(self, cursor: Cursor, values: Mapping[str, Any]) -> None:
        self.dialect = cursor.dialect
        self.columns: list[str] = []
        self.places: list[str] = []
        self.params: list[Any] = []
        for column, value in values.items():
            self.add(column, value, self.dialect.json if column in _JSON_COLUMNS else "%s")

    def add(self, column: str, value: Any, place: str = "%s") -> None:
        self.columns.append(column)
        self.places.append(place)
        self.params.append(value)

    def add_sql(self, column: str, sql: str, params: Sequence[Any] = ()) -> None:
        self.columns.append(column)
        self.places.append(sql)
        self.params.extend(params)

    def sql(self, table: str) -> str:
        return f"INSERT INTO {table} AS r ({', '.join(self.columns)}) VALUES ({', '.join(self.places)})"


def _keep_message(dialect: Dialect, fresh: str) -> list[str]:
    """Assignments that take over a new message only if there is one.

    Errbacks that an earlier attempt's message of the same round had, and that have fired, are carried over.
    """
    new = {column: f"EXCLUDED.{column}" for column in _MESSAGE_COLUMNS}
    carried = dialect.carried(ERRBACKS, "r.properties", "EXCLUDED.properties")
    new["properties"] = f"CASE WHEN {fresh} THEN EXCLUDED.properties ELSE {carried} END"
    return [
        f"{column} = CASE WHEN EXCLUDED.message_source <> 'none' THEN {value} ELSE r.{column} END"
        for column, value in new.items()
    ]


def record_failure(cursor: Cursor, ending: Ending) -> Recorded:
    """Store a failed (or revoked) attempt and what becomes of the task; at most two statements.

    The row decides whether retries are left: ``retry_count`` counts the retries that ran in this round. An attempt
    that is recorded already changes nothing. A failure of a new message whose id was used before, by a task that is
    finished, begins a new round.
    """
    d = cursor.dialect
    claimed = claimed_attempt(ending)
    proposal = ending.proposal or Proposal(retry=False)
    may_run_again = proposal.native or ending.has_message
    asked = proposal.retry and (proposal.max_retries > 0 or proposal.native)
    wanted = asked and may_run_again
    final = Status.ABANDONED if ending.outcome is Outcome.REVOKED and not asked else Status.PENDING
    values = columns(ending)
    insert = Insert(cursor, values)
    insert.add("status", Status.RETRYING.value if wanted else final.value)
    first = min(claimed, MOST_CLAIMED)
    insert.add("attempt", first)
    insert.add("first_attempt", 1)
    insert.add("retry_count", first - 1)
    insert.add("max_retries", max(0, proposal.max_retries))
    if wanted:
        insert.add_sql("next_retry_at", d.settled, _settled(cursor, ending))
    else:
        insert.add("next_retry_at", None)
    insert.add("first_failed_at", d.moment(ending.ended_at))
    insert.add("last_failed_at", d.moment(ending.ended_at))
    insert.add("abandoned_at", d.moment(ending.ended_at) if final is Status.ABANDONED else None)
    insert.add("decision", bounded(proposal.reason if may_run_again else _no_message(ending), 4_000))
    _add_idle(insert)
    insert.add("holds", 0)
    insert.add("lease_owner", CELERY if wanted and proposal.native else "")
    insert.add("published_at", d.moment(ending.due_at) if proposal.native else None)

    # Numbers and truths below are our own typed values; as literals they need no place in a list of parameters.
    fresh = (
        f"(r.status IN ('RESOLVED', 'ABANDONED') AND {_sql(claimed == 1 and not ending.started)}"
        " AND EXCLUDED.last_failed_at > COALESCE(r.resolved_at, r.abandoned_at, EXCLUDED.last_failed_at))"
    )
    used = f"(CASE WHEN {fresh} THEN 0 ELSE r.attempt + 1 - r.first_attempt END)"
    sendable = (
        f"({_sql(may_run_again)} OR r.message_source <> 'none')"  # an earlier attempt may have brought one
    )
    left = f"({_sql(proposal.native)} OR {used} < {int(proposal.max_retries)})"
    given_up = f"(r.status = 'ABANDONED' AND NOT {fresh})"
    again = f"({_sql(asked)} AND {sendable} AND {left} AND NOT {given_up})"
    assignments = [f"{c} = EXCLUDED.{c}" for c in values if c not in _KEPT_ON_CONFLICT] + _keep_message(
        d, fresh
    )
    assignments += [
        f"first_attempt = CASE WHEN {fresh} THEN r.attempt + 1 ELSE r.first_attempt END",
        "attempt = r.attempt + 1",
        f"retry_count = {used}",
        f"status = CASE WHEN {given_up} THEN 'ABANDONED' WHEN {again} THEN 'RETRYING' ELSE '{final.value}' END",
        f"next_retry_at = CASE WHEN {again} THEN {d.settled} END",
        f"decision = CASE WHEN {again} OR NOT {_sql(asked)} THEN %s WHEN NOT {sendable} THEN %s ELSE %s END",
        "business_unit = CASE WHEN EXCLUDED.business_unit <> '' THEN EXCLUDED.business_unit ELSE r.business_unit END",
        "max_retries = EXCLUDED.max_retries",
        "first_failed_at = COALESCE(r.first_failed_at, EXCLUDED.first_failed_at)",
        "last_failed_at = EXCLUDED.last_failed_at", "resolved_at = NULL",
        f"abandoned_at = CASE WHEN {given_up} THEN r.abandoned_at ELSE EXCLUDED.abandoned_at END",
        "published_at = EXCLUDED.published_at", "lease_owner = EXCLUDED.lease_owner", *_IDLE_AGAIN,
    ]  # fmt: skip
    texts = [bounded(text, 4_000) for text in (proposal.reason, _no_message(ending), _used_up(proposal))]
    row = cursor.one(
        f"{insert.sql(TABLE)} ON CONFLICT (task_id) DO UPDATE SET {', '.join(assignments)} WHERE {fresh}"
        # The same ending again, of a message that claims a higher attempt than the row knows of, is told by its moment.
        f" OR (r.attempt < {claimed} AND (r.last_failed_at IS NULL"
        " OR r.last_failed_at <> EXCLUDED.last_failed_at)) RETURNING id, attempt, status",
        [*insert.params, *_settled(cursor, ending), *texts],
    )
    if row is None:
        return already_recorded(cursor, ending.task_id)
    record_id, attempt, status = row
    _add_attempt(cursor, record_id, attempt, ending)
    return Recorded(where="sql", retry=status == Status.RETRYING, status=status, record_id=record_id)


def _settled(cursor: Cursor, ending: Ending) -> list[Any]:
    """Parameters of :attr:`Dialect.settled` for when the next attempt is due."""
    due = ending.due_at
    long_ago = None if due is None else due + timedelta(minutes=1)
    return [cursor.dialect.moment(due), SETTLE_SECONDS, cursor.dialect.moment(long_ago)]


def _sql(value: bool) -> str:
    return "TRUE" if value else "FALSE"


_IDLE_AGAIN = (
    "hold_reason = ''", "lease_expires_at = NULL", "deliveries = 0", "publishes = 0", "started_by = ''",
    "started_child = ''", "updated_at = EXCLUDED.updated_at",
)  # fmt: skip
"""Assignments of a row whose task does not run."""


def _add_idle(insert: Insert) -> None:
    """Columns of a new row whose task does not run."""
    for column in ("deliveries", "started_attempt", "publishes"):
        insert.add(column, 0)
    for column in ("hold_reason", "started_by", "started_child"):
        insert.add(column, "")
    insert.add("version", ROW_VERSION)
    insert.add_sql("updated_at", insert.dialect.now)


def _no_message(ending: Ending) -> str:
    properties = ending.message.properties if ending.message else {}
    why = why_not_stored(properties, "Its message could not be had, so it cannot be sent again.")
    return f"{why} {ending.proposal.reason if ending.proposal else ''}".strip()


def _used_up(proposal: Proposal) -> str:
    return f"All {proposal.max_retries} retries are used up. {proposal.reason}".strip()


def already_recorded(cursor: Cursor, task_id: str) -> Recorded:
    """What the row says of a task whose ending was recorded before."""
    row = cursor.one(f"SELECT id, status FROM {TABLE} WHERE task_id = %s", [bounded(task_id, 255)])
    if row is None:
        return Recorded(where="sql", retry=False, new=False)
    return Recorded(where="sql", retry=row[1] == Status.RETRYING, new=False, status=row[1], record_id=row[0])


def _add_attempt(cursor: Cursor, record_id: int, attempt: int, ending: Ending) -> None:
    classification = ending.classification or {}
    d = cursor.dialect
    cursor.later(
        f"INSERT INTO {ATTEMPTS} (record_id, attempt, delivery, outcome, failure_type, confidence, exception_type,"
        " exception_message, traceback, evidence, decision, worker_hostname, release, source, ended_at) VALUES"
        f" (%s, %s, %s, %s, %s, %s, %s, %s, %s, {d.json}, {d.json}, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        [
            record_id,
            attempt,
            ending.delivery,
            ending.outcome.value,
            bounded(str(classification.get("failure_type", "")), 40),
            _rate(classification.get("confidence")),
            bounded(ending.exception_type, 255),
            bounded(ending.exception_message, 10_000),
            bounded(ending.traceback, 50_000),
            to_json(classification.get("evidence", [])),
            to_json(ending.proposal.to_dict() if ending.proposal else {}),
            bounded(ending.worker, 255),
            bounded(ending.release, 255),
            ending.source,
            d.moment(ending.ended_at),
        ],
    )


def record_success(cursor: Cursor, ending: Ending) -> Recorded:
    """Close the task's record; forget a task that was only held. Nothing to do if there is none."""
    d = cursor.dialect
    row = cursor.one(
        f"UPDATE {TABLE} SET status = 'RESOLVED', resolved_at = %s, next_retry_at = NULL, attempt = attempt + 1,"
        f" hold_reason = '', retry_count = attempt + 1 - first_attempt, published_at = NULL, lease_owner = '',"
        f" lease_expires_at = NULL, started_by = '', updated_at = {d.now}"
        " WHERE task_id = %s AND status <> 'RESOLVED' AND attempt < %s RETURNING id, attempt, first_failed_at",
        [d.moment(ending.ended_at), bounded(ending.task_id, 255), claimed_attempt(ending)],
    )
    if row is None:
        return _record_late_success(cursor, ending)
    record_id, attempt, first_failed_at = row
    if first_failed_at is None:
        cursor.execute(f"DELETE FROM {TABLE} WHERE id = %s", [record_id])
        return Recorded(where="sql", retry=False)
    _add_attempt(cursor, record_id, attempt, ending)
    return Recorded(where="sql", retry=False, status=Status.RESOLVED.value, record_id=record_id)


def _record_late_success(cursor: Cursor, ending: Ending) -> Recorded:
    """Resolve a task whose worker was taken for gone and was only slow, if nothing has started in its place."""
    d = cursor.dialect
    row = cursor.one(
        f"UPDATE {TABLE} SET status = 'RESOLVED', resolved_at = %s, next_retry_at = NULL, hold_reason = '',"
        f" published_at = NULL, lease_owner = '', lease_expires_at = NULL, decision = %s, updated_at = {d.now}"
        " WHERE task_id = %s AND status IN ('PENDING', 'RETRYING') AND attempt = %s AND started_attempt <= attempt"
        f" AND EXISTS (SELECT 1 FROM {ATTEMPTS} a WHERE a.record_id = {TABLE}.id AND a.attempt = %s"
        " AND a.source = 'reaper') RETURNING id",
        [
            d.moment(ending.ended_at),
            "Its worker had been taken for gone, and was only slow: the task has succeeded.",
            bounded(ending.task_id, 255),
            claimed_attempt(ending),
            claimed_attempt(ending),
        ],
    )
    if row is None:
        return Recorded(where="sql", retry=False, new=False)
    return Recorded(where="sql", retry=False, status=Status.RESOLVED.value, record_id=row[0])


def record_hold(cursor: Cursor, ending: Ending) -> Recorded:
    """Let the task wait without using an attempt. ``retry`` is False where it may not: its record is finished.

    A task that has run and failed, but may wait as if it had not, brings its failure: that is kept as well.
    """
    d = cursor.dialect
    values = columns(ending)
    failed = d.moment(ending.ended_at) if ending.exception_type else None
    decision = ending.proposal.reason if failed is not None and ending.proposal is not None else ""
    insert = Insert(cursor, values)
    insert.add("status", Status.RETRYING.value)
    insert.add("attempt", min(claimed_attempt(ending), MOST_CLAIMED) - 1)
    insert.add("first_attempt", 1)
    insert.add("retry_count", 0)
    insert.add("max_retries", ending.proposal.max_retries if ending.proposal is not None else 0)
    insert.add("next_retry_at", d.moment(ending.due_at))
    insert.add("first_failed_at", failed)
    insert.add("last_failed_at", failed)
    insert.add("decision", bounded(decision, 4_000))
    _add_idle(insert)
    insert.params[insert.columns.index("hold_reason")] = bounded(ending.hold_reason, 4_000)
    insert.add("holds", 1)
    insert.add("lease_owner", "")
    newest = [f"{c} = EXCLUDED.{c}" for c in values if c not in _KEPT_ON_CONFLICT] + [
        "first_failed_at = COALESCE(r.first_failed_at, EXCLUDED.first_failed_at)",
        "last_failed_at = EXCLUDED.last_failed_at", "decision = EXCLUDED.decision",
        "max_retries = EXCLUDED.max_retries",
    ]  # fmt: skip
    row = cursor.one(
        f"{insert.sql(TABLE)} ON CONFLICT (task_id) DO UPDATE SET holds = r.holds + 1,"
        " next_retry_at = EXCLUDED.next_retry_at, published_at = NULL, lease_owner = '', started_attempt = r.attempt,"
        f" hold_reason = EXCLUDED.hold_reason, {', '.join([*_IDLE_AGAIN[1:], *(newest if failed else ())])}"
        f" WHERE r.attempt = {claimed_attempt(ending) - 1} AND r.status = 'RETRYING'"
        # The same hold again, perhaps while the next copy runs already: it must not give the row free.
        " AND (r.next_retry_at IS NULL OR r.next_retry_at <> EXCLUDED.next_retry_at) RETURNING id, attempt, holds",
        insert.params,
    )
    if row is None:
        return already_recorded(cursor, ending.task_id)
    if failed is not None:
        # It is told from the attempt that will count, and from the next such failure, by its delivery.
        _add_attempt(cursor, row[0], row[1] + 1, replace(ending, delivery=HELD_DELIVERIES + row[2]))
    return Recorded(where="sql", retry=True, status=Status.RETRYING.value, record_id=row[0])


def record(cursor: Cursor, ending: Ending) -> Recorded:
    """Store an ending of any kind. Idempotent."""
    if ending.outcome is Outcome.HELD:
        return record_hold(cursor, ending)
    if ending.outcome is Outcome.SUCCEEDED:
        return record_success(cursor, ending)
    return record_failure(cursor, ending)
