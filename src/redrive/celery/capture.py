"""Read a running task's message and circumstances, on failure only."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kombu import serialization
from kombu.utils.json import dumps as json_dumps
from kombu.utils.json import loads as json_loads

from redrive.payload import MessageSource, StoredMessage, read_body, readable

HEADER = "redrive"
"""Message header of what Redrive sent: ``{"version": 1, "attempt": n, "first_seen": ISO time}``."""

_ADDED_BY_CELERY = frozenset(
    {
        "properties", "reply_to", "correlation_id", "hostname", "delivery_info", "args", "kwargs", "is_eager",
        "callbacks", "errbacks", "chain", "chord", "called_directly", "time_limit", "soft_time_limit", "headers",
        "utc", "expires_at", "compression",
    }
)  # fmt: skip
"""Keys of a request that were not headers of the message, or do not hold for the body as we have it: that one is
decompressed."""
_KEPT_PROPERTIES = (
    "correlation_id",
    "reply_to",
    "delivery_mode",
    "content_type",
    "content_encoding",
    "expiration",
)
DELAYED_DELIVERY = "celery_delayed"
"""Start of the exchange names of Celery's native delayed delivery."""
DELAY_BITS = 28
"""Number of ``0.`` and ``1.`` that it puts before a routing key."""
_TRACERS = frozenset({"fast_trace_task", "trace_task_ret"})


@dataclass(frozen=True, slots=True)
class Wire:
    """The bytes of a message as they came in."""

    body: bytes | str
    content_type: str
    content_encoding: str
    request: Mapping[str, Any]


def wire_from_child(task_id: str) -> Wire | None:
    """The message of the task that runs in this thread, from the frame of Celery's tracer."""
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name in _TRACERS and frame.f_globals.get("__name__") == "celery.app.trace":
            values = frame.f_locals
            if values.get("uuid") == task_id and values.get("content_type"):
                return Wire(
                    values["body"],
                    values["content_type"],
                    values["content_encoding"] or "",
                    values["request"],
                )
            return None
        frame = frame.f_back  # type: ignore[assignment]  # ends with None
    return None


def request_from_main(task_id: str) -> Any:
    """The worker's ``Request`` of a task, from the frame that sends the signal (main process only); None if absent."""
    frame = sys._getframe(1)
    while frame is not None:
        candidate = frame.f_locals.get("self")
        if getattr(candidate, "id", None) == task_id and hasattr(candidate, "request_dict"):
            return candidate
        frame = frame.f_back  # type: ignore[assignment]  # ends with None
    return None


def failure_behind(exc: BaseException) -> BaseException:
    """The exception that a task failed with, where its ``on_failure`` has raised exc in its place; else exc."""
    step = exc.__traceback__
    while step is not None:
        frame = step.tb_frame
        if frame.f_code.co_name == "handle_failure" and frame.f_globals.get("__name__") == "celery.app.trace":
            real = frame.f_locals.get("orig_exc")
            return real if isinstance(real, BaseException) else exc
        step = step.tb_next
    return exc


def unsent_behind(exc: BaseException) -> Mapping[str, Any] | None:
    """The message whose publishing raised exc, in the form of a request; None if exc is of something else."""
    step = exc.__traceback__
    while step is not None:
        frame = step.tb_frame
        if (
            frame.f_code.co_name == "send_task_message"
            and frame.f_globals.get("__name__") == "celery.app.amqp"
        ):
            values = frame.f_locals
            body = values.get("body")
            if not isinstance(body, tuple) or len(body) != 3:  # protocol 1
                return None
            args, kwargs, embed = body
            delivery = {name: values.get(name) for name in ("exchange", "routing_key")}
            properties = values.get("properties") or {}
            return {
                **(values.get("headers2") or {}),
                **embed,
                "args": args,
                "kwargs": kwargs,
                "properties": properties,
                "correlation_id": properties.get("correlation_id"),
                "delivery_info": {**delivery, "priority": properties.get("priority")},
            }
        step = step.tb_next
    return None


def _json_safe(value: Any) -> Any:
    """A copy of value that survives JSON, with Celery's own encoding of dates and UUIDs."""
    try:
        return json_loads(json_dumps(value))
    except (TypeError, ValueError):
        return str(value)


