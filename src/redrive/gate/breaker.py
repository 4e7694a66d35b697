"""The circuit breaker: admit a call, report how it went. Pure functions for `LeaseStore.transact`.

closed --(one failure type reaches its count, most calls fail, on two hosts if there are two)--> open
closed --(fails more than usual, or is told to slow down)--> ramp
open --(time is up: one call goes as a probe)--> half-open
half-open --(probe succeeds)--> ramp
half-open --(probe fails)--> open, half as long again
half-open --(probe's lease ends)--> half-open with another probe
ramp --(most calls fail)--> open
ramp --(fails more than usual, or is told to slow down)--> ramp, from a lower rate
ramp --(rate regained, nobody waits)--> closed
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from redrive.gate import document as documents
from redrive.gate import flow, slots
from redrive.gate.document import Document, moment_of, replace, timestamp
from redrive.gate.results import booked, service_failure, succeeded, take_note
from redrive.gate.types import (
    MOST_ATTEMPTS,
    BreakerState,
    GateSettings,
    Hold,
    Outcome,
    Override,
    Reported,
    Run,
    Transition,
)
from redrive.leases import Lease, next_fence

OVERRIDE_CHECK_SECONDS: Final = 60.0
"""While an operator holds everyone, held calls ask again after about this long."""

OTHERS_FIRST_SECONDS: Final = 10.0
"""How long the place of the next probe is kept for another task type than the one whose probe failed."""

OFF_PEAK_SPREAD_SECONDS: Final = 600.0
RETRY_WAIT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """The call that is asked about; see `Gate.admit`."""

    downstream: str
    task_name: str = ""
    owner: str = ""
    host: str = ""
    retry_count: int = 0
    waited: bool = False
    low_priority: bool = False
    seconds_left: float | None = None
    ticket: Run | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """Successes of a closed breaker's generation that were not told yet, by task name."""

    generation: int
    by_task: Mapping[str, int]


def admit(
    lease: Lease | None, now: datetime, *, call: Call, settings: GateSettings, spread: float
) -> tuple[Lease | None, Run | Hold]:
    """Let a call through, or hold it until a moment.

    Args:
        spread: 0..1, drawn by the caller; where within its place in the row this one comes back.
    """
    document = documents.read(lease, now)
    moment = timestamp(now)
    override = override_of(document, moment)
    place = call.ticket.slot if call.ticket is not None else None
    if override is Override.FORCED_OPEN:
        wait = OVERRIDE_CHECK_SECONDS * (0.5 + spread)
        hold = _hold(moment, moment + wait, f"{document.override_by} holds {call.downstream}.")
        left = slots.leave(document, place)
        if left is document:
            return lease, hold
        return documents.write(lease, now, call.downstream, left, settings), hold
    if override is Override.FORCED_CLOSED:
        return lease, Run(generation=document.generation, slot=place)
    changed, answer, owner = _decide(document, lease, now, call, settings, spread)
    if isinstance(answer, Hold) and override is Override.OBSERVE:
        return lease, Run(generation=document.generation, observed=answer.reason, slot=place)
    if changed is document:
        return lease, answer
    return documents.write(lease, now, call.downstream, changed, settings, owner), answer


def report(
    lease: Lease | None,
    now: datetime,
    *,
    call: Call,
    run: Run | None,
    outcome: Outcome,
    settings: GateSettings,
    spread: float = 0.0,
    summed: Summed | None = None,
) -> tuple[Lease | None, Reported]:
    """Take note of how a call went, and of the successes summed up before it.

    ``run`` is None for a call that nobody had asked about, because only its failure said what it depends on: it counts
    while the breaker is closed, for then everyone goes; later on it may have begun long before.
    """
    document = documents.read(lease, now)
    moment = timestamp(now)
    before = document
    if run is None:
        run = Run(document.generation if document.state is BreakerState.CLOSED else -1)
    document = _with_summed(document, moment, summed, call.host, settings)
    document = slots.leave(document, run.slot)
    counted, transition, poison = False, None, False
    if run.generation == document.generation:
        fence = next_fence(lease, now)
        document, counted, transition, poison = take_note(
            document, now, fence, call.downstream, call.task_name, call.host, run, outcome, settings
        )
    # Forced closed, nothing is held back, and nothing excuses a failure.
    excused = (
        service_failure(outcome)
        and document.state is not BreakerState.CLOSED
        and not poison
        and outcome.attempt <= MOST_ATTEMPTS
        and override_of(document, moment) is None
    )
    until = None
    if excused:
        document, until = booked(document, moment, waited=False, spread=spread)
    answer = Reported(
        counted=counted,
        transition=transition,
        state=document.state,
        spends_attempt=not excused,
        until=None if until is None else moment_of(until),
        wait_seconds=0.0 if until is None else until - moment,
        poison=poison,
    )
    if document == before:
        return lease, answer
    return documents.write(lease, now, call.downstream, document, settings), answer


