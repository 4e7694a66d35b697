"""What the page of one record says: everything that is known, in the order in which an operator asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from redrive.conf import Masking
from redrive.models import FailureAttempt, TaskFailureRecord
from redrive.payload import is_sealed, mask, why_not_stored
from redrive.templatetags.redrive import relative_time

SOURCE_WORDS = {
    "raw": gettext_lazy("as it was on the wire: it runs again exactly as it was sent"),
    "rebuilt": gettext_lazy("encoded again from the request, because the bytes could not be had"),
    "none": gettext_lazy("could not be had: the task cannot be sent again from here"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ended attempt. ``decision`` is why the next step was taken; ``backoff`` how a delay came about,
    ``gate`` what the gate of its downstream said."""

    number: int
    outcome: str
    ended_at: datetime
    failure_type: str
    confidence: float
    exception: str
    traceback: str
    decision: str
    backoff: str
    gate: str
    policy: str
    worker: str
    release: str
    source: str
    evidence: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDetail:
    """The page of one record. ``remedies`` are the advised actions, the one in force first; all texts are masked."""

    id: int
    status: str
    next_step: str
    remedy: str
    exception: str
    traceback: str
    args: Any
    kwargs: Any
    message: str
    attempts: tuple[Attempt, ...]
    evidence: tuple[dict[str, Any], ...]
    policy: str


def next_step(record: TaskFailureRecord, now: datetime) -> str:
    """What happens to the task now, in one sentence."""
    if record.status == "RESOLVED":
        return _("Nothing: the task has succeeded.")
    if record.status == "ABANDONED":
        return _("Nothing: the task was given up. It can still be retried.")
    if record.status == "PENDING":
        if record.message_source == "none":
            return _(
                "It waits for a decision. There is no message to send again, so that it can only be abandoned."
            )
        return _("It waits for a decision: retry it, or abandon it.")
    if record.started_attempt > record.attempt:
        return _("It is running on %(worker)s.") % {"worker": record.started_by or "?"}
    if record.published_at is not None:
        return _("Its message was sent %(when)s and waits for a worker.") % {
            "when": relative_time(record.published_at, now)
        }
    if record.next_retry_at is None:
        return _("It runs again as soon as a keeper sends it.")
    return _("It runs again %(when)s.") % {"when": relative_time(record.next_retry_at, now)}


def describe(
    record: TaskFailureRecord, attempts: Sequence[FailureAttempt], masking: Masking, now: datetime
) -> RecordDetail:
    """The page's values. Pure: reads only what it is given."""

    def shown(value: Any) -> Any:
        return mask(value, fields=masking.fields, patterns=masking.patterns)

    described = tuple(_attempt(attempt, shown) for attempt in attempts)
    failed = [attempt for attempt in attempts if attempt.exception_type or attempt.evidence]
    last = failed[-1] if failed else None
    explain = (last.decision or {}).get("explain") or {} if last else {}
    return RecordDetail(
        id=record.pk,
        status=record.status,
        next_step=next_step(record, now),
        remedy=str(explain.get("remediation") or record.remediation_action),
        exception=shown(_exception(record.exception_type, record.exception_message)),
        traceback=shown(record.traceback),
        args=shown(record.task_args),
        kwargs=shown(record.task_kwargs),
        message=_message_words(record),
        attempts=described,
        evidence=tuple(shown(item) for item in last.evidence) if last else (),
        policy=str(explain.get("policy") or ""),
    )


def _message_words(record: TaskFailureRecord) -> str:
    words = str(SOURCE_WORDS.get(record.message_source, record.message_source))
    if record.message_source == "none":
        return why_not_stored(record.properties, words).rstrip(".")
    if is_sealed(record.content_type):
        return _("sealed; a keeper opens it when it sends it again, and its arguments are not shown")
    return words


def _exception(kind: str, message: str) -> str:
    return f"{kind}: {message}" if message else kind


def _attempt(attempt: FailureAttempt, shown: Any) -> Attempt:
    decision = attempt.decision or {}
    explain = decision.get("explain") or {}
    return Attempt(
        number=attempt.attempt,
        outcome=attempt.outcome,
        ended_at=attempt.ended_at,
        failure_type=attempt.failure_type,
        confidence=attempt.confidence,
        exception=shown(_exception(attempt.exception_type, attempt.exception_message)),
        traceback=shown(attempt.traceback),
        decision=shown(str(decision.get("reason") or "")),
        backoff=str(explain.get("backoff") or ""),
        gate=str(explain.get("gate") or ""),
        policy=str(explain.get("policy") or ""),
        worker=attempt.worker_hostname,
        release=attempt.release,
        source=attempt.source,
        evidence=tuple(attempt.evidence or ()),
    )