def _headers(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(key): _plain(value)
        for key, value in request.items()
        if key not in _ADDED_BY_CELERY
        and not str(key).startswith("_")
        and not str(key).startswith("redrive_")
    }


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else _json_safe(value)


def _delivery(request: Mapping[str, Any]) -> Mapping[str, Any]:
    info = request.get("delivery_info")
    return info if isinstance(info, Mapping) else {}


def _route(info: Mapping[str, Any]) -> tuple[str, str]:
    """Exchange and routing key as the sender gave them, without what Celery's native delayed delivery put on top."""
    exchange, routing_key = str(info.get("exchange") or ""), str(info.get("routing_key") or "")
    if exchange.startswith(DELAYED_DELIVERY):
        return "", ".".join(routing_key.split(".")[DELAY_BITS:])
    return exchange, routing_key


def build_message(wire: Wire | None, request: Mapping[str, Any], serializer: str) -> StoredMessage:
    """The stored form of a message: its bytes if they could be had, else encoded again from the request."""
    info = _delivery(wire.request if wire is not None else request)
    properties = request.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    kept = {name: _plain(properties[name]) for name in _KEPT_PROPERTIES if properties.get(name) is not None}
    exchange, routing_key = _route(info)
    routing: dict[str, Any] = {
        "exchange": exchange,
        "routing_key": routing_key,
        "priority": info.get("priority"),
    }
    if wire is not None:
        body = wire.body.encode() if isinstance(wire.body, str) else bytes(wire.body)
        return StoredMessage(
            body=body,
            content_type=wire.content_type,
            content_encoding=wire.content_encoding,
            headers=_headers(wire.request),
            properties=kept,
            source=MessageSource.RAW,
            **routing,
        )
    embed = {name: request.get(name) for name in ("callbacks", "errbacks", "chain", "chord")}
    try:
        content_type, content_encoding, encoded = serialization.dumps(
            [request.get("args") or (), request.get("kwargs") or {}, embed], serializer
        )
    except Exception:
        # Arguments mutated into something that cannot be encoded: there is no message to send again.
        return StoredMessage(headers=_headers(request), properties=kept, source=MessageSource.NONE, **routing)
    return StoredMessage(
        body=encoded.encode() if isinstance(encoded, str) else bytes(encoded),
        content_type=content_type,
        content_encoding=content_encoding,
        headers=_headers(request),
        properties=kept,
        source=MessageSource.REBUILT,
        **routing,
    )


def shown_arguments(message: StoredMessage, request: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments for people: decoded from the message where that is JSON (the task may have changed its own)."""
    return read_body(message.body, message.content_type) or readable(
        request.get("args") or (), request.get("kwargs") or {}
    )


def header_of(request: Any) -> Mapping[str, Any] | None:
    """Our header of a request, or None. ``request`` is a Celery context."""
    header = getattr(request, HEADER, None)
    return header if isinstance(header, Mapping) and isinstance(header.get("attempt"), int) else None


def attempt_of(request: Any) -> int:
    """The number of the attempt a message is for; 1 is the first run."""
    retries = int(getattr(request, "retries", 0) or 0)
    header = header_of(request)
    if header is None:
        return retries + 1
    # Celery's own retries copy our header: what they count beyond it are attempts as well.
    sent_with = header.get("retries")
    return int(header["attempt"]) + (max(0, retries - sent_with) if isinstance(sent_with, int) else 0)


def first_seen_of(request: Any, now: datetime) -> datetime:
    """When this round of retries began; now for a first run or a header that cannot be read."""
    header = header_of(request)
    try:
        return datetime.fromisoformat(str(header["first_seen"])).astimezone(UTC) if header else now
    except (KeyError, ValueError):
        return now


def is_redelivered(request: Any) -> bool:
    """Whether the broker says that it delivered this message before."""
    info = getattr(request, "delivery_info", None)
    return bool(isinstance(info, Mapping) and info.get("redelivered"))


def queue_of(message: StoredMessage) -> str:
    """The queue a message was sent to, as far as it tells: on the default exchange, its routing key."""
    return message.routing_key


def expires_of(request: Any) -> datetime | None:
    """When the message expires, or None."""
    value = getattr(request, "expires", None)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    if not isinstance(moment, datetime):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
