"""Claims of idempotent tasks, as the wrapper needs them.

What happens while the store of claims is away is the task's to say (``idempotency_store_away``). A claim of a run that
dies with its process ends with its lease, a minute by default.
"""

from __future__ import annotations

import importlib
import inspect
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from celery.exceptions import Retry
from kombu.utils.json import dumps as json_dumps
from kombu.utils.json import loads as json_loads

from redrive import runtime
from redrive.celery import origin
from redrive.celery.heartbeat import heartbeat
from redrive.conf import get_settings
from redrive.gate import Hold
from redrive.idempotency import (
    Call,
    Claimed,
    ClaimIsLost,
    ClaimLost,
    Claims,
    Declared,
    Done,
    DuplicateCall,
    OnDone,
    OnRunning,
    Running,
    Source,
    StoreAway,
    identify,
)
from redrive.idempotency.claims import MAX_RESULT_BYTES
from redrive.leases import StoreUnavailable

logger = logging.getLogger("redrive")

CLAIM: Final = "claim"
"""Kind of the counters about claims, by task: ``lost`` ones, results ``not_kept``, runs ``without`` a claim."""
STORE_AWAY_SECONDS: Final = 30.0
"""How long a task waits before it looks for the store again."""
_UNKEEPABLE: Final = object()
"""Stands for a result that is not to be kept: no JSON, so never stored."""


@dataclass(slots=True)
class Held:
    """A claim that this run holds; ``fence`` grows with every run of the same key.

    ``lost`` turns True when the claim turns out to be somebody else's: stop as soon as you can.
    """

    claimed: Claimed
    task_name: str
    declared: Declared
    lost: bool = False
    ended_at: float | None = None
    """When the body ended, by the monotonic clock: what a late renewal finds then is no loss."""
    result: Any = field(default=None, repr=False)
    """What the body returned, once it has."""

    @property
    def fence(self) -> int:
        """Pass it along with writes, and refuse writes with a lower one."""
        return self.claimed.fence

    @property
    def task_id(self) -> str:
        """Celery's id of the task."""
        return self.claimed.task_id

    @property
    def lease(self) -> timedelta:
        """How long the claim lasts unless renewed."""
        return timedelta(seconds=self.declared.lease)

    def confirm(self) -> None:
        """Return if this run still holds its claim, asked now and renewed: before a step that cannot be undone.

        Raises:
            ClaimIsLost: It does not, so the same call may run elsewhere.
            StoreUnavailable: The store of claims is away.
        """
        self.renew()
        if self.lost:
            raise ClaimIsLost(
                f"{self.task_name}[{self.task_id}] has lost its claim; the same call may run elsewhere."
            )

    def renew(self) -> None:
        """Move the end of the claim, or find that it is lost. Raises StoreUnavailable."""
        answer = runtime.claims().renew(self.claimed, ttl=self.lease)
        if isinstance(answer, Claimed):
            self.claimed = answer
        elif self.ended_at is None:
            self.note_lost(answer.reason)

    def note_lost(self, reason: str) -> None:
        """Say once, in the log and in the counters, that the claim is lost."""
        if not self.lost:
            self.lost = True
            logger.warning(
                "redrive: claim_lost: %s[%s], %s; the same call may run twice",
                self.task_name,
                self.task_id,
                reason,
            )
            count(self.task_name, "lost")

    def finish(self) -> None:
        """Record the result for what is left of its ttl, which began when the body ended. Raises StoreUnavailable."""
        now = runtime.clock.monotonic()
        left = self.declared.ttl - (now - (now if self.ended_at is None else self.ended_at))
        if left <= 0:
            return
        answer = runtime.claims().complete(self.claimed, result=self.result, ttl=timedelta(seconds=left))
        if isinstance(answer, ClaimLost):
            self.note_lost(answer.reason)
        elif answer.claim_lost:
            self.note_lost("the claim had ended before the body did")
        if not isinstance(answer, ClaimLost) and not answer.kept and self.declared.keep_result:
            logger.warning(
                "redrive: the result of %s[%s] is not kept: too large, or not JSON without NUL; duplicates get None",
                self.task_name,
                self.task_id,
            )
            count(self.task_name, "not_kept")


