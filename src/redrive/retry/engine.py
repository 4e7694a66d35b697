"""The retry engine: one object that answers which policy applies and how long to wait."""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeAlias

from redrive.gate import BreakerState
from redrive.options import Options
from redrive.retry.backoff import next_delay
from redrive.retry.learning import MIN_SAMPLES, adapt, fewer_retries
from redrive.retry.policies import DEFAULT_POLICIES, Overrides, change, parse_policies, resolve
from redrive.retry.store import LearningStore
from redrive.retry.types import Adjustment, RetryPolicy, Samples
from redrive.taxonomy import Classification, FailureTaxonomy, FailureType

logger = logging.getLogger(__name__)

Classifier: TypeAlias = Callable[[BaseException, Mapping[str, Any] | None], Classification]
QueueDepth: TypeAlias = Callable[[str], int | None]

MOST_REMEMBERED: Final = 10_000
"""Policies kept, one per failure type and task name; more names than any project has."""


class RetryEngine:
    """Policies by failure type, adapted to settings, the task, experience and load.

    Thread-safe. Opens no connection of its own. A classifier, store or queue depth that fails costs its
    contribution and one log line, never an exception.

    Args:
        policies: changes to the defaults, as in the ``POLICIES`` setting; checked here.
        classifier: from an exception and its context to a `Classification`. Default: `FailureTaxonomy.classify`.
        learning: where past retries are counted; None: no learning.
        queue_depth: from a task's name to the number of tasks waiting in its queue, or None when not known.
        rng: where jitter comes from.
    """

    def __init__(
        self,
        policies: Overrides | None = None,
        *,
        classifier: Classifier | None = None,
        learning: LearningStore | None = None,
        queue_depth: QueueDepth | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._overrides: Overrides = parse_policies(policies or {})
        self._classify: Classifier = classifier or FailureTaxonomy.classify
        self._learning = learning
        self._queue_depth = queue_depth
        self._rng = rng or random.Random()  # noqa: S311  # spread, not secrets
        self._known: dict[tuple[FailureType, str], RetryPolicy] = {}
        self._said: set[str] = set()

    def get_retry_policy(
        self,
        task_name: str,
        exception: BaseException | Classification,
        task_context: Mapping[str, Any] | None = None,
    ) -> RetryPolicy:
        """Return the policy for this failure of this task, with every adjustment and its reason.

        ``exception`` may be a `Classification` if the caller has one. ``task_context`` is what the caller
        knows: ``retry_count``, ``queue_depth``, ``options`` (the task's `Options`), and what the gate has
        reported: ``breaker`` (its state; learning pauses unless it is closed) and ``poison``.
        """
        context = task_context or {}
        classification = self._classification(task_name, exception, context)
        kind = classification.failure_type
        policy = self._resolved(kind, task_name)
        policy = self._respect_classification(policy, classification)
        options = context.get("options")
        if isinstance(options, Options):
            policy = self._declared(policy, options, exception, context)
        count = context.get("retry_count")
        retry = count + 1 if isinstance(count, int) else None
        samples, paused = self._samples(task_name, kind, retry), _is_paused(context.get("breaker"))
        policy = adapt(policy, samples, self._depth(task_name, context), paused=paused)
        if context.get("poison"):
            reason = "This task fails while others on the same downstream succeed: one retry only"
            policy = fewer_retries(policy, 1, "poison", reason)
        return policy

    def calculate_next_retry(self, policy: RetryPolicy, retry_count: int) -> float:
        """Return the seconds to wait before the next retry; ``retry_count`` is 0 after the first run."""
        return next_delay(policy, retry_count, rng=self._rng).seconds

    def record_retry_attempt(
        self,
        task_name: str,
        failure_type: FailureType | str,
        success: bool = True,
        *,
        retry: int | None = None,
        breaker: str | None = None,
    ) -> None:
        """Count how one retry went, for the learning.

        Args:
            failure_type: of the failure that was retried.
            retry: its number; 1 is the first. None: not known.
            breaker: state of the downstream's breaker. Unless closed, the retry says nothing about delays and is
                not counted.

        Raises:
            ValueError: ``failure_type`` is no failure type's name.
        """
        name = failure_type.value if isinstance(failure_type, FailureType) else str(failure_type)
        if name not in FailureType.__members__:
            raise ValueError(f"No failure type {name!r}. Known: {', '.join(FailureType.__members__)}.")
        if self._learning is not None and not _is_paused(breaker):
            try:
                self._learning.record(task_name, name, bool(success), retry)
            except Exception as exc:  # a store that is away must not fail the task
                self._say_once("learning", exc)

    def max_age_seconds(self, task_name: str, failure_type: str) -> float:
        """How long after its first failure a task that declares nothing else may be retried.

        A type that only a newer release knows counts as UNKNOWN.
        """
        kind = FailureType.__members__.get(failure_type, FailureType.UNKNOWN)
        return self._resolved(kind, task_name).max_age_seconds

    def _resolved(self, kind: FailureType, task_name: str) -> RetryPolicy:
        """The policy before anything is known about this failure; that takes half of a decision's time, so once."""
        policy = self._known.get((kind, task_name))
        if policy is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            policy = self._known[kind, task_name] = resolve(kind, task_name, self._overrides)
        return policy

    def _classification(
        self, task_name: str, exception: BaseException | Classification, context: Mapping[str, Any]
    ) -> Classification:
        if isinstance(exception, Classification):
            return exception
        plain = {key: value for key, value in context.items() if key not in ("options", "breaker", "poison")}
        return self._classify(exception, {"task_name": task_name, **plain})

    def _respect_classification(self, policy: RetryPolicy, classification: Classification) -> RetryPolicy:
        """The type says retry, but this very failure says no (a 501 among API errors): then no.

        A setting that names ``max_retries`` for the type has the last word.
        """
        set_by_hand = "max_retries" in self._overrides.get(policy.key, {})
        if policy.max_retries == 0 or classification.retry_recommended or set_by_hand:
            return policy
        reason = "The same call would fail again: the classification advises against a retry."
        adjustment = Adjustment("classification", "max_retries", policy.max_retries, 0, reason)
        return replace(policy, max_retries=0, adjustments=(*policy.adjustments, adjustment))

    def _declared(
        self,
        policy: RetryPolicy,
        options: Options,
        exception: BaseException | Classification,
        context: Mapping[str, Any],
    ) -> RetryPolicy:
        """Apply what the task declares. A failure that is not retried stays so, unless a function decides
        otherwise."""
        declared: Any = options.policy
        if isinstance(declared, str):
            declared = self._named(declared)
        elif callable(declared):
            declared = self._ask(declared, policy, exception, context)
            if isinstance(declared, RetryPolicy):
                return _replaced(policy, declared, options)
        if isinstance(declared, RetryPolicy) and policy.max_retries > 0:
            policy = _replaced(policy, declared, options)
        if options.max_age_seconds is not None and policy.max_retries > 0:
            policy = change(
                policy, "declared policy", "Options", {"max_age_seconds": float(options.max_age_seconds)}
            )
        return policy

    def _named(self, name: str) -> RetryPolicy | None:
        kind = FailureType.__members__.get(name)
        if kind is None:
            self._say_once(
                "policy " + name, ValueError(f"Options(policy={name!r}): no failure type of that name")
            )
            return None
        return DEFAULT_POLICIES[kind] if name not in self._overrides else resolve(kind, "", self._overrides)

    def _ask(
        self,
        function: Callable[..., Any],
        policy: RetryPolicy,
        exception: BaseException | Classification,
        context: Mapping[str, Any],
    ) -> RetryPolicy | None:
        try:
            answer = function(policy, exception, context)
        except Exception as exc:  # the host's function; without it the default policy applies
            self._say_once("policy function", exc)
            return None
        return answer if isinstance(answer, RetryPolicy) else None

    def _samples(self, task_name: str, kind: FailureType, retry: int | None) -> Samples:
        """The counts of this very retry number where there are enough of them, else of all."""
        if self._learning is None:
            return Samples()
        try:
            own = self._learning.samples(task_name, kind.value, retry) if retry is not None else Samples()
            return own if own.total >= MIN_SAMPLES else self._learning.samples(task_name, kind.value)
        except Exception as exc:  # no experience is better than no policy
            self._say_once("learning", exc)
            return Samples()

    def _depth(self, task_name: str, context: Mapping[str, Any]) -> int | None:
        depth = context.get("queue_depth")
        if isinstance(depth, int):
            return depth
        if self._queue_depth is None:
            return None
        try:
            return self._queue_depth(task_name)
        except Exception as exc:  # an unreachable broker must not fail the decision
            self._say_once("queue depth", exc)
            return None

    def _say_once(self, what: str, exc: Exception) -> None:
        if what in self._said:
            return
        self._said.add(what)
        logger.warning("Retry engine goes on without %s: %s: %s", what, type(exc).__name__, exc)


def _is_paused(breaker: object) -> bool:
    return breaker is not None and str(breaker) != BreakerState.CLOSED


def _replaced(policy: RetryPolicy, declared: RetryPolicy, options: Options) -> RetryPolicy:
    reason = f"Declared by the task: policy {options.policy_name}"
    adjustment = Adjustment("declared policy", "policy", policy.key, declared.key, reason)
    return replace(declared, adjustments=(*policy.adjustments, adjustment))
