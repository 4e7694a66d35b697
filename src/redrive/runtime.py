"""The only place that puts the parts together, from the settings, on first use.

``retry_engine`` and ``priority_service`` are façades that are never rebound: importing them opens nothing, and a
change of settings changes what is behind them.
"""

from __future__ import annotations

import fnmatch
import logging
import os
import random
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar, cast

from celery import Celery
from celery import _state as celery_state
from celery.app.utils import find_app

from redrive.clock import SystemClock
from redrive.conf import get_mode, get_settings, on_reload
from redrive.dead_letters import DeadLetters, Ending, Outcome, Proposal, Route, Status
from redrive.gate import Gate, derive_downstream
from redrive.idempotency import Claims
from redrive.leases import Leases, LeaseStore
from redrive.metrics import Counters
from redrive.options import Options
from redrive.payload import Codec, StoredMessage, UnusableCodec, open_sealed
from redrive.priority import PriorityResult, PriorityRules, PriorityService, RequeueResult, TaskPriority
from redrive.priority.broker import BROKER_PRIORITIES
from redrive.priority.types import RequeueRequest
from redrive.recorder import FileSpill, Recorder
from redrive.retry import AutoRetry, OffPeak, RetryEngine, RetryPolicy, decide
from redrive.stores.experience import Experience
from redrive.stores.memory import MemoryLeaseStore
from redrive.stores.sql.acting import SqlRecordStore, find_record
from redrive.stores.sql.connection import Database
from redrive.stores.sql.corrections import SqlCorrectionStore
from redrive.stores.sql.leases import SqlLeaseStore
from redrive.taxonomy import (
    Classification,
    Classifier,
    Corrections,
    ExceptionFacts,
    FailureTaxonomy,
    FailureType,
    decorated,
    fingerprint,
    mask,
    server_wait_seconds,
)
from redrive.values import (
    NO_DOWNSTREAMS,
    NO_GATES,
    NO_POLICIES,
    or_default,
    read_codec,
    read_downstreams,
    read_gates,
    read_off_peak,
    read_patterns,
    read_policies,
    read_priorities,
    read_rules,
)

R = TypeVar("R")
logger = logging.getLogger("redrive")

clock = SystemClock()
counters = Counters()
_rng = random.Random()  # noqa: S311  # spread, not secrets


def _built_once(build: Callable[[], R]) -> Callable[[], R]:
    """Build on first use; build anew after the settings have changed."""
    cached = lru_cache(maxsize=1)(build)
    on_reload(cached.cache_clear)
    return cached


@_built_once
def database() -> Database:
    """The private connections to the database that holds Redrive's tables."""
    return Database()


@_built_once
def spill() -> FileSpill:
    """The spill of this machine."""
    settings = get_settings().spill
    if settings.redis_url is None:
        return FileSpill(settings.directory, settings.max_bytes, own=settings.own)
    from redrive.recorder.list_spill import ListSpill

    return ListSpill(
        settings.directory,
        settings.max_bytes,
        own=settings.own,
        url=settings.redis_url,
        namespace=get_settings().namespace,
        max_lines=int(settings.max_lines),
    )


@_built_once
def recorder() -> Recorder:
    """Where endings go."""
    return Recorder(database(), spill(), codec)


@_built_once
def codec() -> Codec | None:
    """What seals messages, if the project wants that. One that cannot be had stores nothing rather than clear text."""
    try:
        return read_codec()
    except ValueError as exc:
        logger.critical(
            "redrive: REDRIVE['PAYLOAD'] cannot be used, failures are stored without messages: %s", exc
        )
        return UnusableCodec(str(exc))


def opened(message: StoredMessage) -> StoredMessage:
    """A stored message as it was sent. Raises CannotOpen."""
    return open_sealed(message, codec())


@_built_once
def sql_leases() -> SqlLeaseStore:
    """Leases in the database: keeper duties, heartbeats, samples."""
    return SqlLeaseStore(database())


@_built_once
def fleet_leases() -> Leases:
    """Duties of which one keeper of the fleet takes care."""
    return Leases(sql_leases())