@dataclass(frozen=True, slots=True)
class Answered:
    """The call does not run: this is its result."""

    result: Any
    label: str
    """``replayed`` or ``skipped``, for the counters."""
    why: str


def count(task_name: str, label: str) -> None:
    """Count something that happened to a claim, in memory."""
    runtime.counters.add(runtime.clock.now(), CLAIM, task_name, label)


def take(
    task: Any, request: Any, args: Any, kwargs: Mapping[str, Any], *, critical: bool
) -> Held | Answered | Hold | None:
    """Claim the call, or say what stands against it; None if it has to run without a claim.

    Raises:
        UnsupportedArgument, MissingScopeValue, PayloadMismatch: The call has no key of its own; the task fails with
            that, its body does not run.
        DuplicateCall: The same call runs or is done, and the task wants to fail then.
    """
    declared: Declared = task.redrive_idempotency
    # Celery puts a message's own headers among the attributes of its request.
    call = call_of(task, args, kwargs, task_id=request.id, headers=request.__dict__)
    try:
        answer = runtime.claims().claim(
            call.key,
            task_id=request.id,
            token=uuid.uuid4().hex,
            ttl=timedelta(seconds=declared.lease),
            fingerprint=call.fingerprint,
            durable=critical,
            fall_back=declared.store_away is StoreAway.SQL,
        )
    except StoreUnavailable as exc:
        if critical or declared.store_away is StoreAway.FAIL_CLOSED:
            until = runtime.clock.now() + timedelta(seconds=STORE_AWAY_SECONDS)
            return Hold(until, "The store of claims is away, and this task does not run without a claim.")
        logger.warning("redrive: %s[%s] runs without a claim: %s", task.name, request.id, exc)
        count(task.name, "without")
        return None
    origin.count(task.name, request, declared.scope.value, duplicate=not isinstance(answer, Claimed))
    if isinstance(answer, Claimed):
        held = Held(answer, task.name, declared)
        heartbeat.add(held)
        return held
    refused = _while_running if isinstance(answer, Running) else _after_success
    return refused(task, request, declared, answer)  # type: ignore[arg-type]  # chosen by the answer's type


def call_of(
    task: Any, args: Any, kwargs: Mapping[str, Any], *, task_id: str, headers: Mapping[str, Any]
) -> Call:
    """What a call of an idempotent task is known by: the same before it is published and in the worker."""
    declared: Declared = task.redrive_idempotency
    return identify(
        task.name,
        declared,
        _signature(task, args, kwargs),
        args,
        kwargs,
        task_id=task_id,
        headers=headers,
        scope_from=_scope_source(declared.scope.value),
    )


def _while_running(task: Any, request: Any, declared: Declared, running: Running) -> Answered | Hold:
    why = f"The same call runs already, as task {running.task_id}."
    if running.waiting:
        why = f"The same call waits for its retry, as task {running.task_id}."
    if declared.on_running is OnRunning.RAISE:
        raise DuplicateCall(why)
    if declared.on_running is OnRunning.SKIP:
        logger.info("redrive: %s[%s] is skipped. %s", task.name, request.id, why)
        return Answered(None, "skipped", why)
    return Hold(running.until, why)


def _after_success(task: Any, request: Any, declared: Declared, done: Done) -> Answered:
    at = done.completed_at.isoformat(timespec="seconds")
    why = f"The same call was done already, by task {done.task_id} at {at}."
    if declared.on_done is OnDone.RAISE:
        raise DuplicateCall(why)
    if declared.on_done is OnDone.SKIP:
        logger.info("redrive: %s[%s] is skipped. %s", task.name, request.id, why)
        return Answered(None, "skipped", why)
    how = "Its result is replayed." if done.kept else "Its result was not kept, so this one is None."
    logger.info("redrive: %s[%s] does not run. %s %s", task.name, request.id, why, how)
    return Answered(json_loads(json.dumps(done.result)), "replayed", f"{why} {how}")


def _scope_source(scope: str) -> Source:
    """What the project says about where a scope's value comes from."""
    source = get_settings().scopes.get(scope)
    if isinstance(source, str) and "." in source:
        module, _, name = source.rpartition(".")
        found: Source = getattr(importlib.import_module(module), name)
        return found
    return (source,) if isinstance(source, str) else source


