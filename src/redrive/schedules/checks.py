"""What is wrong with a schedule, from its entries and what their tasks declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import combinations

from redrive.schedules.times import meet, shortest_gap_seconds, swallowed
from redrive.schedules.types import Entry, Finding, ScheduledTask, Severity, Unreadable

SCOPE_OF_ONE_MESSAGE = "task"
"""The scope in which every message has a key of its own, so that no run of a schedule meets another."""


def check_idempotency(
    entries: Sequence[Entry], tasks: Mapping[str, ScheduledTask], now: datetime
) -> tuple[Finding, ...]:
    """Scheduled tasks that should be idempotent and are not, and idempotent ones that swallow their own runs.

    ``tasks`` are those that are registered; an entry of another one is listed as not judged. Disabled entries are left
    out, and so are Celery's own tasks.
    """
    on = _enabled(entries)
    twice = {name for finding in check_duplicates(entries, now) for name in finding.entries}
    found: list[Finding | None] = []
    for entry in on:
        task = tasks.get(entry.task)
        if task is None:
            found.append(_not_judged(entry, "Its task is not registered in this project."))
        elif not task.idempotent:
            found.append(_not_idempotent(entry, task, twice=entry.name in twice))
        else:
            found.append(_period(entry, task, now))
    return tuple(finding for finding in found if finding is not None)


def _enabled(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.enabled and not entry.task.startswith("celery.")]


def _not_judged(entry: Entry, why: str) -> Finding:
    return Finding(
        kind="not-judged",
        severity=Severity.UNKNOWN,
        entries=(entry.name,),
        task=entry.task,
        words=why,
        fix="Correct the entry, or look at it yourself.",
    )


def _not_idempotent(entry: Entry, task: ScheduledTask, *, twice: bool) -> Finding | None:
    """A task that may run twice for one due time, though nobody said that this does no harm."""
    if task.retry_safe and not twice:
        return None
    reasons = [
        reason
        for holds, reason in (
            (twice, "another entry makes the same call"),
            (task.acks_late, "it is acknowledged late, so a lost worker's message runs again"),
            (task.critical, "it is declared critical"),
        )
        if holds
    ]
    if reasons:
        return Finding(
            kind="not-idempotent",
            severity=Severity.FAULT,
            entries=(entry.name,),
            task=entry.task,
            words=f"It is not idempotent and should be: {'; '.join(reasons)}.",
            fix="Give it base=IdempotentTask.",
        )
    return Finding(
        kind="not-idempotent",
        severity=Severity.ADVICE,
        entries=(entry.name,),
        task=entry.task,
        words="It is not idempotent, and nothing says that a second run does no harm: a second beat or a message"
        " delivered again runs it twice.",
        fix="Give it base=IdempotentTask, or redrive=Options(retry_safe=True) if running twice is fine.",
    )


def _period(entry: Entry, task: ScheduledTask, now: datetime) -> Finding | None:
    """An idempotent task that is due again while its last result still stands."""
    if task.scope == SCOPE_OF_ONE_MESSAGE:
        return None
    if isinstance(entry.timing, Unreadable):
        return _not_judged(entry, f"When it fires cannot be told: {entry.timing.why}")
    period = shortest_gap_seconds(entry.timing, now)
    if period is None or period >= task.ttl_seconds:
        return None
    if task.key_is_computed:
        return _not_judged(
            entry,
            f"It is due every {span(period)}, and a result stands for {span(task.ttl_seconds)}; whether two runs have"
            " the same key is up to its idempotency_key function.",
        )
    lost, runs = swallowed(entry.timing, task.ttl_seconds, now)
    return Finding(
        kind="period-below-ttl",
        severity=Severity.FAULT,
        entries=(entry.name,),
        task=entry.task,
        words=f"It is due every {span(period)}, but a result stands for {span(task.ttl_seconds)}:"
        f" {lost:,} of {runs:,} runs in a row are swallowed.",
        fix=f"Set idempotency_ttl below {period:g}, put what makes each run another one into its arguments, or give it"
        " idempotency_scope='task' if only deliveries of one message should be told apart.",
        evidence={
            "period_seconds": period,
            "ttl_seconds": task.ttl_seconds,
            "swallowed": lost,
            "runs": runs,
        },
    )


def check_duplicates(entries: Sequence[Entry], now: datetime) -> tuple[Finding, ...]:
    """Pairs of enabled entries that make the same call: a fault, unless they never fire at the same time."""
    calls: dict[tuple[str, str], list[Entry]] = {}
    for entry in _enabled(entries):
        calls.setdefault((entry.task, entry.arguments), []).append(entry)
    return tuple(
        finding for same in calls.values() for pair in combinations(same, 2) for finding in _pair(*pair, now)
    )


def _pair(one: Entry, other: Entry, now: datetime) -> Iterator[Finding]:
    names, both = (one.name, other.name), f"{quoted(one.name)} and {quoted(other.name)}"
    for entry in (one, other):
        if isinstance(entry.timing, Unreadable):
            yield _not_judged(entry, f"When it fires cannot be told: {entry.timing.why}")
            return
    together = meet(one.timing, other.timing, now)
    when = (
        "and fire at the same time"
        if together
        else "and may fire at the same time: an interval has no fixed phase"
    )
    if together is False:
        when = "at different times"
    yield Finding(
        kind="similar" if together is False else "duplicate",
        severity=Severity.ADVICE if together is False else Severity.FAULT,
        entries=names,
        task=one.task,
        words=f"{both} make the same call, {when}.",
        fix="Delete one of them."
        if together is not False
        else "Fine if both times are meant; else delete one of them.",
        evidence={"schedules": [one.words, other.words], "arguments": one.arguments},
    )


def quoted(name: str) -> str:
    """A name in quotation marks."""
    return f"“{name}”"


def span(seconds: float) -> str:
    """Seconds in the largest unit that is exact: ``15 s``, ``5 min``, ``1 h``, ``1 day``, ``90 s``."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            number = seconds / size
            return "1 day" if unit == "days" and number == 1 else f"{number:g} {unit}"
    return f"{seconds:g} s"
