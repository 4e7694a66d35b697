"""What the retry-policy page shows: the policies in force, how retries went, what experience changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from redrive.api.breakers import Breakers, read_breakers
from redrive.conf import get_settings
from redrive.dashboards import forms
from redrive.dashboards.gates import WORDS
from redrive.dashboards.savings import Savings, read_savings
from redrive.keeper.keeper import LEARNING_WINDOW
from redrive.retry import DEFAULT_POLICIES, Adjustment, RetryPolicy, Samples, adapt, parse_policies
from redrive.retry.learning import HIGH_SUCCESS_RATE, LOW_SUCCESS_RATE
from redrive.retry.policies import Overrides, resolve
from redrive.stores.sql import pages
from redrive.stores.sql.hindsight import UNDECLARED_SPAN, UndeclaredFigure, total, undeclared_tasks
from redrive.stores.sql.pages import EventFigure, StatFigure
from redrive.taxonomy import FailureType


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOutcome:
    """How the retries of one task and failure type went."""

    task_name: str
    failure_type: str
    success: int
    failure: int
    adjustments: tuple[Adjustment, ...] = ()
    """What the experience of the last week changes about its policy."""

    @property
    def total(self) -> int:
        return self.success + self.failure

    @property
    def success_rate(self) -> float:
        return self.success / self.total

    @property
    def tone(self) -> str:
        """The colour of its bar, by the shares from which delays are adapted: good above 80 %, bad below 30 %."""
        rate = self.success_rate
        return "good" if rate > HIGH_SUCCESS_RATE else "bad" if rate < LOW_SUCCESS_RATE else "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPage:
    """The page ``retry_policy``."""

    timeframes: tuple[forms.Choice, ...]
    auto_retry: str
    mode: str
    breakers: Breakers
    outcomes: tuple[RetryOutcome, ...]
    by_type: tuple[RetryOutcome, ...]
    undeclared: tuple[UndeclaredFigure, ...]
    undeclared_sum: UndeclaredFigure
    savings: Savings
    verbs: tuple[tuple[str, str], ...]
    policies: tuple[RetryPolicy, ...]
    problem: str
    events: tuple[EventFigure, ...]


def read_outcomes(stats: Sequence[StatFigure]) -> tuple[RetryOutcome, ...]:
    """Counters of kind ``retry`` (label ``TYPE:success`` or ``TYPE:failure``) per task and type, most first.

    Those of single attempts (``TYPE:2:success``) are in these already.
    """
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for stat in stats:
        failure_type, _colon, outcome = stat.label.rpartition(":")
        if outcome in ("success", "failure") and ":" not in failure_type:
            row = counts.setdefault((stat.task_name, failure_type), {"success": 0, "failure": 0})
            row[outcome] += stat.count
    rows = (
        RetryOutcome(task_name=task, failure_type=kind, success=n["success"], failure=n["failure"])
        for (task, kind), n in counts.items()
        if n["success"] + n["failure"]
    )
    return tuple(sorted(rows, key=lambda row: (-row.total, row.task_name, row.failure_type)))


def sum_by_type(outcomes: Sequence[RetryOutcome]) -> tuple[RetryOutcome, ...]:
    """The same over all tasks."""
    stats: dict[str, list[int]] = {}
    for row in outcomes:
        sums = stats.setdefault(row.failure_type, [0, 0])
        sums[0] += row.success
        sums[1] += row.failure
    rows = (
        RetryOutcome(task_name="", failure_type=kind, success=a, failure=b) for kind, (a, b) in stats.items()
    )
    return tuple(sorted(rows, key=lambda row: (-row.total, row.failure_type)))


def adjustments(outcome: RetryOutcome, overrides: Overrides) -> tuple[Adjustment, ...]:
    """What the outcome changes about the policy of this task and type, as the engine does it."""
    if outcome.failure_type not in FailureType.__members__:
        return ()
    policy = resolve(FailureType(outcome.failure_type), outcome.task_name, overrides)
    after = adapt(policy, Samples(outcome.success, outcome.total))
    return after.adjustments[len(policy.adjustments) :]


def read_overrides(raw: Mapping[str, Mapping[str, object]]) -> tuple[Overrides, str]:
    """The ``POLICIES`` setting, and what is wrong with it if it cannot be used (then the defaults are in force)."""
    try:
        return parse_policies(raw), ""
    except ValueError as error:
        return {}, str(error)


def policies_in_force(overrides: Overrides) -> tuple[RetryPolicy, ...]:
    """The policy of every failure type, the retried ones first."""
    found = (resolve(kind, "", overrides) for kind in DEFAULT_POLICIES)
    return tuple(sorted(found, key=lambda policy: policy.max_retries == 0))


def read_retry_page(now: datetime, timeframe: str, length: timedelta, mode: str) -> RetryPage:
    """Read everything the retry-policy page shows for the last ``length``."""
    settings = get_settings()
    overrides, problem = read_overrides(settings.policies)
    outcomes = read_outcomes(pages.stats_by_task("retry", now - length))
    past = read_outcomes(pages.stats_by_task("retry", now - LEARNING_WINDOW))
    undeclared = undeclared_tasks(now - UNDECLARED_SPAN)
    learned = {(row.task_name, row.failure_type): adjustments(row, overrides) for row in past}
    return RetryPage(
        timeframes=forms.timeframe_choices(timeframe),
        auto_retry=settings.auto_retry,
        mode=mode,
        breakers=read_breakers(),
        outcomes=tuple(
            replace(row, adjustments=learned.get((row.task_name, row.failure_type), ()))
            for row in outcomes[: pages.PAGE_SIZE]
        ),
        by_type=sum_by_type(outcomes),
        undeclared=undeclared,
        undeclared_sum=total(undeclared),
        savings=read_savings(now - length, settings.costs),
        verbs=tuple((verb, str(words)) for verb, (words, _meaning) in WORDS.items()),
        policies=policies_in_force(overrides),
        problem=problem,
        events=pages.recent_events(pages.PAGE_SIZE),
    )
