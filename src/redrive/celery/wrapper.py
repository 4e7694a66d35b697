"""Around every task's body: may it start, and what becomes of it when it fails.

On success this costs a few attribute look-ups. Nothing here may raise anything into the host's task but what Celery
itself defines for it: ``Retry`` (it will run again), ``Ignore`` (this copy must not run) and the task's own exception.

When our stores are away: a message that came from a record runs (its record cannot be asked); a gate lets everything
through; a failure goes to the spill; if that fails too, a message that is acknowledged late goes back to its queue, and
for another one Celery's own countdown carries the retry.
"""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.exceptions import Ignore, Reject, Retry
from celery.utils.serialization import get_pickleable_exception

from redrive import runtime
from redrive.broker import chords
from redrive.celery import claiming, endings, gating
from redrive.celery.capture import attempt_of, header_of, is_redelivered
from redrive.conf import get_mode, get_settings
from redrive.dead_letters import Ending, Outcome, Recorded
from redrive.gate import BreakerState, Hold
from redrive.gate import Run as Permit
from redrive.idempotency import DuplicateCall
from redrive.leases import StoreUnavailable
from redrive.options import Options
from redrive.process import is_running, process
from redrive.stores.sql import starting
from redrive.taxonomy import FailureType

logger = logging.getLogger("redrive")

NATIVE_LIMIT_SECONDS = 60.0
"""Longest countdown given to Celery, used only where neither SQL nor the spill can be written."""

PUT_BACK_SECONDS = 1.0
"""Pause before a failed task whose ending can be written nowhere goes back to its queue."""

Body = Callable[..., Any]


def options_of(task: Any) -> Options:
    """The task's effective options, worked out once per task."""
    cached: Options | None = task.__dict__.get("_redrive_options")
    if cached is None:
        declared = getattr(task, "redrive", None)
        cached = runtime.effective_options(
            task.name,
            declared if isinstance(declared, Options) else None,
            idempotent=bool(getattr(task, "idempotency_enabled", False)),
        )
        task._redrive_options = cached
    return cached


def wrap_function(run: Body, *, bound: bool) -> Body:
    """A task class's ``run`` with the wrapper around it; the same one if it has it already."""
    if getattr(run, "_redrive_wrapped", False):
        return run

    if bound:

        @functools.wraps(run)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            request = self.request
            if request.called_directly or request.is_eager:
                return run(self, *args, **kwargs)
            return attempt(self, request, functools.partial(run, self), args, kwargs)

    else:

        @functools.wraps(run)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            request = self.request
            if request.called_directly or request.is_eager:
                return run(*args, **kwargs)
            return attempt(self, request, run, args, kwargs)

    wrapped._redrive_wrapped = True  # type: ignore[attr-defined]  # a mark on a function
    wrapped._redrive_bound = bound  # type: ignore[attr-defined]  # as above: whether run takes the task as self
    return wrapped


def wrap_class(cls: type) -> None:
    """Put the wrapper around the ``run`` that a task class defines itself."""
    run = cls.__dict__.get("run")
    if isinstance(run, staticmethod):
        cls.run = wrap_function(run.__func__, bound=False)  # type: ignore[attr-defined]  # every task class has run
    elif inspect.isfunction(run):
        cls.run = wrap_function(run, bound=True)  # type: ignore[attr-defined]  # every task class has run


def wrap_instance(task: Any, *, guard_only: bool = False) -> None:
    """Put the wrapper around a task whose base class is not ours (``TASK_PATTERNS``).

    ``guard_only`` is for tasks that nobody asked us to handle: only messages that Redrive has sent are looked at, so
    that each attempt starts once, and those that the broker delivers again, so that poison comes to an end.
    """
    if is_wrapped(task):
        return
    run = task.run

    @functools.wraps(run)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        request = task.request
        if request.called_directly or request.is_eager:
            return run(*args, **kwargs)
        if not guard_only:
            return attempt(task, request, run, args, kwargs)
        is_on = get_mode() == "on"
        try:
            if header_of(request) is not None or (is_on and is_redelivered(request)):
                refuse_stale_copy(task, request)
                if is_on:
                    _refuse_poison(request)
            return run(*args, **kwargs)
        finally:
            gating.give_back(request)

    wrapped._redrive_wrapped = True  # type: ignore[attr-defined]  # a mark on a function
    task.run = wrapped


