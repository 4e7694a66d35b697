"""Receivers of Celery's signals: record what the wrapper cannot see, count what happens.

A receiver never raises and never waits: in the main process of a prefork worker it appends one line to the spill. With
our stores away nothing changes for the host.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import concurrency, signals
from celery.app.task import Context
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from redrive import runtime
from redrive.celery import chords, endings, flusher, hooks, intake, origin, wrapper
from redrive.celery.capture import Wire, attempt_of, failure_behind, header_of, request_from_main
from redrive.celery.oom import OomWatch, is_signal_9, words_on_lost_child
from redrive.conf import get_mode, get_settings
from redrive.dead_letters import Ending, Outcome, Proposal
from redrive.process import Role, process
from redrive.stores.sql import starting
from redrive.stores.sql.tables import REVOKED
from redrive.taxonomy import FailureType, extract

logger = logging.getLogger("redrive")

EXECUTION = "execution"
"""Kind of the counters of finished runs; labels are the values of :data:`_LABELS`, ``replayed``, ``skipped`` and
``dropped``."""

_LABELS = {
    "SUCCESS": "success",
    "FAILURE": "failure",
    "RETRY": "retry",
    "REJECTED": "rejected",
    "IGNORED": "ignored",
    None: "crashed",
}


_oom = OomWatch()


def _safely(receiver: Callable[..., None]) -> Callable[..., None]:
    """The receiver, silent in ``off`` mode (but for what Redrive has sent) and never raising."""

    @functools.wraps(receiver)
    def guarded(**kwargs: Any) -> None:
        try:
            if get_mode() != "off" or header_of(kwargs["sender"].request) is not None:
                receiver(**kwargs)
        except Exception:
            logger.exception("redrive: %s failed", receiver.__name__)

    return guarded


def connect() -> None:
    """Connect every receiver, once per process. Children inherit them over the fork."""
    for signal, receiver in _RECEIVERS:
        signal.connect(receiver, weak=False, dispatch_uid=f"redrive.{receiver.__name__}")


def on_worker_init(*, sender: Any, **_: Any) -> None:
    """In a worker's main process, before it forks: wrap tasks with other base classes, start the keeper with it."""
    try:
        from celery.backends.base import Backend
        from celery.concurrency.prefork import TaskPool
        from celery.worker.request import Request

        from redrive.celery.steps import KeeperStep

        pool = concurrency.get_implementation(sender.pool_cls)
        process.become_worker(sender.hostname, prefork=issubclass(pool, TaskPool))
        if process.role is Role.MAIN:
            watch_requests(Request)
        chords.watch_backend(Backend)
        if get_mode() == "on" and get_settings().broker_take == "atomic":
            _take_in_one_step()
        _oom.begin()
        sender.app.finalize(auto=True)
        for task in sender.app.tasks.values():
            if not task.name.startswith("celery."):
                wrapper.wrap_instance(task, guard_only=runtime.pattern_options(task.name) is None)
                hooks.watch(task)
        sender.app.steps["worker"].add(KeeperStep)
        sender.app.steps["consumer"].add(intake.IntakeStep)
    except Exception:
        logger.exception("redrive: the worker starts without redrive")


def _take_in_one_step() -> None:
    try:
        from redrive.broker import redis_transport
    except ImportError:
        return  # without redis-py no broker of this worker is a Redis
    redis_transport.use_in_this_process()


def on_before_task_publish(*, sender: Any, headers: Any = None, **_: Any) -> None:
    """Wherever a task is published: note in its message what publishes it."""
    try:
        if headers is not None and get_mode() != "off":
            origin.stamp(str(sender), headers)
    except Exception:
        logger.exception("redrive: %s is published without saying by what", sender)


def on_beat_init(*, sender: Any, **_: Any) -> None:
    """In beat, before it sends anything."""
    try:
        origin.watch_beat(sender.scheduler)
    except Exception:
        logger.exception("redrive: beat sends without saying which entry")


def on_worker_process_init(**_: Any) -> None:
    """In a new pool child: forget what belongs to the parent."""
    process.become_child()
    runtime.counters.clear()


def on_worker_process_shutdown(**_: Any) -> None:
    """In a pool child that ends (``max_tasks_per_child``, warm shutdown): hand its counters on."""
    flusher.flush()