def flush(
    lease: Lease | None, now: datetime, *, downstream: str, host: str, summed: Summed, settings: GateSettings
) -> tuple[Lease | None, BreakerState]:
    """Take note of successes that were summed up."""
    document = documents.read(lease, now)
    changed = _with_summed(document, timestamp(now), summed, host, settings)
    if changed is document:
        return lease, document.state
    return documents.write(lease, now, downstream, changed, settings), document.state


def _with_summed(
    document: Document, moment: float, summed: Summed | None, host: str, settings: GateSettings
) -> Document:
    closed = document.state is BreakerState.CLOSED
    if summed is None or not closed or summed.generation != document.generation:
        return document
    return succeeded(document, moment, summed.by_task, host, settings)


def override_of(document: Document, moment: float) -> Override | None:
    """Return what an operator has decided and what has not lapsed."""
    if document.override not in _OVERRIDES or (document.override_until or 0.0) <= moment:
        return None
    return Override(document.override)


def override(
    lease: Lease | None,
    now: datetime,
    *,
    downstream: str,
    kind: Override | None,
    by: str,
    reason: str,
    lasts: timedelta,
    settings: GateSettings,
) -> tuple[Lease | None, Transition]:
    """Set an operator's decision, which lapses by itself; None takes it back."""
    document = documents.read(lease, now)
    until = timestamp(now + lasts) if kind is not None else None
    changed = replace(
        document,
        override=None if kind is None else kind.value,
        override_by=by if kind is not None else "",
        override_until=until,
        generation=document.generation or next_fence(lease, now),
    )
    what = "takes back what was forced on" if kind is None else f"sets {kind.value.replace('_', ' ')}:"
    transition = Transition(
        downstream=downstream,
        before=document.state,
        after=document.state,
        at=now,
        reason=f"{by} {what} {downstream}. {reason}".rstrip(),
        until=None if until is None else moment_of(until),
    )
    return documents.write(lease, now, downstream, changed, settings), transition


def reset(
    lease: Lease | None, now: datetime, *, downstream: str, by: str, reason: str, settings: GateSettings
) -> tuple[Lease | None, Transition]:
    """Close the breaker and forget what was counted; calls in flight report under an older generation."""
    document = documents.read(lease, now)
    why = f"{by} reset {downstream}. {reason}".rstrip()
    fresh = Document(generation=next_fence(lease, now), reason=why)
    transition = Transition(
        downstream=downstream, before=document.state, after=fresh.state, at=now, reason=why
    )
    return documents.write(lease, now, downstream, fresh, settings), transition


