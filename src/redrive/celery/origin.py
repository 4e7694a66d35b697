"""What published a task: a header that the publisher adds, read where calls of idempotent tasks are counted.

``view:<view name>`` in a web request, ``task:<task name>`` in a running task, ``beat:<entry>`` in beat; other programs
add nothing. A message's own ``redrive_origin`` header is left alone, so a project may name its endpoints itself:
``apply_async(headers={"redrive_origin": "import:csv"})``. Only tasks that are idempotent, or unknown to the publisher,
get the header. A header is not proof: anybody may write one, so it is used for counting only.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

from celery import _state, current_app
from django.http import HttpRequest

from redrive import runtime
from redrive.celery.capture import header_of, is_redelivered
from redrive.metrics.duplicates import CHECK, ELSEWHERE, HIT, endpoint_of, label_of

HEADER = "redrive_origin"
"""Message header: what published it."""
_DJANGO_CELERY_BEAT = "periodic_task_name"
"""Header that django-celery-beat adds, for messages of a beat that runs without Redrive."""
_CELERY_BEAT = "celery_beat_task"
"""Header that Celery's own beat adds; it does not say which entry."""
REDELIVERY = "redelivery"
"""The endpoint of a duplicate that the broker made by delivering a message again: whoever published it did so once."""
MOST_ENDPOINTS = 500
"""Endpoints that a process tells apart; what comes later is ``elsewhere``, so that made-up headers fill no table."""


_entry: ContextVar[str] = ContextVar("redrive_beat_entry", default="")
_seen: set[str] = set()


def watch_beat(scheduler: Any) -> None:
    """Let publishing know the entry that beat sends just now, whatever scheduler it uses."""
    send = scheduler.apply_async

    @functools.wraps(send)
    def apply_async(entry: Any, *args: Any, **kwargs: Any) -> Any:
        token = _entry.set(str(getattr(entry, "name", "")))
        try:
            return send(entry, *args, **kwargs)
        finally:
            _entry.reset(token)

    scheduler.apply_async = apply_async


def stamp(task_name: str, headers: MutableMapping[str, Any]) -> None:
    """Write into a message that is being published what publishes it."""
    task = current_app.tasks.get(task_name)
    if HEADER in headers or (task is not None and not getattr(task, "idempotency_enabled", False)):
        return
    origin = _publisher()
    if origin != ELSEWHERE:
        headers[HEADER] = endpoint_of(origin)


def _publisher() -> str:
    if (running := _state.get_current_task()) is not None:
        return f"task:{running.name}"
    if entry := _entry.get():
        return f"beat:{entry}"
    view = _view()
    return f"view:{view}" if view else ELSEWHERE


def _view() -> str:
    """The name of the view that handles a web request on this stack, or an empty string.

    Read from the frames: a context variable set by Django's signals does not reach a view under ASGI, and a middleware
    would have to be installed. Any function that has the request as ``request`` will do.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if "request" in frame.f_code.co_varnames:
            request = frame.f_locals.get("request")
            if isinstance(request, HttpRequest) and request.resolver_match is not None:
                return request.resolver_match.view_name
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop
    return ""


def count(task_name: str, request: Any, scope: str, *, duplicate: bool) -> None:
    """Count that a call was looked up, and that it was a duplicate, in memory.

    Looks at the same call again are not counted: retries, what Redrive has sent, and a message that the broker brings
    once more and that may run.
    """
    again = is_redelivered(request)
    if header_of(request) is not None or request.retries or (again and not duplicate):
        return
    label = label_of(scope, REDELIVERY if again else origin_of(request))
    now = runtime.clock.now()
    runtime.counters.add(now, CHECK, task_name, label)
    if duplicate:
        runtime.counters.add(now, HIT, task_name, label)


def origin_of(request: Any) -> str:
    """What published the running message, as its headers say."""
    name = getattr(request, _DJANGO_CELERY_BEAT, None)
    beat = "beat" if getattr(request, _CELERY_BEAT, None) else None
    parent = "task" if getattr(request, "parent_id", None) else None
    own = getattr(request, HEADER, None)
    endpoint = endpoint_of(own or (f"beat:{name}" if name else None) or beat or parent)
    if endpoint not in _seen:
        if len(_seen) >= MOST_ENDPOINTS:
            return ELSEWHERE
        _seen.add(endpoint)
    return endpoint