@_safely
def on_task_postrun(*, task: Any, state: str | None, retval: Any = None, **_: Any) -> None:
    """After every run: count it; close the record of a task that succeeded after all; record what else left."""
    request = task.request
    if request.is_eager:
        return
    label = _LABELS.get(state, str(state).lower())
    if (answered := getattr(request, "redrive_answered", None)) is not None and state == "SUCCESS":
        label = answered.label
    if getattr(request, "redrive_dropped", False):
        label = "dropped"
    now = runtime.clock.now()
    runtime.counters.add(now, EXECUTION, task.name, label, getattr(request, "redrive_seconds", None))
    flusher.flusher.touch()
    if getattr(request, "redrive_dropped", False) or getattr(request, "redrive_recorded", False):
        return
    if state == "SUCCESS":
        _finished.task_id = request.id
    if state in ("SUCCESS", "IGNORED"):
        if sys.exc_info()[1] is not None:
            return  # its result could not be stored: on_task_internal_error, which comes next, records that
        if getattr(request, "redrive_noted", False) or header_of(request) is not None or request.retries:
            _close(task, request, helped=state == "SUCCESS")
    elif state == "REJECTED":
        _after_reject(task, request, retval)
    elif state is None and process.role is not Role.CHILD:
        # It left by a BaseException, and no main process will hear of it.
        _record_final(task, request, sys.exc_info()[1] or RuntimeError("the task left without an exception"))


@_safely
def on_task_internal_error(
    *, sender: Any, task_id: str, args: Any, kwargs: Any, request: Any, exception: BaseException, **_: Any
) -> None:
    """Something around the body went wrong: a message that cannot be run, or a result that could not be stored.

    A finished body whose result is lost is kept as that, and never runs again by itself.
    """
    values = {**(request or {}), "args": args, "kwargs": kwargs}
    context = Context(values, called_directly=False)
    if context.id is None:
        context.id = task_id
    why = ""
    if getattr(_finished, "task_id", None) == task_id:
        why = "Its body had run to the end; only its result is lost."
    real = failure_behind(exception)
    if real is not exception:
        why = f"Its on_failure raised {type(exception).__name__} instead of noting it."
    ending = endings.failed(sender, context, real, wrapper.options_of(sender), source="internal_error")
    ending = endings.final(ending, why)
    if why and ending.proposal is not None:
        ending = replace(ending, proposal=replace(ending.proposal, reason=why))
    runtime.recorder().record(endings.dead(ending))


_finished = threading.local()
"""The last task of this thread whose body went well."""


def _after_reject(task: Any, request: Any, reject: Any) -> None:
    """A message that goes back to its queue will run again; any other reject is an ending."""
    if getattr(reject, "requeue", False) and task.acks_late:
        if header_of(request) is not None or getattr(request, "redrive_noted", False):
            number = attempt_of(request)
            runtime.database().run(lambda cursor: starting.unmark_started(cursor, request.id, number))
        return
    why = "Celery had acknowledged the message before it ran, so it could not go back to its queue."
    _record_final(task, request, reject, why if getattr(reject, "requeue", False) else "")


def _record_final(task: Any, request: Any, exc: BaseException, why: str = "") -> None:
    """Record an ending that nobody may retry but a person."""
    ending = endings.failed(task, request, exc, wrapper.options_of(task), source="postrun")
    ending = endings.final(ending, why)
    if why and ending.proposal is not None:
        ending = replace(ending, proposal=replace(ending.proposal, reason=why))
    runtime.recorder().record(endings.dead(ending))
    request.redrive_recorded = True


def _close(task: Any, request: Any, *, helped: bool) -> None:
    """Resolve the task's record, and count its retry as one that helped. A task may end itself with Ignore."""
    ending = endings.succeeded(task, request, runtime.clock.now())
    if (answered := getattr(request, "redrive_answered", None)) is not None:
        ending = replace(ending, proposal=Proposal(retry=False, reason=f"It did not run. {answered.why}"))
    runtime.recorder().record(ending)
    header = header_of(request) or {}
    kind = str(header.get("failure_type"))
    if helped and kind in FailureType.__members__ and attempt_of(request) > 1:
        retry = attempt_of(request) - 1
        runtime.retry_engine.record_retry_attempt(task.name, kind, success=True, retry=retry)