def is_wrapped(task: Any) -> bool:
    """Whether the wrapper is around a task's body, perhaps inside Celery's own autoretry."""
    run = getattr(task, "_orig_run", task.run)
    return bool(getattr(run, "_redrive_wrapped", False))


def attempt(task: Any, request: Any, body: Body, args: Any, kwargs: Any) -> Any:
    """Run one attempt of a task in a worker."""
    try:
        return _attempt(task, request, body, args, kwargs)
    finally:
        gating.give_back(request)


def _attempt(task: Any, request: Any, body: Body, args: Any, kwargs: Any) -> Any:
    mode = mode_for(request)
    if mode == "off":
        return body(*args, **kwargs)
    if mode == "on" or header_of(request) is not None:
        refuse_stale_copy(task, request, ledgered=mode == "on" and is_ledgered(task))
    permit: Permit | None = None
    held: claiming.Held | None = None
    began = time.perf_counter()
    try:
        if mode == "on":
            _refuse_poison(request)
            claim = _claim(task, request, args, kwargs)
            if isinstance(claim, claiming.Answered):
                request.redrive_answered = claim
                return claim.result
            held = claim
            permit = _ask_gate(task, request)
        result = body(*args, **kwargs)
    except Retry as own:
        if permit is not None and isinstance(own.exc, Exception):
            gating.tell_failure(task, request, permit, own.exc, options_of(task))
        else:
            gating.tell_nothing(task, request, permit)
        if held is not None:
            claiming.keep(held, own)
        raise
    except Exception as exc:
        request.redrive_seconds = time.perf_counter() - began
        if isinstance(exc, (Ignore, Reject)) or _is_left_to_autoretry(task, exc):
            # Not ours to decide. Autoretry asks for a retry of the same task next: that settles the claim.
            by_choice = isinstance(exc, (Ignore, Reject))
            if permit is not None and not by_choice:
                gating.tell_failure(task, request, permit, exc, options_of(task))
            else:
                gating.tell_nothing(task, request, permit)
            if held is not None:
                if by_choice:
                    claiming.release(held)
                else:
                    request.redrive_left_claim = held
            raise
        retry = _after_failure(task, request, exc, permit)
        if held is not None:
            claiming.keep(held, retry) if isinstance(retry, Retry) else claiming.release(held)
        if retry is None:
            raise
        raise retry from exc
    except BaseException:
        # SystemExit, a cancelled coroutine, gevent's timeout: whoever else sees it records it; the claim must not stay.
        if held is not None:
            claiming.release(held)
        gating.tell_nothing(task, request, permit)
        raise
    request.redrive_seconds = time.perf_counter() - began
    request.redrive_finished = True
    if held is not None:
        claiming.complete(held, result)
    if permit is not None:
        gating.tell_success(task, request, permit)
    return result


def _claim(task: Any, request: Any, args: Any, kwargs: Any) -> claiming.Held | claiming.Answered | None:
    """The claim of an idempotent call (None for other tasks).

    Raises:
        Retry: The same call runs elsewhere, and this one waits.
        DuplicateCall: As above, or done already, and the task wants to fail; or waiting was impossible: with database,
            spill and broker away nothing is lost, because the same call runs.
    """
    if getattr(task, "redrive_idempotency", None) is None or not task.idempotency_enabled:
        return None
    answer = claiming.take(task, request, args, kwargs, critical=options_of(task).critical)
    if not isinstance(answer, Hold):
        request.redrive_claim = answer
        return answer
    recorded = gating.hold(task, request, answer, options_of(task))
    request.redrive_recorded = recorded.retry
    if not recorded.retry:
        seconds = max(1.0, (answer.until - runtime.clock.now()).total_seconds())
        raise _native_retry(task, RuntimeError(answer.reason), seconds) or DuplicateCall(answer.reason)
    raise Retry(message=answer.reason, when=answer.until)


