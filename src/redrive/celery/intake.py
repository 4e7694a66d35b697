"""Messages that never become a run: unknown tasks, malformed and undecodable messages.

Celery drops most of them with a log line, and two kinds stop a worker for good: one without an id, and one whose body
is not a triple. Here each leaves a line in the spill, written by whichever process consumes messages.
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from celery import bootsteps
from celery.exceptions import InvalidTaskError, NotRegistered

from redrive import runtime
from redrive.celery import endings
from redrive.celery.capture import Wire, build_message, shown_arguments
from redrive.conf import get_mode, get_settings
from redrive.dead_letters import Ending, Outcome
from redrive.payload import within
from redrive.process import process
from redrive.taxonomy import extract

logger = logging.getLogger("redrive")

UNNAMED = "(no task name)"


def ending_of(message: Any, exc: BaseException, source: str) -> Ending:
    """The ending of a message that no task took. It has a new id if it brought none, and is undecided."""
    headers: Mapping[str, Any] = message.headers if isinstance(message.headers, Mapping) else {}
    values = {**headers, "properties": message.properties or {}, "delivery_info": _delivery_info(message)}
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body or b"")
    wire = Wire(body, message.content_type or "", message.content_encoding or "", values)
    stored = build_message(wire, values, "json")
    args, kwargs = shown_arguments(stored, values)
    stored = within(stored, get_settings().payload.max_bytes)
    facts = extract(exc)
    return Ending(
        outcome=Outcome.FAILED,
        task_id=str(headers.get("id") or uuid.uuid4()),
        task_name=str(headers.get("task") or UNNAMED),
        attempt=1,
        ended_at=runtime.clock.now(),
        source=source,
        worker=process.hostname,
        queue=stored.routing_key,
        release=endings.release(),
        args=args,
        kwargs=kwargs,
        message=stored,
        facts=facts.to_dict(),
        exception_type=facts.exception_type,
        exception_message=facts.message,
        traceback=endings.format_traceback(exc),
    )


def _delivery_info(message: Any) -> dict[str, Any]:
    info = message.delivery_info or {}
    priority = (message.properties or {}).get("priority")
    return {"exchange": info.get("exchange"), "routing_key": info.get("routing_key"), "priority": priority}


def spill(message: Any, exc: BaseException, source: str) -> None:
    """Keep a message that no task took. Never raises."""
    try:
        if get_mode() != "off":
            runtime.recorder().spill_or_keep(ending_of(message, exc, source))
    except Exception:
        logger.exception("redrive: a message that no task took could not be kept")


def on_task_unknown(*, message: Any, exc: BaseException, name: str, **_: Any) -> None:
    """A message for a task that this worker does not know."""
    spill(message, NotRegistered(name), "task_unknown")


def on_task_rejected(*, message: Any, exc: BaseException | None, **_: Any) -> None:
    """A message that Celery cannot read as a task: its content type, its ETA, its format."""
    spill(message, exc or InvalidTaskError("the message has no format that Celery knows"), "task_rejected")


class IntakeStep(bootsteps.Step):
    """Watches what the consumer cannot make a task of. Put into the consumer's blueprint of every worker."""

    label = "redrive-intake"

    def __init__(self, c: Any, **kwargs: Any) -> None:
        super().__init__(c, **kwargs)
        c.on_decode_error = _keeping_undecodable(c.on_decode_error)
        c.create_task_handler = _guarding(c.create_task_handler)


def _keeping_undecodable(on_decode_error: Callable[..., None]) -> Callable[..., None]:
    """Celery logs such a message and acknowledges it: the only signal there is."""

    @functools.wraps(on_decode_error)
    def kept(message: Any, exc: Exception) -> None:
        spill(message, exc, "decode_error")
        on_decode_error(message, exc)

    return kept


def _guarding(create_task_handler: Callable[..., Any]) -> Callable[..., Any]:
    """Keep and acknowledge messages that would stop the worker, and every worker after it."""

    @functools.wraps(create_task_handler)
    def create(*args: Any, **kwargs: Any) -> Any:
        handler = create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> Any:
            fault = fault_of(message) if get_mode() == "on" else None
            if fault is None:
                return handler(message)
            logger.error("redrive: a message that would stop the worker is set aside: %s", fault)
            spill(message, InvalidTaskError(fault), "guard")
            return message.ack_log_error(logger, ())

        return on_task_received

    return create


def fault_of(message: Any) -> str | None:
    """Why a protocol-2 message would stop the worker that handles it, or None.

    The decoded body is cached by the message, so Celery does not decode it again.
    """
    headers = message.headers
    if not isinstance(headers, Mapping) or "task" not in headers:
        return None
    if "id" not in headers:
        return "the message has no id"
    try:
        payload = message.payload
    except Exception:
        # Celery has an answer of its own to what cannot be decoded.
        return None
    if not isinstance(payload, list | tuple) or len(payload) != 3:
        return "the body is not a list of arguments, keyword arguments and options"
    return None