@_safely
def on_task_failure(*, sender: Any, task_id: str, exception: BaseException, **kwargs: Any) -> None:
    """A failure that the wrapper did not record: other base classes, lost children, hard time limits, rejects."""
    request = sender.request
    if process.role is Role.MAIN or request.id != task_id:
        _spill_from_main(sender, task_id, exception, str(kwargs.get("traceback") or ""))
        return
    if getattr(request, "redrive_recorded", False):
        return
    # The signal's exception may be a stand-in that could be pickled; the real one is still being handled.
    real = sys.exc_info()[1] or exception
    ending = endings.failed(sender, request, real, wrapper.options_of(sender), source="task_failure")
    final = endings.final(ending, "It had failed for good before Redrive could decide: retry by hand.")
    if getattr(request, "redrive_finished", False) and final.proposal is not None:
        reason = f"Its body had run to the end; this failed after it. {final.proposal.reason}"
        final = replace(final, proposal=replace(final.proposal, reason=reason))
    runtime.recorder().record(endings.dead(final), eager=bool(request.is_eager))
    request.redrive_recorded = True


def _told_anyway(
    method: Callable[..., Any], exception_of: Callable[..., BaseException]
) -> Callable[..., Any]:
    """A method of Celery's ``Request`` that stores a result and then sends a signal, recording if it gets to neither.

    With the result backend away it acknowledges the message of a lost child, and tells nobody.
    """

    @functools.wraps(method)
    def told(request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(request, *args, **kwargs)
        except Exception:
            exception = exception_of(*args, **kwargs)
            if isinstance(exception, LOST) and get_mode() != "off":
                try:
                    _spill_from_main(request.task, request.id, exception, "", found=request)
                except Exception:
                    logger.exception("redrive: the loss of %s could not be recorded", request.id)
            raise

    return told


LOST = (WorkerLostError, SystemExit, KeyboardInterrupt, TimeLimitExceeded)
"""What the main process makes of a child that is gone."""


def watch_requests(request_class: Any) -> None:
    """Hear of lost children and hard time limits even where their result cannot be stored."""
    # What billiard itself reports wraps the exception together with its traceback.
    request_class.on_failure = _told_anyway(
        request_class.on_failure, lambda info, *_, **__: getattr(info.exception, "exc", info.exception)
    )
    request_class.on_timeout = _told_anyway(
        request_class.on_timeout,
        lambda soft, timeout: SoftTimeLimitExceeded() if soft else TimeLimitExceeded(timeout),
    )
    if (
        was_stored := getattr(request_class, "_success_was_stored", None)
    ) is not None:  # Celery 5.7 and newer
        request_class._success_was_stored = _kept_for_chord(was_stored)


def _kept_for_chord(was_stored: Callable[..., Any]) -> Callable[..., Any]:
    """Celery's question whether a lost child had stored a success. If it had, its chord may not have heard of it."""

    @functools.wraps(was_stored)
    def asked(request: Any) -> Any:
        answer = was_stored(request)
        try:
            if answer and request.chord and get_mode() != "off":
                context, wire = _read_request(request)
                ending = endings.begin(request.task, context, Outcome.SUCCEEDED, "main", wire=wire)
                runtime.recorder().spill_or_keep(ending)
        except Exception:
            logger.exception("redrive: the chord of %s may not hear of its success", request.id)
        return answer

    return asked


def _spill_from_main(
    task: Any, task_id: str, exception: BaseException, text: str, *, found: Any = None
) -> None:
    """One line in the spill; a keeper classifies and decides. Errbacks have fired by now and are taken out."""
    if isinstance(exception, TimeLimitExceeded) and task.acks_late and not task.acks_on_timeout:
        return  # the broker delivers it again: that copy is the next run
    found = found or request_from_main(task_id)
    if found is None:
        logger.warning("redrive: %s[%s] failed and its message could not be found", task.name, task_id)
        return
    context, wire = _read_request(found)
    if isinstance(exception, SystemExit | KeyboardInterrupt):
        # Celery before 5.7 passes on what ended the process; it is a lost worker all the same.
        exception = WorkerLostError(f"Worker exited prematurely: exitcode {getattr(exception, 'code', None)}")
    options = wrapper.options_of(task)
    ending = endings.undecided(
        task, context, extract(exception), options, source="main", wire=wire, text=text
    )
    if isinstance(exception, WorkerLostError):
        ending = _with_what_is_known(ending)
    runtime.recorder().spill_or_keep(endings.dead(ending))


def _with_what_is_known(ending: Ending) -> Ending:
    """The ending of a lost child: what the control group says of it, and no traceback, for that is Celery's own."""
    confirmed = _oom.explains() if is_signal_9(ending.exception_message) else None
    known = {"known": words_on_lost_child(ending.exception_message, confirmed), "oom_confirmed": confirmed}
    return replace(ending, traceback="", context={**ending.context, **known})


def _read_request(found: Any) -> tuple[Context, Wire | None]:
    """A task's context and its message's bytes, from the worker's ``Request``."""
    values = dict(found.request_dict)
    wire = None
    if found.content_type:
        wire = Wire(found.body, found.content_type, found.content_encoding or "", values)
    return Context(values, called_directly=False), wire


@_safely
def on_task_revoked(*, sender: Any, request: Any, terminated: bool, expired: bool, **_: Any) -> None:
    """A task that was cancelled, or expired before it started (main process). An expired one waits for a person."""
    found = request_from_main(request.id)
    context, wire = _read_request(found) if found is not None else (request, None)
    why = "expired before it started" if expired else "revoked while it ran" if terminated else "revoked"
    ending = endings.begin(sender, context, Outcome.REVOKED, "revoked", wire=wire)
    proposal = Proposal(retry=False, reason=f"The task was {why}.")
    outcome = Outcome.FAILED if expired else Outcome.REVOKED
    kind = {
        "failure_type": "UNKNOWN",
        "remediation_action": "MANUAL_RETRY",
        "remediation_details": proposal.reason,
    }
    runtime.recorder().spill_or_keep(
        replace(
            ending,
            outcome=outcome,
            exception_type=REVOKED,
            exception_message=why,
            classification=kind,
            proposal=proposal,
            options=wrapper.options_of(sender).to_dict(),
        )
    )


@_safely
def on_task_retry(*, sender: Any, request: Any, reason: Any, **_: Any) -> None:
    """A retry that Celery itself has sent (tasks with other base classes, ``observe`` mode): only note it."""
    if getattr(request, "redrive_recorded", False) or request.is_eager:
        return
    cause = reason.exc if isinstance(getattr(reason, "exc", None), BaseException) else reason
    found = request_from_main(request.id) if process.role is Role.MAIN else None
    wire = _read_request(found)[1] if found is not None else None
    ending = endings.failed(
        sender, request, cause, wrapper.options_of(sender), source="task_retry", wire=wire
    )
    limit = sender.max_retries
    when = reason.when
    seconds = float(when) if isinstance(when, int | float) else 0.0
    proposal = Proposal(
        retry=True,
        native=True,
        delay_seconds=seconds,
        max_retries=limit if limit is not None else 2**31 - 1,
        reason=f"Celery retries it by itself: retry {request.retries + 1} in {seconds:.0f} s.",
    )
    noted = replace(ending, proposal=proposal)
    if process.role is Role.MAIN and isinstance(cause, WorkerLostError):
        noted = _with_what_is_known(noted)
        noted = replace(
            noted, proposal=replace(proposal, reason=f"{noted.context['known']} {proposal.reason}")
        )
    if process.role is Role.MAIN:
        runtime.recorder().spill_or_keep(noted)
    else:
        runtime.recorder().record(noted)


_RECEIVERS = (
    (signals.before_task_publish, on_before_task_publish),
    (signals.beat_init, on_beat_init),
    (signals.worker_init, on_worker_init),
    (signals.worker_process_init, on_worker_process_init),
    (signals.worker_process_shutdown, on_worker_process_shutdown),
    (signals.task_postrun, on_task_postrun),
    (signals.task_failure, on_task_failure),
    (signals.task_revoked, on_task_revoked),
    (signals.task_unknown, intake.on_task_unknown),
    (signals.task_rejected, intake.on_task_rejected),
    (signals.task_internal_error, on_task_internal_error),
    (signals.task_retry, on_task_retry),
)