def _decide(
    document: Document,
    lease: Lease | None,
    now: datetime,
    call: Call,
    settings: GateSettings,
    spread: float,
) -> tuple[Document, Run | Hold, str | None]:
    """The document afterwards, the answer, and the probe's owner where that changes."""
    moment = timestamp(now)
    if (hold := _off_peak(now, call, settings, spread)) is not None:
        return document, hold, None
    owns_probe = lease is not None and call.owner != "" and lease.owner == call.owner
    if document.state is BreakerState.HALF_OPEN and owns_probe and (document.probe_until or 0.0) > moment:
        # The keeper asked before it sent this very task; now its worker asks.
        return document, Run(generation=document.generation, probe=True), None
    if call.ticket is not None:
        if call.ticket.generation == document.generation and document.state in _GOING:
            ticket = Run(call.ticket.generation, call.ticket.probe, slot=call.ticket.slot)
            return document, ticket, None
        document = slots.leave(document, call.ticket.slot)
    if (document.hold_until or 0.0) > moment:
        why = (
            f"{call.downstream} asked to slow down until {documents.clock_text(document.hold_until or 0.0)}."
        )
        return *_held(document, moment, call, spread, why), None
    if document.state in _GOING:
        return *_limited(document, moment, call, settings, spread), None
    if not _probe_is_due(document, moment, call):
        why = f"{document.reason} A probe is on its way." if document.probe_until else document.reason
        return *_held(document, moment, call, spread, why), None
    generation = next_fence(lease, now)
    probing = replace(
        document,
        state=BreakerState.HALF_OPEN,
        generation=generation,
        probe_until=moment + settings.probe_lease.total_seconds(),
    )
    return probing, Run(generation=generation, probe=True), call.owner


_OVERRIDES: Final = frozenset(one.value for one in Override)
_GOING: Final = (BreakerState.CLOSED, BreakerState.RAMP)


def _off_peak(now: datetime, call: Call, settings: GateSettings, spread: float) -> Hold | None:
    if settings.off_peak is None or not call.low_priority:
        return None
    opening = settings.off_peak.next_opening(now)
    if opening <= now:
        return None
    moment, opens = timestamp(now), timestamp(opening)
    latest = math.inf if call.seconds_left is None else moment + call.seconds_left
    until = next((at for at in (opens + spread * OFF_PEAK_SPREAD_SECONDS, opens) if at < latest), None)
    if until is None:
        return None
    return _hold(
        moment, until, f"{call.downstream}: low priority waits for off-peak hours.", BreakerState.CLOSED
    )


def _probe_is_due(document: Document, moment: float, call: Call) -> bool:
    due = document.probe_until if document.state is BreakerState.HALF_OPEN else document.until
    if due is not None and moment < due:
        return False
    same = document.others and document.probe_task == call.task_name
    return not (same and due is not None and moment < due + OTHERS_FIRST_SECONDS)


def _held(
    document: Document, moment: float, call: Call, spread: float, why: str, most: float | None = None
) -> tuple[Document, Hold]:
    if document.probe_task not in ("", call.task_name):
        document = replace(document, others=True)
    document, until = booked(document, moment, waited=call.waited, spread=spread, most=most)
    return document, _hold(moment, until, why, document.state)


def _hold(moment: float, until: float, why: str, state: BreakerState = BreakerState.OPEN) -> Hold:
    return Hold(moment_of(until), why, state, until - moment)


def _limited(
    document: Document, moment: float, call: Call, settings: GateSettings, spread: float
) -> tuple[Document, Run | Hold]:
    """What a downstream that is up bears: calls at once, calls per second, retries."""
    most = slots.limit(document, settings)
    if most is not None and slots.in_flight(document, moment, settings) >= most:
        why = f"{call.downstream} bears {most} calls at once."
        return _held(document, moment, call, spread, why)
    ramping = document.state is BreakerState.RAMP
    if ramping or settings.rate is not None:
        document, enough = flow.take(
            document, moment, waited=call.waited, ramping=ramping, most=settings.rate
        )
        if not enough:
            now_rate = flow.rate(document, moment) if ramping else settings.rate
            why = f"{call.downstream} gets {now_rate:.1f} calls a second. {document.reason}".rstrip()
            return _held(document, moment, call, spread, why, None if ramping else settings.rate)
    elif call.retry_count > 0 and not call.waited:
        document, enough = flow.spend(document, moment)
        if not enough:
            until = moment + RETRY_WAIT_SECONDS * (1 + 5 * spread)
            why = f"{call.downstream}: too many retries at once."
            return document, _hold(moment, until, why, document.state)
    counting = slots.is_counting(document, settings)
    place = None
    if counting:
        document, place = slots.enter(document, moment, settings)
    document = flow.arrived(document, moment, waited=call.waited)
    free = not ramping and not counting and settings.rate is None and document.override is None
    return document, Run(generation=document.generation, slot=place, free=free)