def mode_for(request: Any) -> str:
    """The mode in force for a message: what Redrive has sent it also finishes, even after it was switched off."""
    mode = get_mode()
    return "observe" if mode == "off" and header_of(request) is not None else mode


def _is_left_to_autoretry(task: Any, exc: Exception) -> bool:
    """Whether the task's own ``autoretry_for`` will take this exception: then that decides, through ``retry()``."""
    if isinstance(exc, NOT_STARTED) or not hasattr(task, "_orig_run"):
        return False
    wanted = tuple(getattr(task, "autoretry_for", ()))
    unwanted = tuple(getattr(task, "dont_autoretry_for", ()))
    return isinstance(exc, wanted) and not isinstance(exc, unwanted)


def refuse_stale_copy(task: Any, request: Any, *, ledgered: bool = False) -> None:
    """Raise Ignore if this message's attempt was run, is running elsewhere, or is not wanted any more.

    A ledgered task is noted as started. Fails open: without the database the message runs.
    """
    redelivered = is_redelivered(request)
    republished = header_of(request) is not None
    if not (republished or redelivered or ledgered):
        return
    try:
        start = _start(task, request, republished=republished, redelivered=redelivered)
    except StoreUnavailable as exc:
        logger.warning("redrive: %s[%s] runs without asking its record: %s", task.name, request.id, exc)
        return
    except Exception:
        logger.exception("redrive: %s[%s] runs without asking its record", task.name, request.id)
        return
    request.redrive_noted = start.noted
    request.redrive_deliveries = start.deliveries
    if not start.run:
        logger.info("redrive: a copy of %s[%s] is dropped: %s", task.name, request.id, start.why)
        request.redrive_dropped = True
        chords.tell(
            task.app, request.id, {"group": request.group, "group_index": request.group_index}, request.chord
        )
        raise Ignore(f"redrive: {start.why}")


def _start(task: Any, request: Any, *, republished: bool, redelivered: bool) -> starting.Start:
    facts: dict[str, Any] = {
        "child": process.child_id,
        "redelivered": redelivered,
        "child_is_gone": lambda child: bool(child) and not is_running(child),
    }
    worker = process.worker_id
    if not process.vouched:
        keeper = get_settings().keeper
        if keeper.start_with_worker:
            seconds = keeper.heartbeat_seconds
            runtime.database().run(lambda c: starting.vouch_first(c, worker, seconds=seconds))
        process.vouched = True
    if republished:
        number = attempt_of(request)
        return runtime.database().run(lambda c: starting.mark_started(c, request.id, number, worker, **facts))
    ending = replace(endings.begin(task, request, Outcome.HELD, "ledger"), options=options_of(task).to_dict())
    ending = runtime.recorder().protect(ending)
    return runtime.database().run(lambda c: starting.note_start(c, ending, worker, **facts))


class PoisonMessage(WorkerLostError):  # noqa: N818  # the field's word; classified like what caused it
    """A message that was delivered again and again without an end: it takes its worker with it each time."""


NOT_STARTED = (PoisonMessage, DuplicateCall)
"""What we raise instead of running a body. No ``autoretry_for`` may take it for a failure of the body."""


def _refuse_poison(request: Any) -> None:
    deliveries = getattr(request, "redrive_deliveries", 0)
    if deliveries >= get_settings().most_deliveries:
        request.redrive_used_up = True
        raise PoisonMessage(
            f"Worker lost: delivered {deliveries + 1} times, and no run of it has come to an end."
        )


def is_ledgered(task: Any) -> bool:
    """Whether ``LEDGER`` wants this task noted when it starts."""
    ledger = get_settings().ledger
    return ledger == "all" or (ledger == "critical" and options_of(task).critical)


