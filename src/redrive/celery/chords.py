"""The body of a chord that Celery gives up although no member failed.

The last member's process sends the body. When it cannot (the broker is away, or the members' results are), Celery
stores a failure for the body, which it never runs, and logs it. No task failed, so nothing else would tell.
"""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from celery.app.task import Context
from celery.exceptions import ChordError, TimeoutError

from redrive import runtime
from redrive.celery import endings, wrapper
from redrive.celery.capture import unsent_behind
from redrive.conf import get_mode
from redrive.options import Options
from redrive.payload import MessageSource, StoredMessage
from redrive.process import Role, process

logger = logging.getLogger("redrive")

_RESULTS_LOST = ("Join error", "Cannot restore group", "GroupResult ", "chord_unlock could not be retried")
"""How Celery begins its words where it could not read what the members returned."""
_NOT_SENT = "All members of its chord succeeded, and Celery could not send it."
_NOT_READ = "What the members of its chord returned could not be read, and Celery gave it up."


def watch_backend(backend: Any) -> None:
    """Record bodies that this class of result backends, or one below it, gives up. Once per process."""
    give_up = backend.chord_error_from_stack
    if not hasattr(give_up, "redrive_watches"):
        backend.chord_error_from_stack = _watched(give_up)


def _watched(give_up: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(give_up)
    def watched(self: Any, callback: Any, exc: Exception | None = None) -> Any:
        try:
            _record(self.app, callback, exc, sys.exc_info()[1] or exc)
        except Exception:
            logger.exception("redrive: the body of a chord that is given up could not be recorded")
        return give_up(self, callback, exc)

    watched.redrive_watches = True  # type: ignore[attr-defined]
    return watched


def _record(app: Any, callback: Any, told: BaseException | None, problem: BaseException | None) -> None:
    if problem is None or get_mode() == "off":
        return
    values = unsent = unsent_behind(problem)
    if values is None and (is_members_own(problem) or not str(told).startswith(_RESULTS_LOST)):
        return  # its own record stands for the chord
    if values is None:
        values = {"id": callback.id, "task": callback.task, "args": callback.args, "kwargs": callback.kwargs}
    name = str(values["task"])
    task = app.tasks.get(name)
    options = wrapper.options_of(task) if task is not None else runtime.pattern_options(name) or Options()
    ending = endings.failed(
        task or SimpleNamespace(name=name, serializer=app.conf.task_serializer, app=app),
        Context(dict(values)),
        problem,
        options,
        source="chord",
    )
    if unsent is None:
        # Without the members' results there is nothing to send: whoever knows them gives them by hand.
        ending = replace(ending, message=StoredMessage(source=MessageSource.NONE))
        ending = endings.final(ending, "")
    if (proposal := ending.proposal) is not None:
        why = _NOT_SENT if unsent is not None else _NOT_READ
        ending = replace(ending, proposal=replace(proposal, reason=f"{why} {proposal.reason}".strip()))
    ending = endings.dead(ending)  # Celery calls the body's errbacks now
    recorder = runtime.recorder()
    # The main process, which fails a member whose child is gone, must not wait for a database.
    (recorder.spill_or_keep if process.role is Role.MAIN else recorder.record)(ending)


def is_members_own(problem: BaseException) -> bool:
    """Whether this is what a member failed with, raised again where its result was read."""
    if isinstance(problem, ChordError):
        return True
    step = problem.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    where = step.tb_frame.f_globals.get("__name__") if step is not None else ""
    return where == "celery.result" and not isinstance(problem, TimeoutError)
