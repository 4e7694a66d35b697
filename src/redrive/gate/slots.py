"""How many calls are in flight, and how many may be.

Calls are counted by the minute in which they began, so that one that never reports leaves by itself. Where no
limit is declared, contention finds one: while deadlocks are frequent it goes down towards the calls that were
really in flight, and up by one whenever it was needed and nothing failed (AIMD, Chiu and Jain 1989, as Netflix's
concurrency-limits do it).
"""

import math
from typing import Final

from redrive.gate import counts, flow
from redrive.gate.counts import OK
from redrive.gate.document import Document, replace
from redrive.gate.types import CONTENTION, GateSettings

MINUTE: Final = 60.0
SHRINK: Final = 0.9
SMALLEST: Final = 2.0
PAUSE_SECONDS: Final = 10.0
"""Time between two changes downwards: what is in flight must show its effect first."""

BEARABLE_SHARE: Final = 0.05
CALM_SHARE: Final = 0.02
"""Contention that is lived with; contention from which on more calls are tried."""

PATIENCE: Final = 10
"""Held calls from which on the limit goes up: waiting costs more than an attempt lost to a deadlock."""


def limit(document: Document, settings: GateSettings) -> int | None:
    """Return how many calls may be in flight; None: any number."""
    if isinstance(settings.concurrency, int):
        return settings.concurrency
    if settings.concurrency is None or document.limit <= 0:
        return None
    return max(1, math.floor(document.limit))


def in_flight(document: Document, moment: float, settings: GateSettings) -> int:
    """Return how many calls have begun and not reported, as far as they are counted."""
    oldest = int((moment - settings.slot_lease.total_seconds()) // MINUTE)
    return sum(count for minute, count in document.slots.items() if int(minute) > oldest)


def is_counting(document: Document, settings: GateSettings) -> bool:
    """Whether calls in flight are counted."""
    return isinstance(settings.concurrency, int) or (
        settings.concurrency == "auto" and document.limit_at is not None
    )


def enter(document: Document, moment: float, settings: GateSettings) -> tuple[Document, int]:
    """Return the document with one more call in flight, and its place."""
    minute = int(moment // MINUTE)
    oldest = int((moment - settings.slot_lease.total_seconds()) // MINUTE)
    slots = {key: count for key, count in document.slots.items() if int(key) > oldest}
    slots[str(minute)] = slots.get(str(minute), 0) + 1
    return replace(document, slots=slots, peak=max(document.peak, sum(slots.values()))), minute


def leave(document: Document, slot: int | None) -> Document:
    """Return the document with a call's place given back; as it is if that has lapsed already."""
    count = document.slots.get(str(slot), 0)
    if count == 0:
        return document
    slots = {**document.slots, str(slot): count - 1}
    return replace(document, slots={key: left for key, left in slots.items() if left})


def learn(document: Document, moment: float, outcome: str, settings: GateSettings) -> Document:
    """Return the document with the limit that the outcome of one more call suggests."""
    if settings.concurrency != "auto":
        return document
    if document.limit_at is None:
        return _first(document, moment, outcome, settings)
    sums = counts.totals(counts.by_task(document, moment, settings, 4))
    calls, contended = sum(sums.values()), sum(sums.get(kind, 0) for kind in CONTENTION)
    due = moment - document.limit_at >= PAUSE_SECONDS
    waiting = flow.still_waiting(document, moment)
    if due and calls >= 10 and contended > BEARABLE_SHARE * calls and waiting < PATIENCE:
        shrunk = max(SMALLEST, SHRINK * min(document.limit or math.inf, max(document.peak, SMALLEST)))
        return replace(document, limit=shrunk, limit_at=moment, peak=0)
    if document.limit <= 0:
        return document
    needed = document.peak >= document.limit - 1
    if needed and (waiting >= PATIENCE or (outcome == OK and contended <= CALM_SHARE * calls)):
        return replace(document, limit=document.limit + 1 / document.limit)
    return document


def _first(document: Document, moment: float, outcome: str, settings: GateSettings) -> Document:
    """Calls in flight are counted from the moment on at which contention is more than chance."""
    if outcome not in CONTENTION:
        return document
    sums = counts.totals(counts.by_task(document, moment, settings))
    calls, contended = sum(sums.values()), sum(sums.get(kind, 0) for kind in CONTENTION)
    if contended < 5 or counts.surely_above(contended, calls, 2.0) <= BEARABLE_SHARE:
        return document
    return replace(document, limit_at=moment, peak=0)