@_built_once
def fast_leases() -> LeaseStore:
    """Leases that every task may ask for (gates, claims): in Redis if there is one, else in the database."""
    settings = get_settings()
    if settings.redis_url is None:
        return sql_leases()
    from redrive.stores.redis import RedisLeaseStore

    return RedisLeaseStore(settings.redis_url, namespace=settings.namespace)


@_built_once
def gate() -> Gate:
    """The gate of every downstream: in Redis if there is one, else in the database, else in this process alone."""
    shared = fast_leases()
    return Gate(
        shared,
        downstreams=or_default("DOWNSTREAMS", read_gates, NO_GATES),
        fallbacks=() if shared is sql_leases() else (sql_leases(),),
        local=MemoryLeaseStore(clock),
        clock=clock,
        host=socket.gethostname(),
        rng=_rng,
    )


@_built_once
def claims() -> Claims:
    """Claims of idempotent tasks: in Redis if there is one, and in the database while that is away."""
    primary = fast_leases()
    return Claims(primary, None if primary is sql_leases() else sql_leases())


@_built_once
def experience() -> Experience:
    """What the fleet has learnt."""
    return Experience(get_settings().spill.directory, counters, clock.now, lambda: not spill().problem())


@_built_once
def dead_letter_service() -> DeadLetters:
    """The service that changes what becomes of records."""
    return DeadLetters(SqlRecordStore(database()))


@_built_once
def corrections() -> Corrections:
    """The service by which operators say what a failure really is."""
    return Corrections(SqlCorrectionStore(database()))


@_built_once
def off_peak() -> OffPeak | None:
    """The off-peak window, if one is set."""
    return or_default("OFF_PEAK", read_off_peak, None)


@_built_once
def _engine() -> RetryEngine:
    return RetryEngine(
        or_default("POLICIES", read_policies, NO_POLICIES),
        learning=experience(),
        queue_depth=_depth_of_task,
        rng=_rng,
        classifier=classify,
    )


@_built_once
def priorities() -> PriorityService:
    """The priority service of the settings in force."""
    return PriorityService(
        or_default("PRIORITY", read_priorities, PriorityRules()),
        requeuer=_Requeuer(),
        queues=get_settings().queues,
    )


def _depth_of_task(task_name: str) -> int | None:
    """Depth of the queue that a task of this name is routed to, as a keeper sampled it."""
    return experience().queue_depth(_queue_of_task(task_name))


@lru_cache(maxsize=1_000)
def _queue_of_task(task_name: str) -> str:
    app = celery_app()
    declared = getattr(app.tasks.get(task_name), "queue", None)
    route = app.amqp.router.route({"queue": declared} if declared else {}, task_name)
    queue = route.get("queue")
    return str(getattr(queue, "name", queue) or app.conf.task_default_queue)


def celery_app() -> Celery:
    """The project's Celery app: of ``REDRIVE["CELERY_APP"]``, else the current one, else ``<project>.celery``.

    Raises:
        LookupError: None can be found; the message says what to type.
    """
    name = get_settings().celery_app
    if name:
        app = find_app(name)
        if isinstance(app, Celery):
            return app
    current = celery_state.get_current_app()
    if not _is_fallback(current):
        return current
    package = os.environ.get("DJANGO_SETTINGS_MODULE", "").partition(".")[0]
    try:
        found = find_app(package) if package else None
    except (ImportError, AttributeError):
        found = None
    if isinstance(found, Celery):
        return found
    raise LookupError(
        'No Celery app found. Set REDRIVE = {"CELERY_APP": "yourproject.celery:app"} in the settings,'
        " or import your app in the project's __init__.py."
    )


def _is_fallback(app: Celery) -> bool:
    """Whether Celery made this app up because there is no other."""
    return app.main is None or app.main == "default"


def route_for(level: TaskPriority) -> Route:
    """Queue and message priorities of a level, with the project's queue names."""
    queue = get_settings().queues.get(level.name, level.queue)
    numbers = {driver: levels[level] for driver, levels in BROKER_PRIORITIES.items()}
    return Route(label=level.name, queue=queue, priorities=numbers)


