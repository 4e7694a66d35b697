"""Make :class:`~redrive.dead_letters.Ending` of what Celery knows about a task."""

from __future__ import annotations

import importlib
import logging
import os
import traceback as tracebacks
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from kombu import serialization

from redrive.celery.capture import (
    HEADER,
    Wire,
    attempt_of,
    build_message,
    expires_of,
    first_seen_of,
    header_of,
    queue_of,
    shown_arguments,
    wire_from_child,
)
from redrive.conf import get_settings
from redrive.dead_letters import Ending, Outcome, Proposal
from redrive.options import Options
from redrive.payload import within, without_errbacks
from redrive.process import process
from redrive.runtime import clock, conclude
from redrive.taxonomy import ExceptionFacts, extract

logger = logging.getLogger("redrive")

RELEASE_VARIABLES = ("REDRIVE_RELEASE", "SENTRY_RELEASE", "GIT_COMMIT", "HEROKU_SLUG_COMMIT")
"""Environment variables that may say which release of the project runs here; the first one set counts."""
MAX_TRACEBACK = 50_000


def release() -> str:
    """The release of the project that runs here, or an empty string."""
    return next((value for name in RELEASE_VARIABLES if (value := os.environ.get(name))), "")


def format_traceback(exc: BaseException) -> str:
    """The traceback as text, bounded; never raises."""
    try:
        text = "".join(tracebacks.format_exception(exc))
    except Exception as broken:
        # An exception whose __str__ raises cannot be formatted.
        text = f"{type(exc).__name__} (its traceback could not be formatted: {type(broken).__name__})"
    if len(text) > MAX_TRACEBACK:
        text = f"{text[: MAX_TRACEBACK // 2]}\n… cut …\n{text[-MAX_TRACEBACK // 2 :]}"
    return text


def business_unit_of(task_name: str, args: list[Any], kwargs: Mapping[str, Any]) -> str:
    """The tenant a task works for, as ``BUSINESS_UNIT`` tells; empty if it cannot be told."""
    source = get_settings().business_unit
    try:
        if isinstance(source, str) and "." in source:
            module, _, name = source.rpartition(".")
            source = getattr(importlib.import_module(module), name)
        value = source(task_name, args, kwargs) if callable(source) else kwargs.get(str(source), "")
    except Exception:
        # The project's own function may fail on arguments it did not expect; the failure is recorded without a tenant.
        logger.exception("redrive: REDRIVE['BUSINESS_UNIT'] failed for %s", task_name)
        return ""
    return "" if value is None else str(value)


def begin(task: Any, request: Any, outcome: Outcome, source: str, *, wire: Wire | None = None) -> Ending:
    """An ending with everything about the task and its message, and nothing yet about why.

    Args:
        task: The Celery task.
        request: Its context (``task.request``).
        outcome: How it ended.
        source: Who saw it (``wrapper``, ``task_failure``, ...).
        wire: The message's bytes where the caller has them; else they are looked for in the tracer's frame.
    """
    values = request.__dict__
    wire = wire or wire_from_child(request.id)
    message = build_message(wire, values, task.serializer or "json")
    args, kwargs = shown_arguments(message, values)
    message = within(message, get_settings().payload.max_bytes)
    now = clock.now()
    first_seen = first_seen_of(request, now)
    headers = {
        **message.headers,
        HEADER: {**(header_of(request) or {}), "first_seen": first_seen.isoformat()},
    }
    return Ending(
        outcome=outcome,
        task_id=request.id,
        task_name=task.name,
        attempt=attempt_of(request),
        ended_at=now,
        source=source,
        app_name=task.app.main or "",
        worker=process.hostname or str(request.hostname or ""),
        queue=queue_of(message),
        business_unit=business_unit_of(task.name, args, kwargs),
        correlation_id=str(values.get("correlation_id") or request.id),
        release=release(),
        args=args,
        kwargs=kwargs,
        message=replace(message, headers=headers),
        context={"retries": int(values.get("retries") or 0)},
        started=header_of(request) is not None,
        delivery=int(getattr(request, "redrive_deliveries", 0)),
    )


def failed(
    task: Any,
    request: Any,
    exc: BaseException,
    options: Options,
    *,
    source: str,
    wire: Wire | None = None,
    context: Mapping[str, Any] | None = None,
) -> Ending:
    """The ending of an attempt that raised exc, decided; ``context`` is what else is known by then."""
    ending = begin(task, request, Outcome.FAILED, source, wire=wire)
    ending = replace(ending, traceback=format_traceback(exc), context={**ending.context, **(context or {})})
    facts = extract(exc)
    try:
        return conclude(
            ending,
            options=options,
            facts=facts,
            round_began_at=first_seen_of(request, ending.ended_at),
            expires_at=expires_of(request),
        )
    except Exception as broken:
        # Whatever is wrong with us, what failed must be kept, for a person to decide.
        logger.exception("redrive: could not decide about %s[%s]", task.name, request.id)
        return replace(
            ending,
            options=options.to_dict(),
            exception_type=facts.exception_type,
            exception_message=facts.message,
            proposal=Proposal(
                retry=False, reason=f"Redrive could not decide: {type(broken).__name__}: {broken}"
            ),
        )


def undecided(
    task: Any,
    request: Any,
    facts: ExceptionFacts,
    options: Options,
    *,
    source: str,
    wire: Wire | None,
    text: str,
) -> Ending:
    """The ending of an attempt seen from the main process: a keeper will decide."""
    ending = begin(task, request, Outcome.FAILED, source, wire=wire)
    return replace(
        ending,
        facts=facts.to_dict(),
        exception_type=facts.exception_type,
        exception_message=facts.message,
        traceback=text[:MAX_TRACEBACK],
        options=options.to_dict(),
    )


def encode(body: Any, serializer: str) -> tuple[str, str, bytes]:
    """Content type, encoding and bytes of a message's body."""
    content_type, content_encoding, data = serialization.dumps(body, serializer)
    return content_type, content_encoding, data.encode() if isinstance(data, str) else bytes(data)


def final(ending: Ending, why: str) -> Ending:
    """The ending without a retry where one was proposed; only a person may send the task again."""
    proposal = ending.proposal
    if proposal is None or not proposal.retry:
        return ending
    reason = f"{proposal.reason} {why}".strip()
    return replace(ending, proposal=replace(proposal, retry=False, delay_seconds=0.0, reason=reason))


def dead(ending: Ending) -> Ending:
    """The ending of a task that will not run again by itself: its errbacks fire now, so they are taken out."""
    return ending if ending.message is None else replace(ending, message=without_errbacks(ending.message))


def succeeded(task: Any, request: Any, at: datetime) -> Ending:
    """The ending of an attempt that went well, for a task that has a record. Carries no message."""
    return Ending(
        outcome=Outcome.SUCCEEDED,
        task_id=request.id,
        task_name=task.name,
        attempt=attempt_of(request),
        ended_at=at,
        source="postrun",
        worker=process.hostname or str(request.hostname or ""),
        release=release(),
        started=header_of(request) is not None,
    )
