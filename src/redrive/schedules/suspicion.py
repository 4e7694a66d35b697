"""Why so many calls are duplicates: the schedule that makes them, if one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from redrive.metrics import Checks, sum_by
from redrive.schedules.checks import check_duplicates, check_idempotency, quoted
from redrive.schedules.types import Entry, ScheduledTask

BEAT = "beat:"
"""Start of the endpoint of what a beat entry has published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """Where most duplicates come from. ``entries`` are the suspected schedules; empty if it is none."""

    task: str
    words: str
    entries: tuple[str, ...] = ()


def suspect(
    rows: Sequence[Checks], entries: Sequence[Entry], tasks: Mapping[str, ScheduledTask], now: datetime
) -> Suspicion | None:
    """What to look at first, for the task with most hits; None without hits.

    In this order: two entries that make the same call; an entry that is due again while its result stands; the beat
    entry that has published most of the hits; else the endpoint that has.
    """
    worst = next((row for row in sum_by(rows, "task_name") if row.hits), None)
    if worst is None:
        return None
    task = worst.task_name
    own = [entry for entry in entries if entry.task == task]
    sources = sum_by((row for row in rows if row.task_name == task), "endpoint")
    top = sources[0]
    if any(row.endpoint.startswith("beat") and row.hits for row in sources):
        wanted = ("duplicate", "period-below-ttl")
        findings = (*check_duplicates(own, now), *check_idempotency(own, tasks, now))
        for finding in findings:
            if finding.kind in wanted:
                who = "" if finding.kind == "duplicate" else f"{quoted(finding.entries[0])}: "
                return Suspicion(task=task, words=who + finding.words, entries=finding.entries)
    share = f"{top.hits:,} of {worst.hits:,} duplicates of {task}"
    if top.endpoint.startswith(BEAT):
        entry = top.endpoint.removeprefix(BEAT)
        return Suspicion(task=task, words=f"{quoted(entry)} has published {share}.", entries=(entry,))
    if top.endpoint == "redelivery":
        return Suspicion(
            task=task, words=f"The broker has delivered {share} again. No schedule is suspected."
        )
    return Suspicion(task=task, words=f"{top.endpoint} has published {share}. No schedule is suspected.")