class _Requeuer:
    """Sends a task back to work: its record if it has one that may, else a new message."""

    def requeue(self, request: RequeueRequest) -> str:
        """The id it goes out under. Raises StoreUnavailable or kombu's OperationalError if nothing could be sent."""
        route = route_for(request.priority)
        found = database().run(lambda cursor: find_record(cursor, request.task_id))
        if found is not None and found.status != Status.RESOLVED:
            acted = dead_letter_service().retry(
                [found.id], actor="requeue_task", reason=request.rationale, route=route
            )
            if acted.done:
                return request.task_id
        task_id = request.task_id if found is None else uuid.uuid4().hex
        app = celery_app()
        with app.connection_for_write() as connection:
            priority = route.priorities.get(connection.transport.driver_type)
            app.send_task(
                request.task_name,
                args=list(request.args),
                kwargs=dict(request.kwargs),
                task_id=task_id,
                queue=route.queue,
                priority=priority,
                connection=connection,
            )
        return task_id


def effective_options(task_name: str, declared: Options | None, *, idempotent: bool) -> Options:
    """A task's options with everything said about it: what it declares, else the first name pattern that fits.

    ``retry_safe`` is True or False afterwards: undeclared means False, except for idempotent tasks.
    """
    options = declared
    if options is None:
        pattern = pattern_options(task_name)
        options = pattern if pattern is not None else Options()
    if options.retry_safe is None:
        options = replace(options, retry_safe=idempotent)
    return options


def pattern_options(task_name: str) -> Options | None:
    """Options of the first entry of ``TASK_PATTERNS`` that fits a task's name, or None."""
    patterns = _patterns()
    return next(
        (options for pattern, options in patterns.items() if fnmatch.fnmatchcase(task_name, pattern)), None
    )


@_built_once
def _patterns() -> Mapping[str, Options]:
    return or_default("TASK_PATTERNS", read_patterns, {})


def conclude(
    ending: Ending,
    *,
    options: Options,
    facts: ExceptionFacts,
    round_began_at: datetime,
    expires_at: datetime | None = None,
) -> Ending:
    """The ending with its classification, its fingerprint and what should become of the task.

    Pure but for what the engine has learnt. In ``observe`` mode the proposal says what would have been done, and
    proposes nothing.
    """
    retries = ending.attempt - 1 if ending.context.get("retries") is None else int(ending.context["retries"])
    context = {
        "task_name": ending.task_name,
        "retry_count": retries,
        "downstream": options.downstream,
        **ending.context,
    }
    classification = FailureTaxonomy.classify_facts(facts, context)
    if options.downstream is None:
        options = replace(options, downstream=derive_downstream(classification, facts))
    said = {key: ending.context[key] for key in ("breaker", "poison") if key in ending.context}
    policy = retry_engine.get_retry_policy(
        ending.task_name, classification, {"retry_count": retries, "options": options, **said}
    )
    if ending.context.get("excused"):
        # The failure uses up no retry, so neither does it find them used up.
        retries = max(0, min(retries, policy.max_retries - 1))
    window = off_peak()
    server = server_wait_seconds(facts, None)
    hint = server[0] if server else None
    decision = decide(
        classification=classification,
        policy=policy,
        retry_count=retries,
        declared_safe=bool(options.retry_safe),
        auto_retry=cast("AutoRetry", get_settings().auto_retry),
        first_failed_at=min(round_began_at, ending.ended_at),
        now=ending.ended_at,
        rng=_rng,
        hint_seconds=hint,
        expires_at=expires_at,
        priority_level=_priority_level(ending, options) if window else None,
        off_peak=window,
    )
    explain = {**decision.to_dict(), "policy": policy.explain()}
    known = str(ending.context.get("known") or "")
    if get_mode() != "on":
        proposal = Proposal(
            retry=False, reason=f"Observed only; would have: {decision.reason}", explain=explain
        )
    else:
        proposal = Proposal(
            retry=decision.is_retry,
            delay_seconds=decision.delay_seconds or 0.0,
            max_retries=policy.max_retries,
            reason=f"{known} {decision.reason}".strip(),
            hint_seconds=hint,
            explain=explain,
        )
    return replace(
        ending,
        options=options.to_dict(),
        facts=None,
        exception_type=facts.exception_type,
        exception_message=mask(facts.message),
        traceback=mask(ending.traceback),
        classification=classification.to_dict(),
        fingerprint=fingerprint(facts, ending.task_name),
        proposal=proposal,
    )


