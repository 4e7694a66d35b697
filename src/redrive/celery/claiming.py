"""Claims of idempotent tasks, as the wrapper needs them.

With the store of claims away a task that is not ``critical`` runs without a claim, and says so in the log; a critical
one is held and tried again. A claim of a run that dies with its process ends with its lease, a minute at most.
"""

from __future__ import annotations

import inspect
import logging
import os
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.exceptions import Retry

from redrive import runtime
from redrive.celery import origin
from redrive.gate import Hold
from redrive.idempotency import Claimed, ClaimLost, Done, Running, Scope, bound_call, call_key, scope_value
from redrive.leases import StoreUnavailable
from redrive.process import leave_signals_to_main_thread

logger = logging.getLogger("redrive")

LEASE = timedelta(seconds=60)
RENEW_SECONDS = 20.0
"""A claim is renewed three times per lease."""
STORE_AWAY_SECONDS = 30.0
"""How long a critical task waits before it looks for the store again."""


@dataclass(slots=True)
class Held:
    """A claim that this run holds; ``fence`` grows with every run of the same key."""

    claimed: Claimed
    task_id: str
    ttl: timedelta
    lost: bool = False

    @property
    def fence(self) -> int:
        """Pass it along with writes, and refuse writes with a lower one."""
        return self.claimed.fence


@dataclass(frozen=True, slots=True)
class Replay:
    """The same call has succeeded already: its result, or None if it was not kept."""

    result: Any


def take(
    task: Any, request: Any, args: Any, kwargs: Mapping[str, Any], *, critical: bool
) -> Held | Replay | Hold | None:
    """Claim the call, or say what stands against it; None if it has to run without a claim.

    Raises:
        UnsupportedArgument, MissingScopeValue: The call has no key; the task fails with that, its body does not run.
    """
    arguments = bound_call(_signature(task), args, kwargs)
    scope = Scope(task.idempotency_scope)
    key = call_key(task.name, arguments, scope=scope, scope_value=scope_value(scope, arguments, request.id))
    ttl = timedelta(seconds=float(task.idempotency_ttl))
    try:
        answer = runtime.claims().claim(key, task_id=request.id, token=uuid.uuid4().hex, ttl=LEASE)
    except StoreUnavailable as exc:
        if critical:
            until = runtime.clock.now() + timedelta(seconds=STORE_AWAY_SECONDS)
            return Hold(until, "The store of claims is away and the task is critical.")
        logger.warning("redrive: %s[%s] runs without a claim: %s", task.name, request.id, exc)
        return None
    origin.count(task.name, request, scope.value, duplicate=not isinstance(answer, Claimed))
    if isinstance(answer, Claimed):
        held = Held(answer, request.id, ttl)
        _heartbeat.add(held)
        return held
    if isinstance(answer, Running):
        return Hold(answer.until, f"The same call runs already, as task {answer.task_id}.")
    assert isinstance(answer, Done)  # noqa: S101  # the last of the three answers
    logger.info(
        "redrive: %s[%s] was done by %s; its result is replayed", task.name, request.id, answer.task_id
    )
    return Replay(answer.result if answer.kept else None)


def _signature(task: Any) -> inspect.Signature:
    """The signature of the task's body, without ``self``."""
    cached: inspect.Signature | None = task.__dict__.get("_redrive_signature")
    if cached is None:
        body = inspect.unwrap(getattr(task, "_orig_run", task.run))
        signature = inspect.signature(body)
        if getattr(body, "__self__", None) is None and _takes_self(task):
            signature = signature.replace(parameters=list(signature.parameters.values())[1:])
        cached = task._redrive_signature = signature
    return cached


def _takes_self(task: Any) -> bool:
    run = inspect.getattr_static(type(task), "run")
    return bool(getattr(run, "_redrive_bound", True))


def complete(held: Held, result: Any) -> None:
    """Record the result for duplicates. Never raises."""
    _heartbeat.remove(held)
    try:
        answer = runtime.claims().complete(held.claimed, task_id=held.task_id, result=result, ttl=held.ttl)
    except StoreUnavailable as exc:
        logger.warning("redrive: the result of %s could not be kept for duplicates: %s", held.task_id, exc)
        return
    if isinstance(answer, ClaimLost) or answer.claim_lost:
        logger.warning(
            "redrive: %s lost its claim while it ran; the same call may have run twice", held.task_id
        )


def release(held: Held) -> None:
    """Give the claim up, so that the same call may run again. Never raises."""
    _heartbeat.remove(held)
    try:
        runtime.claims().release(held.claimed)
    except StoreUnavailable as exc:
        logger.warning("redrive: the claim of %s ends by itself, its store is away: %s", held.task_id, exc)


def keep(held: Held, retry: Retry) -> None:
    """Keep the claim for the same task until its retry. Never raises."""
    _heartbeat.remove(held)
    when = retry.when
    if isinstance(when, datetime):
        seconds = (when.astimezone(UTC) - runtime.clock.now()).total_seconds()
    else:
        seconds = float(when or 0.0)
    try:
        runtime.claims().wait(held.claimed, ttl=timedelta(seconds=max(0.0, seconds)) + 2 * LEASE)
    except StoreUnavailable as exc:
        logger.warning("redrive: the claim of %s ends by itself, its store is away: %s", held.task_id, exc)


@dataclass
class _Heartbeat:
    """One thread per process that renews the claims of running tasks; started with the first of them."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: dict[str, Held] = field(default_factory=dict)
    wake: threading.Event = field(default_factory=threading.Event)
    pid: int = 0

    def add(self, held: Held) -> None:
        with self.lock:
            self.running[held.claimed.token] = held
            if self.pid != os.getpid():
                self.pid = os.getpid()
                threading.Thread(
                    target=self._run, args=(self.pid,), name="redrive-claims", daemon=True
                ).start()

    def forget(self) -> None:
        """In a forked child: what was copied, the lock included, belongs to the parent."""
        self.lock, self.wake, self.running, self.pid = threading.Lock(), threading.Event(), {}, 0

    def remove(self, held: Held) -> None:
        with self.lock:
            self.running.pop(held.claimed.token, None)

    def _run(self, pid: int) -> None:
        leave_signals_to_main_thread()
        while self.pid == pid:
            self.wake.wait(RENEW_SECONDS)
            with self.lock:
                running = list(self.running.values())
            for held in running:
                self._renew(held)

    @staticmethod
    def _renew(held: Held) -> None:
        try:
            answer = runtime.claims().renew(held.claimed, ttl=LEASE)
        except StoreUnavailable as exc:
            logger.warning("redrive: the claim of %s could not be renewed: %s", held.task_id, exc)
            return
        if isinstance(answer, ClaimLost):
            held.lost = True
            logger.warning("redrive: %s lost its claim: %s", held.task_id, answer.reason)


_heartbeat = _Heartbeat()
os.register_at_fork(after_in_child=_heartbeat.forget)