def _ask_gate(task: Any, request: Any) -> Permit | None:
    """A permit for what the task depends on (None if that is nothing); raises Retry if the gate holds the task."""
    options = options_of(task)
    answer = gating.ask(task, request, options)
    if not isinstance(answer, Hold):
        return answer
    try:
        recorded = gating.hold(task, request, answer, options)
    except Exception:
        logger.exception("redrive: %s[%s] could not be held; it runs", task.name, request.id)
        return Permit(degraded=True)
    if not recorded.retry:
        # Its record says that it is finished (an id used again), or nothing could be written: better to run than to
        # wait for a message that nobody would send.
        return Permit(degraded=True)
    request.redrive_recorded = True
    raise Retry(message=answer.reason, when=answer.until)


def _after_failure(task: Any, request: Any, exc: Exception, permit: Permit | None) -> Retry | Reject | None:
    """Record a failure; the Retry or Reject to raise if the task will run again. Never raises."""
    try:
        ending = _decide(task, request, exc, permit)
        recorded = store(task, request, ending)
        if recorded.where == "nowhere" and mode_for(request) == "on" and task.acks_late:
            return _put_back(exc)
        if ending.proposal is None or not ending.proposal.retry:
            return None
        if recorded.where == "nowhere":
            return _native_retry(task, exc, ending.proposal.delay_seconds)
        if not recorded.retry:
            return None
        return Retry(exc=get_pickleable_exception(exc), when=ending.due_at)
    except Exception:
        logger.exception("redrive: %s[%s] failed and redrive could not handle it", task.name, request.id)
        return None


def _decide(task: Any, request: Any, exc: Exception, permit: Permit | None) -> Ending:
    """What becomes of a failed attempt, by its policy and by what its gate says of what it depends on."""
    options = options_of(task)
    ending = endings.failed(task, request, exc, options, source="wrapper")
    if getattr(request, "redrive_used_up", False):
        gating.tell_nothing(task, request, permit)
        return endings.final(ending, "It may not be retried any more.")
    if mode_for(request) != "on":
        return ending
    told = gating.tell_failure(task, request, permit, exc, options, ending)
    if told is None or (told.state is BreakerState.CLOSED and not told.poison):
        return gating.explained(request, ending, told)
    # What the gate knows changes the policy; and an outage must not use up the last retry.
    context = {"breaker": told.state.value, "poison": told.poison, "excused": not told.spends_attempt}
    ending = endings.failed(task, request, exc, options, source="wrapper", context=context)
    return gating.excused(gating.explained(request, ending, told), told)


def store(task: Any, request: Any, ending: Ending) -> Recorded:
    """Record a failed attempt once, and count what it says about the last retry. A dead task's errbacks go."""
    will_retry = ending.proposal is not None and ending.proposal.retry
    recorded = runtime.recorder().record(ending if will_retry else endings.dead(ending))
    request.redrive_recorded = recorded.where != "nowhere"
    counts = ending.attempt > 1 and recorded.new and ending.outcome is not Outcome.HELD
    if counts and ending.classification is not None:
        header = header_of(request) or {}
        kind = str(header.get("failure_type"))
        if kind not in FailureType.__members__:  # not said, forged, or of a newer release
            kind = str(ending.classification["failure_type"])
        runtime.retry_engine.record_retry_attempt(
            task.name,
            kind,
            success=False,
            retry=ending.attempt - 1,
            breaker=getattr(request, "redrive_breaker", None),
        )
    return recorded


def _put_back(exc: Exception) -> Reject:
    """Leave a message that is acknowledged late with its broker, where nothing else can keep it.

    It comes back at once, so this child pauses before.
    """
    time.sleep(PUT_BACK_SECONDS)
    return Reject(reason=get_pickleable_exception(exc), requeue=True)


def _native_retry(task: Any, exc: Exception, seconds: float) -> Retry | None:
    """Celery's own countdown, as the last resort where nothing of ours can be written."""
    try:
        from celery.app.task import Task

        answer = Task.retry(task, exc=exc, countdown=min(seconds, NATIVE_LIMIT_SECONDS), throw=False)
    except Exception:
        return None
    return answer if isinstance(answer, Retry) else None
