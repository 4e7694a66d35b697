"""The circuit breaker: admit a call, report how it went. Pure functions for `LeaseStore.transact`.

closed --(one failure type reaches its count, and more than half of the calls fail)--> open
open --(time is up: one call goes as a probe)--> half-open
half-open --(probe succeeds)--> closed
half-open --(probe fails)--> open, twice as long, up to the policy's timeout
half-open --(probe's lease ends)--> half-open with another probe
"""

from dataclasses import replace
from datetime import datetime, timedelta

from redrive.gate import document as documents
from redrive.gate.document import OK, Document, moment_of, timestamp
from redrive.gate.types import BreakerState, GateSettings, Hold, Outcome, Reported, Run, Transition
from redrive.leases import Lease, next_fence

MIN_OPEN_SECONDS = 1.0


def admit(
    lease: Lease | None, now: datetime, *, downstream: str, owner: str, settings: GateSettings, spread: float
) -> tuple[Lease | None, Run | Hold]:
    """Let a call through, or hold it until a moment.

    Args:
        owner: token of the call, in case it becomes the probe; whoever asks again with it is still the probe.
        spread: 0..1, drawn by the caller; where in the spread after the earliest moment this one comes back.
    """
    document = documents.read(lease, now)
    moment = timestamp(now)
    if document.hold_until is not None and moment < document.hold_until:
        until = moment_of(document.hold_until) + spread * settings.spread
        return lease, Hold(until, f"{downstream} asked to slow down until {_clock(document.hold_until)}.")
    if document.state is BreakerState.CLOSED:
        return lease, Run(generation=document.generation)
    if document.state is BreakerState.OPEN and document.until is not None and moment < document.until:
        width = min(settings.spread, timedelta(seconds=document.open_seconds / 2))
        return lease, Hold(moment_of(document.until) + spread * width, document.reason)
    if (
        document.state is BreakerState.HALF_OPEN
        and document.probe_until is not None
        and moment < document.probe_until
    ):
        if lease is not None and lease.owner == owner:
            # The keeper asked before it sent this very task; now its worker asks.
            return lease, Run(generation=document.generation, probe=True)
        wait = (0.5 + spread) * settings.probe_check
        return lease, Hold(now + wait, f"{document.reason} A probe is on its way.")

    generation = next_fence(lease, now)
    probing = replace(
        document,
        state=BreakerState.HALF_OPEN,
        generation=generation,
        probe_until=timestamp(now + settings.probe_lease),
    )
    return documents.write(lease, now, downstream, probing, settings, owner), Run(
        generation=generation, probe=True
    )


def report(
    lease: Lease | None,
    now: datetime,
    *,
    downstream: str,
    generation: int,
    outcome: Outcome,
    settings: GateSettings,
) -> tuple[Lease | None, Reported]:
    """Take note of how a call went that was admitted under ``generation``."""
    document = documents.read(lease, now)
    if generation != document.generation:
        return lease, Reported(counted=False)
    changed, transition = (
        _probe_result(document, now, downstream, outcome, settings, lease)
        if document.state is BreakerState.HALF_OPEN
        else _call_result(document, now, downstream, outcome, settings, lease)
    )
    if changed == document:
        return lease, Reported(counted=False)
    return documents.write(lease, now, downstream, changed, settings), Reported(
        counted=True, transition=transition
    )


def _call_result(
    document: Document,
    now: datetime,
    downstream: str,
    outcome: Outcome,
    settings: GateSettings,
    lease: Lease | None,
) -> tuple[Document, Transition | None]:
    if outcome.succeeded:
        return replace(document, counts=documents.add(document, now, OK, outcome.count, settings)), None
    document = _with_hint(document, now, outcome, settings)
    if outcome.threshold <= 0 or outcome.failure_type is None:
        return document, None
    document = replace(document, counts=documents.add(document, now, outcome.failure_type, 1, settings))
    sums = documents.totals(document, now, settings)
    failed, calls = sums[outcome.failure_type], sum(sums.values())
    failures = calls - sums.get(OK, 0)
    if failed < outcome.threshold or failures <= settings.failure_share * calls:
        return document, None
    why = (
        f"{failed} {outcome.failure_type} from {downstream} within {settings.window.total_seconds():g} s, "
        f"{failures} of {calls} calls failed."
    )
    seconds = max(MIN_OPEN_SECONDS, outcome.open_seconds * settings.first_open_share)
    return _open(document, now, downstream, outcome, why, seconds, lease)


def _probe_result(
    document: Document,
    now: datetime,
    downstream: str,
    outcome: Outcome,
    settings: GateSettings,
    lease: Lease | None,
) -> tuple[Document, Transition | None]:
    if outcome.succeeded:
        closed = Document(generation=next_fence(lease, now), reason=f"{downstream} answered a probe.")
        return closed, Transition(
            downstream=downstream,
            before=BreakerState.HALF_OPEN,
            after=BreakerState.CLOSED,
            at=now,
            reason=closed.reason,
            failure_type=document.failure_type,
        )
    if outcome.threshold > 0:
        why = f"A probe of {downstream} failed with {outcome.failure_type}."
        return _open(document, now, downstream, outcome, why, document.open_seconds * 2, lease)
    # The probe failed for a reason of its own, or was told to slow down: the next call may probe.
    waiting = replace(
        document,
        state=BreakerState.OPEN,
        generation=next_fence(lease, now),
        until=timestamp(now),
        probe_until=None,
    )
    return _with_hint(waiting, now, outcome, settings), None


def _open(
    document: Document,
    now: datetime,
    downstream: str,
    outcome: Outcome,
    why: str,
    seconds: float,
    lease: Lease | None,
) -> tuple[Document, Transition]:
    cap = max(MIN_OPEN_SECONDS, outcome.open_seconds)
    seconds = min(seconds, cap)
    until = now + timedelta(seconds=seconds)
    reason = f"{why} Open until {until:%H:%M:%S} UTC."
    opened = replace(
        document,
        state=BreakerState.OPEN,
        generation=next_fence(lease, now),
        counts={},
        opened_at=document.opened_at if document.opened_at is not None else timestamp(now),
        until=timestamp(until),
        open_seconds=seconds,
        cap_seconds=cap,
        opens=document.opens + 1,
        failure_type=outcome.failure_type,
        reason=reason,
        probe_until=None,
    )
    return opened, Transition(
        downstream=downstream,
        before=document.state,
        after=BreakerState.OPEN,
        at=now,
        reason=reason,
        failure_type=outcome.failure_type,
        until=until,
    )


def _with_hint(document: Document, now: datetime, outcome: Outcome, settings: GateSettings) -> Document:
    hint = outcome.hint_seconds
    if hint is None or not 0 < hint < float("inf"):
        return document
    until = timestamp(now + min(timedelta(seconds=min(hint, 1e9)), settings.longest_hint))
    return replace(document, hold_until=max(until, document.hold_until or 0.0))


def _clock(seconds: float) -> str:
    return f"{moment_of(seconds):%H:%M:%S} UTC"