def _signature(task: Any, args: Any, kwargs: Mapping[str, Any]) -> inspect.Signature:
    """The signature of the task's body, without ``self``; of its outermost decorator where a call does not fit the
    body's, because a decorator supplies an argument or takes one away."""
    cached: tuple[inspect.Signature, inspect.Signature] | None = task.__dict__.get("_redrive_signatures")
    if cached is None:
        outermost = inspect.unwrap(
            getattr(task, "_orig_run", task.run), stop=lambda f: not getattr(f, "_redrive_wrapped", False)
        )
        signature = _without_self(task, outermost)
        body = inspect.unwrap(outermost)
        cached = task._redrive_signatures = (
            signature if body is outermost else _without_self(task, body),
            signature,
        )
    inner, outer = cached
    if inner is not outer:
        try:
            inner.bind(*args, **kwargs)
        except TypeError:
            return outer
    return inner


def _without_self(task: Any, function: Any) -> inspect.Signature:
    signature = inspect.signature(function, follow_wrapped=False)
    parameters = list(signature.parameters.values())
    named = bool(parameters) and parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL
    if named and getattr(function, "__self__", None) is None and _takes_self(task):
        return signature.replace(parameters=parameters[1:])
    return signature


def _takes_self(task: Any) -> bool:
    run = inspect.getattr_static(type(task), "run")
    return bool(getattr(run, "_redrive_bound", True))


def complete(held: Held, result: Any) -> None:
    """Record the result for duplicates; with the store away, once it is back if this process still runs then.

    Never raises, not even a soft time limit that strikes here: the body has done its work.
    """
    held.result = _UNKEEPABLE
    try:
        _stop_renewing(held)
        if held.declared.keep_result:
            held.result = _keepable(result)
        held.finish()
    except StoreUnavailable as exc:
        logger.warning(
            "redrive: the result of %s is recorded once its store is back, if this process still runs then: %s",
            held.task_id,
            exc,
        )
        heartbeat.finish_later(held)
    except Exception:
        logger.exception("redrive: the result of %s could not be recorded, it is tried again", held.task_id)
        heartbeat.finish_later(held)


def _stop_renewing(held: Held) -> None:
    held.ended_at = runtime.clock.monotonic()
    heartbeat.remove(held)


def _keepable(result: Any) -> Any:
    """The result as Celery's JSON would carry it (dates, decimals, UUIDs and bytes with their types)."""
    try:
        text = json_dumps(result)
        # One that is too large anyhow must not wait in memory for a store that is away.
        return json.loads(text) if len(text) <= MAX_RESULT_BYTES else _UNKEEPABLE
    except (TypeError, ValueError, RecursionError):
        return _UNKEEPABLE


def release(held: Held) -> None:
    """Give the claim up, so that the same call may run again. Never raises."""
    _stop_renewing(held)
    _settle(held, lambda claims: claims.release(held.claimed))


def keep(held: Held, retry: Retry) -> None:
    """Keep the claim for the same task until its retry. Never raises."""
    _stop_renewing(held)
    when = retry.when
    if isinstance(when, datetime):
        seconds = (when.astimezone(UTC) - runtime.clock.now()).total_seconds()
    else:
        seconds = float(when or 0.0)
    ttl = timedelta(seconds=max(0.0, seconds)) + 2 * held.lease
    _settle(held, lambda claims: claims.wait(held.claimed, ttl=ttl))


def _settle(held: Held, change: Callable[[Claims], object]) -> None:
    """End a claim without a result; with its store away it ends by itself."""
    try:
        answer = change(runtime.claims())
    except StoreUnavailable as exc:
        logger.warning("redrive: the claim of %s ends by itself, its store is away: %s", held.task_id, exc)
        return
    if isinstance(answer, ClaimLost):
        held.note_lost(answer.reason)


def settle_after_autoretry(request: Any, outcome: BaseException) -> None:
    """End a claim that was left to Celery's autoretry: kept for the retry, released otherwise. Never raises."""
    held = getattr(request, "redrive_left_claim", None)
    if isinstance(held, Held):
        request.redrive_left_claim = None
        keep(held, outcome) if isinstance(outcome, Retry) else release(held)
