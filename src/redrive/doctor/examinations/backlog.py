"""Records that should have moved on by now."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import Backlog, DatabaseFacts, Facts
from redrive.doctor.types import Examination, Finding, error, info, ok, warning
from redrive.doctor.wording import counted, names, seconds

CAP = 10_000
"""Where counting stops."""
MANY_PENDING = 50
"""Dead letters above which the pages call it urgent too."""


def _backlog(facts: Facts) -> Backlog | None:
    return facts.database.backlog if isinstance(facts.database, DatabaseFacts) else None


def _count(number: int, one: str) -> str:
    return f"More than {CAP:,} {one}s" if number > CAP else counted(number, one).capitalize()


def overdue(facts: Facts) -> Iterator[Finding]:
    """Due, and nobody sends it."""
    backlog = _backlog(facts)
    if backlog is None:
        return
    if backlog.overdue:
        yield error(
            "backlog.overdue",
            f"{_count(backlog.overdue, 'record')} due for more than a minute and not sent, the oldest for"
            f" {seconds(backlog.oldest_overdue)}.",
            "These tasks should be running again; no keeper sends them, or fewer than fall due.",
            "See keeper.none; with a keeper at work look in its log, and at broker.unreachable.",
        )
    else:
        yield ok("backlog.overdue", "Nothing is overdue.")


def unstarted(facts: Facts) -> Iterator[Finding]:
    """Sent, and nobody runs it."""
    backlog = _backlog(facts)
    if backlog is not None and backlog.unstarted:
        queues = names(backlog.unstarted_queues)
        yield warning(
            "backlog.unstarted",
            f"{_count(backlog.unstarted, 'record')} sent and not started, the oldest"
            f" {seconds(backlog.oldest_unstarted)} ago, on {queues}.",
            "No worker reads these queues, or it is far behind. A keeper sends them again; copies are refused.",
            "Start a worker with -Q " + ",".join(backlog.unstarted_queues) + ", or more of them.",
        )


def pending(facts: Facts) -> Iterator[Finding]:
    """Dead letters."""
    backlog = _backlog(facts)
    if backlog is None:
        return
    if not backlog.pending:
        yield ok("backlog.pending", "No dead letters.")
        return
    make = warning if backlog.pending > MANY_PENDING else info
    yield make(
        "backlog.pending",
        f"{_count(backlog.pending, 'dead letter')}, the oldest {seconds(backlog.oldest_pending)} old.",
        "Their work was not done; each waits for a decision, and none expires.",
        "Type: manage.py redrive list --status PENDING",
    )


EXAMINATIONS = (
    Examination(("backlog.overdue",), overdue),
    Examination(("backlog.unstarted",), unstarted),
    Examination(("backlog.pending",), pending),
)
