"""What fails after a task's body has run to the end: its ``on_success`` and ``after_return``.

Celery logs such an error and keeps the task's success. Here it leaves a record as well, and the body is never run again
by itself.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from celery.app.task import Task
from celery.utils.objects import mro_lookup

from redrive import runtime
from redrive.celery import endings, wrapper
from redrive.celery.capture import header_of
from redrive.conf import get_mode
from redrive.dead_letters import Proposal

logger = logging.getLogger("redrive")

HOOKS = ("on_success", "after_return")


def watch(task: Any) -> None:
    """Record what the task's own hooks raise. Tasks without hooks of their own stay as they are."""
    for name in HOOKS:
        if mro_lookup(type(task), name, stop={Task, object}, monkey_patched=[Task.__module__]) is not None:
            setattr(task, name, _watched(task, name, getattr(task, name)))


def _watched(task: Any, name: str, hook: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(hook)
    def watched(*args: Any, **kwargs: Any) -> Any:
        try:
            return hook(*args, **kwargs)
        except Exception as exc:
            _record(task, name, exc)
            raise

    return watched


def _record(task: Any, name: str, exc: Exception) -> None:
    """One record, if the attempt has none yet. Never raises."""
    try:
        request = task.request
        if request.is_eager or getattr(request, "redrive_recorded", False):
            return
        if get_mode() == "off" and header_of(request) is None:
            return
        ending = endings.failed(task, request, exc, wrapper.options_of(task), source="hook")
        why = f"Its body had run to the end and its success is stored; {name} failed after it."
        proposal = ending.proposal or Proposal(retry=False)
        final = replace(proposal, retry=False, delay_seconds=0.0, reason=why)
        request.redrive_recorded = (
            runtime.recorder().record(replace(ending, proposal=final)).where != "nowhere"
        )
    except Exception:
        logger.exception("redrive: a failed %s of %s could not be recorded", name, task.name)