def conclude_stored(ending: Ending) -> Ending:
    """:func:`conclude` for an ending that somebody else saw and could not decide about (keepers)."""
    if ending.outcome is not Outcome.FAILED or ending.proposal is not None:
        return ending
    options = effective_options(ending.task_name, Options.from_dict(ending.options), idempotent=False)
    facts = ExceptionFacts.from_dict(ending.facts or {"exc_qualname": ending.exception_type})
    return conclude(ending, options=options, facts=facts, round_began_at=ending.ended_at)


def _priority_level(ending: Ending, options: Options) -> TaskPriority:
    context = {"priority": options.priority_name, "business_unit": ending.business_unit}
    return priority_service.calculate_priority(ending.task_name, context).priority


def configure_taxonomy() -> None:
    """Let ``FailureTaxonomy`` know the project's rules, corrections and downstreams.

    Called when Django is ready and when settings change.
    """
    FailureTaxonomy.configure(
        Classifier(
            project_rules=or_default("RULES", read_rules, ()),
            more_rules=lambda: decorated.rules,
            corrections=lambda: experience().corrections(),
            downstreams=or_default("DOWNSTREAMS", read_downstreams, NO_DOWNSTREAMS),
            now=clock.now,
        )
    )


on_reload(configure_taxonomy)


def classify(exception: BaseException, context: Mapping[str, Any] | None = None) -> Classification:
    """The classification of an exception, by the project's rules and ours. Never raises."""
    return FailureTaxonomy.classify(exception, dict(context or {}))


class _RetryEngine:
    """The documented ``retry_engine``: :class:`~redrive.retry.RetryEngine`, made from the settings in force."""

    def get_retry_policy(
        self,
        task_name: str,
        exception: BaseException | Classification,
        task_context: Mapping[str, Any] | None = None,
    ) -> RetryPolicy:
        """See :meth:`redrive.retry.RetryEngine.get_retry_policy`."""
        return _engine().get_retry_policy(task_name, exception, task_context)

    def max_age_seconds(self, task_name: str, failure_type: str) -> float:
        """See :meth:`redrive.retry.RetryEngine.max_age_seconds`."""
        return _engine().max_age_seconds(task_name, failure_type)

    def calculate_next_retry(self, policy: RetryPolicy, retry_count: int) -> float:
        """Seconds until the next retry; ``retry_count`` is 0 after the first run."""
        return _engine().calculate_next_retry(policy, retry_count)

    def record_retry_attempt(
        self,
        task_name: str,
        failure_type: FailureType | str,
        success: bool = True,
        *,
        retry: int | None = None,
        breaker: str | None = None,
    ) -> None:
        """See :meth:`redrive.retry.RetryEngine.record_retry_attempt`. Raises ValueError for an unknown type."""
        _engine().record_retry_attempt(task_name, failure_type, success, retry=retry, breaker=breaker)


class _PriorityService:
    """The documented ``priority_service``: :class:`~redrive.priority.PriorityService`, from the settings in force."""

    def calculate_priority(self, task_name: str, context: Mapping[str, Any] | None = None) -> PriorityResult:
        """See :meth:`redrive.priority.PriorityService.calculate_priority`."""
        return priorities().calculate_priority(task_name, context)

    def requeue_task(
        self,
        task_id: str,
        task_name: str,
        task_args: Any = (),
        task_kwargs: Mapping[str, Any] | None = None,
        priority: TaskPriority | int | str | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> RequeueResult:
        """See :meth:`redrive.priority.PriorityService.requeue_task`."""
        return priorities().requeue_task(task_id, task_name, task_args, task_kwargs, priority, context)


retry_engine = _RetryEngine()
priority_service = _PriorityService()
