"""The base classes that people use."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from celery.app.task import Task
from celery.contrib.django.task import DjangoTask
from celery.exceptions import MaxRetriesExceededError, Retry
from celery.utils.serialization import get_pickleable_exception, raise_with_context

from redrive import runtime
from redrive.celery import claiming, endings, wrapper
from redrive.celery.capture import Wire
from redrive.conf import get_mode
from redrive.dead_letters import Ending, Proposal
from redrive.idempotency import Declared, read_declared
from redrive.idempotency.declared import PREFIX
from redrive.options import Options
from redrive.retry import MIN_DELAY_SECONDS

logger = logging.getLogger("redrive")


if TYPE_CHECKING:
    Base = DjangoTask[Any, Any]
else:
    Base = DjangoTask  # cannot be subscripted at run time unless celery-types patched it


_MESSAGE_OPTIONS = frozenset(
    {
        "group_id", "group_index", "expires", "chord", "reply_to", "time_limit", "soft_time_limit", "root_id",
        "parent_id", "shadow", "chain", "origin", "ignore_result", "stamped_headers", "replaced_task_nesting",
    }
)  # fmt: skip
"""Options of a signature that belong into the message itself."""


class RedriveTask(Base):
    """A task whose failures are understood, kept, and retried where that is declared safe.

    ``Celery("shop", task_cls="redrive.celery:RedriveTask")`` makes it the base of every task. What a task says about
    itself: ``@shared_task(redrive=Options(downstream="stripe", retry_safe=True))``.
    """

    abstract = True
    redrive: ClassVar[Options | None] = None

    @classmethod
    def on_bound(cls, app: Any) -> None:
        """Celery calls this when the task is bound to its app: put the wrapper around its body."""
        super().on_bound(app)
        declared = cls.redrive
        if declared is not None and not isinstance(declared, Options):
            raise TypeError(
                f"{cls.name}: redrive={declared!r} must be Options(...), from redrive.celery import Options."
            )
        wrapper.wrap_class(cls)

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: Exception | None = None,
        throw: bool = True,
        eta: datetime | None = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> Retry:
        """Celery's ``retry``, but the wait is a row in the database and not a countdown in a worker's memory.

        The number of retries is ``max_retries`` if given, else the task's own if it sets one, else the policy's for
        what failed. Anything else is as in Celery, also the exception raised when retries are used up.
        """
        try:
            answer = self._retry(args, kwargs, exc, throw, eta, countdown, max_retries, options)
        except BaseException as outcome:
            claiming.settle_after_autoretry(self.request, outcome)
            raise
        claiming.settle_after_autoretry(self.request, answer)
        return answer

    def _retry(
        self,
        args: Any,
        kwargs: Any,
        exc: Exception | None,
        throw: bool,
        eta: datetime | None,
        countdown: float | None,
        max_retries: int | None,
        options: dict[str, Any],
    ) -> Retry:
        request = self.request
        if request.called_directly or request.is_eager or get_mode() != "on":
            return self._celery_retry(args, kwargs, exc, throw, eta, countdown, max_retries, options)
        cause = exc if isinstance(exc, BaseException) else sys.exc_info()[1]
        if isinstance(cause, wrapper.NOT_STARTED):
            self._raise_used_up(cause)
        try:
            ending = self._waiting_ending(args, kwargs, cause, eta, countdown, max_retries, options)
        except Exception:
            logger.exception("redrive: %s[%s]: retry() goes to Celery", self.name, request.id)
            return self._celery_retry(args, kwargs, exc, throw, eta, countdown, max_retries, options)
        if ending is None:
            self._raise_used_up(exc)
        if not ending.has_message:
            # Too large to store, say. A message of before, with other arguments, must not go in its place.
            return self._celery_retry(args, kwargs, exc, throw, eta, countdown, max_retries, options)
        recorded = wrapper.store(self, request, ending)
        if recorded.where == "nowhere":
            return self._celery_retry(args, kwargs, exc, throw, eta, countdown, max_retries, options)
        if not recorded.retry:
            self._raise_used_up(exc)
        reason = get_pickleable_exception(cause) if isinstance(cause, Exception) else None
        answer = Retry(exc=reason, when=ending.due_at)
        if throw:
            raise answer
        return answer

    def _celery_retry(
        self,
        args: Any,
        kwargs: Any,
        exc: Exception | None,
        throw: bool,
        eta: datetime | None,
        countdown: float | None,
        max_retries: int | None,
        options: dict[str, Any],
    ) -> Retry:
        answer: Retry = super().retry(
            args=args,
            kwargs=kwargs,
            exc=exc,
            throw=throw,
            eta=eta,
            countdown=countdown,
            max_retries=max_retries,
            **options,
        )
        return answer

    def _waiting_ending(
        self,
        args: Any,
        kwargs: Any,
        cause: BaseException | None,
        eta: datetime | None,
        countdown: float | None,
        max_retries: int | None,
        options: dict[str, Any],
    ) -> Ending | None:
        """The ending to record for this retry, or None if retries are used up."""
        request = self.request
        failure = (
            cause if isinstance(cause, BaseException) else Retry("retry() was called without an exception")
        )
        wire = self._changed_message(args, kwargs, options)
        ending = endings.failed(self, request, failure, wrapper.options_of(self), source="retry", wire=wire)
        policy_retries = ending.proposal.max_retries if ending.proposal else 0
        limit = max_retries if max_retries is not None else self._own_max_retries(policy_retries)
        if limit is not None and request.retries >= limit:
            return None
        seconds = _seconds(eta, countdown, self.default_retry_delay)
        number = "" if limit is None else f" of {limit}"
        proposal = Proposal(
            retry=True,
            delay_seconds=max(seconds, MIN_DELAY_SECONDS),
            max_retries=2**31 - 1 if limit is None else limit,
            reason=f"The task itself called retry(): retry {request.retries + 1}{number} in {seconds:.0f} s.",
            explain=ending.proposal.explain if ending.proposal else {},
        )
        return replace(ending, proposal=proposal)

    def _own_max_retries(self, policy_retries: int) -> int | None:
        """The task's own number of retries if a class below ours sets one, else the policy's.

        Where the policy would not retry at all, somebody asks for it all the same: then Celery's default stands.
        """
        for cls in type(self).__mro__:
            if cls in (RedriveTask, Task):
                break
            if "max_retries" in cls.__dict__:
                own: int | None = self.max_retries
                return own
        return policy_retries or self.max_retries

    def _changed_message(self, args: Any, kwargs: Any, options: dict[str, Any]) -> Wire | None:
        """A message with other arguments or options, if ``retry`` was given any; None keeps the one that came in."""
        if args is None and kwargs is None and not options:
            return None
        request = self.request
        args, kwargs = self._merged_arguments(args, kwargs)
        signature = self.signature_from_request(request, args, kwargs, retries=request.retries, **options)
        stamps = {name: (request.stamps or {}).get(name) for name in request.stamped_headers or ()}
        kept: dict[str, Any] = {**stamps} | {
            name: value for name, value in signature.options.items() if name in _MESSAGE_OPTIONS
        }
        message = self.app.amqp.as_task_v2(
            str(request.id),
            self.name,
            tuple(signature.args),
            dict(signature.kwargs),
            retries=request.retries,
            callbacks=signature.options.get("link"),
            errbacks=signature.options.get("link_error"),
            **kept,
        )
        serializer = signature.options.get("serializer") or self.serializer or "json"
        content_type, content_encoding, body = endings.encode(message.body, serializer)
        values = {**request.__dict__, **message.headers, **(options.get("headers") or {})}
        if options.get("queue"):
            values["delivery_info"] = {"exchange": "", "routing_key": str(options["queue"])}
        if "priority" in options:
            values["delivery_info"] = {**(values.get("delivery_info") or {}), "priority": options["priority"]}
        return Wire(body, content_type, content_encoding, values)

    def _merged_arguments(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """The arguments of a retry: those given, and of the present ones those that still fit beside them."""
        request = self.request
        parameters = list(inspect.signature(self.run).parameters.values())
        positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        if args is not None and kwargs is None:
            taken = set(positional[: len(args)])
            kwargs = {name: value for name, value in (request.kwargs or {}).items() if name not in taken}
        elif kwargs is not None and args is None:
            # A keyword may replace a value that came by position; the ones behind it then go by name too.
            present = list(request.args or ())
            replaced = [place for place, name in enumerate(positional[: len(present)]) if name in kwargs]
            cut = min(replaced, default=len(present))
            named = dict(zip(positional[cut:], present[cut : len(positional)], strict=False))
            args, kwargs = present[:cut], {**named, **kwargs}
        return args, kwargs

    def _raise_used_up(self, exc: Exception | None) -> NoReturn:
        self.request.redrive_used_up = True  # type: ignore[attr-defined]  # a context takes any attribute
        if exc is not None:
            raise_with_context(exc)
            raise exc
        raise MaxRetriesExceededError(f"Can't retry {self.name}[{self.request.id}]")


class IdempotentTask(RedriveTask):
    """A task of which the same call runs once at a time, and once per ``idempotency_ttl`` if it succeeds.

    Declaring this also says that the task may run again by itself after a failure. While the same call runs
    elsewhere a duplicate waits; after it has succeeded a duplicate gets the recorded result. Called directly, by
    ``apply()`` or in eager mode, it is a plain function without a claim.
    """

    abstract = True
    redrive_idempotency: ClassVar[Declared | None] = None
    """What the keywords below say, once the task is bound to its app."""

    idempotency_enabled = True
    idempotency_ttl: float = 3600
    """Seconds for which a result stands for the same call. Default 3600."""
    idempotency_scope = "global"
    """Among which calls the same one is looked for: ``global``, ``user``, ``device`` or ``task``."""
    idempotency_scope_from: Any = None
    """Which user or device: name(s) of an argument or message header, or a function of the arguments by name."""
    idempotency_key: Any = None
    """Name(s) of the arguments that make a call the same one, or a function of the arguments by name that returns a
    text. Default: all arguments."""
    idempotency_lease: float = 60
    """Seconds after which the claim of a dead worker ends; a living one renews it. Default 60."""
    idempotency_on_running = "wait"
    """What a duplicate does while the same call runs: ``wait``, ``skip`` or ``raise``."""
    idempotency_on_done = "replay"
    """What a duplicate does after the same call has succeeded: ``replay``, ``skip`` or ``raise``."""
    idempotency_store_away = "sql"
    """What the task does while Redis is away: claim in ``sql``, or ``fail_open`` (run), or ``fail_closed`` (wait)."""
    idempotency_keep_result = True
    """False: the result itself is not recorded (secrets, personal data); duplicates get None."""

    @classmethod
    def on_bound(cls, app: Any) -> None:
        """Check the options, so that a typo fails at import and not at night."""
        super().on_bound(app)
        declared = read_declared(str(cls.name), _options(cls))
        names = _argument_names(cls)
        if isinstance(declared.key, tuple) and names is not None:
            unknown = [name for name in declared.key if name not in names]
            if unknown:
                raise TypeError(
                    f"{cls.name}: idempotency_key names {', '.join(unknown)}; its arguments are {', '.join(names)}."
                )
        cls.redrive_idempotency = declared

    @property
    def idempotency(self) -> claiming.Held | None:
        """The claim of the running call (``.fence``, ``.lost``, ``.confirm()``), or None outside a worker or without a
        claim."""
        held = getattr(self.request, "redrive_claim", None)
        return held if isinstance(held, claiming.Held) else None

    def call_key(
        self,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        task_id: str = "",
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """The idempotency key of a call, the same before it is published and in the worker.

        Args:
            args: Positional arguments, as for ``apply_async``.
            kwargs: Keyword arguments.
            task_id: Needed by the scope ``task`` only.
            headers: The message's own headers, if scope values are there.

        Raises:
            UnsupportedArgument: An argument has no stable encoding; the message names it and what to pass instead.
            MissingScopeValue: The call does not say which user or device it is for.
            TypeError: The arguments do not fit the task.
        """
        return claiming.call_of(self, args, kwargs or {}, task_id=task_id, headers=headers or {}).key


def _options(cls: type) -> dict[str, Any]:
    """The ``idempotency_*`` attributes of a task class; functions as they were given, not bound to the task."""
    found = {name: inspect.getattr_static(cls, name) for name in dir(cls) if name.startswith(PREFIX)}
    return {
        name: value.__func__ if isinstance(value, staticmethod) else value for name, value in found.items()
    }


def _argument_names(cls: type) -> list[str] | None:
    """Names of the arguments of a task's body; None if it takes any keyword."""
    run = inspect.getattr_static(cls, "run")
    body = inspect.unwrap(run.__func__ if isinstance(run, staticmethod) else run)
    parameters = list(inspect.signature(body).parameters.values())
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return None
    return [one.name for one in parameters if one.name != "self"]


def _seconds(eta: datetime | None, countdown: float | None, default: float) -> float:
    if eta is not None:
        moment = eta.replace(tzinfo=UTC) if eta.tzinfo is None else eta
        return max(0.0, (moment - runtime.clock.now()).total_seconds())
    return float(default if countdown is None else countdown)
