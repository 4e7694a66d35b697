"""What became of every message, from what the bodies noted and what the tables say. No server is asked here."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from chaos.kinds import KINDS, Kind, Message

Event = Mapping[str, object]

SUCCEEDED, WAITING, DEAD, STOPPED, LOST = "succeeded", "waiting", "dead letter", "not sent", "lost"
"""Ends of a message. ``not sent``: a member of its workflow before it did not succeed."""
COLUMNS = (SUCCEEDED, WAITING, DEAD, STOPPED, LOST)


@dataclass(frozen=True, slots=True)
class Row:
    """A record: its status and its number of attempts."""

    status: str
    attempt: int
    why: str = ""


@dataclass(slots=True)
class Line:
    """One row of the table."""

    kind: Kind
    ends: Counter[str] = field(default_factory=Counter)
    completed: Counter[int] = field(default_factory=Counter)
    """Idempotent calls by the number of their completed runs."""
    cut: int = 0
    """Runs whose process was killed after the body's last line and before Redrive had written down that it was."""
    excused: int = 0
    """Calls that completed twice because the store of claims was away when a run wanted to write down that it had."""
    unnoted: int = 0
    """Lost messages of the ledger's that began while the database was away: the ledger could not note them."""
    popped: int = 0
    """Lost messages that Celery's Redis transport took from the broker and no process had: see ``chaos.popped``."""


@dataclass(slots=True)
class Audit:
    """The table and the claims that do not hold."""

    lines: list[Line]
    faults: list[str]


def audit(
    messages: Sequence[Message],
    events: Iterable[Event],
    rows: Mapping[str, Row],
    *,
    unnoted: frozenset[str] = frozenset(),
    unkept: frozenset[str] = frozenset(),
    popped: frozenset[str] = frozenset(),
) -> Audit:
    """Judge a run that has settled.

    Args:
        messages: Everything that was sent.
        events: Lines of RUNS_FILE, in order.
        rows: Records by task id, those that are only ledger entries included.
        unnoted: Ids of tasks that ran although their record could not be asked.
        unkept: Ids of tasks whose completion could not be written down, so that a duplicate may run.
        popped: Ids of tasks whose message left the broker and reached no process.
    """
    by_id: dict[str, list[Event]] = defaultdict(list)
    by_label: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_id[str(event["task_id"])].append(event)
        by_label[str(event["label"])].append(event)
    lines = {kind.name: Line(kind) for kind in KINDS}
    ends: dict[str, str] = {}
    faults: list[str] = []
    for message in messages:
        end = _end_of(message, by_id[message.task_id], rows.get(message.task_id), ends)
        line = lines[message.kind.name]
        if end == LOST and message.kind.kept and message.task_id in unnoted and "ledger" in message.kind.name:
            line.unnoted += 1
            end = "unnoted"
        elif end == LOST and message.task_id in popped:
            line.popped += 1
            end = "popped"
        ends[message.task_id] = end
        line.ends[end] += 1
        if end == LOST and message.kind.kept:
            faults.append(f"lost: {message.label} [{message.task_id}], {_told(by_id[message.task_id])}")
    for label in dict.fromkeys(message.label for message in messages if message.kind.once):
        kind = next(message.kind for message in messages if message.label == label)
        completed, cut = completed_runs(by_label[label])
        lines[kind.name].completed[completed] += 1
        lines[kind.name].cut += cut
        if completed > 1 and any(str(event["task_id"]) in unkept for event in by_label[label]):
            lines[kind.name].excused += 1
        elif completed > 1:
            faults.append(f"completed {completed} times: {label}, {_told(by_label[label])}")
    return Audit(list(lines.values()), faults)


def _end_of(message: Message, events: Sequence[Event], row: Row | None, ends: Mapping[str, str]) -> str:
    if row is not None and row.status in ("PENDING", "ABANDONED"):
        return DEAD
    if row is not None and row.status == "RETRYING":
        return WAITING
    if any(event["event"] in ("success", "replayed") for event in events):
        return SUCCEEDED
    if row is not None and row.status == "RESOLVED":
        return SUCCEEDED  # its process did not live to tell Celery
    if any(ends.get(needed) != SUCCEEDED for needed in message.needs):
        return STOPPED
    return LOST


def completed_runs(events: Sequence[Event]) -> tuple[int, int]:
    """Completed runs of one idempotent call, and runs that were cut between their body's last line and that.

    A run is completed when its process went on after the body's last line: Celery, and with it Redrive, counted it
    as a success.
    """
    done = [event for event in events if event["event"] == "done"]
    counted = {
        (event["pid"], event["task_id"], event["retries"]) for event in events if event["event"] == "success"
    }
    completed = sum((event["pid"], event["task_id"], event["retries"]) in counted for event in done)
    if not completed and any(event["event"] == "replayed" for event in events):
        completed = 1  # Redrive had written it down, though its process did not live to tell Celery
    return completed, len(done) - completed


def _told(events: Sequence[Event]) -> str:
    told = [
        f"{event['event']} in {event['pid']} at {float(str(event['at'])) % 1000:.2f} for {str(event['task_id'])[:8]}"
        for event in events
    ]
    return "; ".join(told) or "never began"


def table(judged: Audit) -> str:
    """The table as text: a line per kind."""
    head = f"{'kind':<24}" + "".join(f"{name:>13}" for name in COLUMNS) + f"{'runs completed':>24}"
    text = [head]
    for line in judged.lines:
        if line.kind.once:
            runs = ", ".join(f"{count}x{times}" for times, count in sorted(line.completed.items()))
            runs += f" ({line.cut} cut)" if line.cut else ""
            runs += f" ({line.excused} unkept)" if line.excused else ""
        else:
            runs = f"{line.unnoted} unnoted" if line.unnoted else ""
        runs += f" ({line.popped} popped)" if line.popped else ""
        name = line.kind.name if line.kind.kept else f"({line.kind.name})"
        text.append(f"{name:<24}" + "".join(f"{line.ends[column]:>13}" for column in COLUMNS) + f"{runs:>24}")
    return "\n".join(text)
