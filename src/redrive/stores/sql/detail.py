"""Everything about one record, for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from redrive.conf import get_settings
from redrive.models import TaskFailureRecord
from redrive.payload import StoredMessage, is_sealed, mask, why_not_stored, workflow_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDetail:
    """How one attempt ended, and what was decided then."""

    attempt: int
    outcome: str
    ended_at: datetime
    failure_type: str
    confidence: float
    exception_type: str
    exception_message: str
    decision: str
    worker: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDetail:
    """One record; arguments are masked."""

    id: int
    task_id: str
    task_name: str
    status: str
    decision: str
    hold_reason: str
    failure_type: str
    confidence: float
    remediation_action: str
    remediation_notes: str
    exception_type: str
    exception_message: str
    traceback: str
    args: Any
    kwargs: Any
    business_unit: str
    queue_name: str
    worker_hostname: str
    retry_count: int
    max_retries: int
    next_retry_at: datetime | None
    first_failed_at: datetime | None
    message_source: str
    message_note: str
    """What is special about its message: that it is sealed, or why there is none. Empty if nothing is."""
    fingerprint: str
    workflow: tuple[str, ...]
    """What a retry does to the rest of its canvas, and what it can no longer repair."""
    attempts: tuple[AttemptDetail, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form, moments as ISO 8601."""
        data = asdict(self)
        for name in ("next_retry_at", "first_failed_at"):
            data[name] = data[name].isoformat() if data[name] else None
        for attempt in data["attempts"]:
            attempt["ended_at"] = attempt["ended_at"].isoformat()
        return data

    def lines(self) -> list[str]:
        """The record as text for a terminal, ending with what to type next."""
        due = f", due {self.next_retry_at:%Y-%m-%d %H:%M:%S}" if self.next_retry_at else ""
        lines = [
            f"{self.task_name}  [{self.task_id}]  record {self.id}",
            f"{self.status}{due}: {self.decision or self.hold_reason}",
            f"{self.failure_type}, {self.confidence:.0%} sure, {self.remediation_action}: {self.remediation_notes}",
            f"{self.exception_type}: {self.exception_message}",
            f"arguments  {self.args} {self.kwargs}",
            f"retries    {self.retry_count} of {self.max_retries}; queue {self.queue_name or '?'};"
            f" worker {self.worker_hostname or '?'}; tenant {self.business_unit or '-'};"
            f" message {self.message_source or 'none'}",
            *([f"message    {self.message_note}"] if self.message_note else []),
            *(f"workflow   {words}" for words in self.workflow),
            "",
            *(f"  {self._attempt_line(attempt)}" for attempt in self.attempts),
            "",
            self.traceback.rstrip(),
        ]
        if self.status == "PENDING" and self.message_source == "none":
            lines += ["", f"Once it is dealt with: manage.py redrive abandon {self.id}"]
        elif self.status == "PENDING":
            lines += ["", f"Send it back to work: manage.py redrive retry {self.id}"]
        return lines

    @staticmethod
    def _attempt_line(attempt: AttemptDetail) -> str:
        what = f"{attempt.failure_type} ({attempt.exception_type})" if attempt.failure_type else ""
        when = f"{attempt.ended_at:%m-%d %H:%M:%S}"
        return f"{when}  attempt {attempt.attempt} {attempt.outcome}  {what}  {attempt.decision}"


def record_detail(record_id: int) -> RecordDetail | None:
    """The record with its attempts, oldest first; None if there is none. Two queries."""
    record = TaskFailureRecord.every.filter(id=record_id).first()
    if record is None:
        return None
    masking = get_settings().masking
    plain = {
        name: getattr(record, name)
        for name in RecordDetail.__dataclass_fields__
        if name not in ("args", "kwargs", "attempts", "workflow", "message_note")
    }
    return RecordDetail(
        **plain,
        message_note=message_note(record),
        workflow=tuple(workflow_words(record)),
        args=mask(record.task_args, fields=masking.fields, patterns=masking.patterns),
        kwargs=mask(record.task_kwargs, fields=masking.fields, patterns=masking.patterns),
        attempts=tuple(
            AttemptDetail(
                attempt=attempt.attempt,
                outcome=attempt.outcome,
                ended_at=attempt.ended_at,
                failure_type=attempt.failure_type,
                confidence=attempt.confidence,
                exception_type=attempt.exception_type,
                exception_message=attempt.exception_message,
                decision=str(attempt.decision.get("reason", "")),
                worker=attempt.worker_hostname,
                source=attempt.source,
            )
            for attempt in record.attempts.order_by("attempt", "delivery")
        ),
    )


def message_note(record: TaskFailureRecord) -> str:
    """What is special about a record's message, in a sentence; empty if nothing is."""
    if record.message_source == "none":
        return why_not_stored(
            record.properties, "It could not be had: the task cannot be sent again from here."
        )
    if is_sealed(record.content_type):
        return "It is sealed: a keeper opens it when it sends it again, and its arguments are not shown."
    return ""


def workflow_words(record: TaskFailureRecord) -> list[str]:
    """What hangs on a task that has not succeeded, in sentences; see :meth:`redrive.payload.Workflow.words`."""
    if record.status == "RESOLVED":
        return []
    message = StoredMessage(
        body=bytes(record.body), content_type=record.content_type, properties=record.properties
    )
    return workflow_of(message).words(record.pk)


def resolve_id(value: str) -> int | None:
    """The id of the record that a record id or a task id names, or None."""
    by_task = TaskFailureRecord.every.filter(task_id=value).values_list("id", flat=True).first()
    if by_task is not None or not value.isdecimal():
        return by_task
    return TaskFailureRecord.every.filter(id=int(value)).values_list("id", flat=True).first()
