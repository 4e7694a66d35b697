"""The wrapper's side of the gate: which downstream a call is about, may it go, how did it go.

A task's downstream is the one it declares, else the one its message carries (a keeper sent it after a failure that
named the database or a host), else the database, if its last failure in this process was the database's: from then on
its calls are asked about and its successes counted, so that failures are not all that the gate hears of.

A host is derived for retries only. The next fresh call of the same task may be to another host, and must not wait for
this one; nor do first failures count against a host, whose successes nobody counts. A task that never failed like that
costs nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import DatabaseError, connections

from redrive import breakers, runtime
from redrive.celery import endings
from redrive.celery.capture import HEADER, header_of, is_redelivered
from redrive.dead_letters import Ending, Outcome, Proposal, Recorded
from redrive.gate import CONTENTION, DATABASE, BreakerState, Hold, Reported
from redrive.gate import Outcome as CallOutcome
from redrive.gate import Run as Permit
from redrive.gate.types import MOST_ATTEMPTS
from redrive.options import Options

logger = logging.getLogger("redrive")

REMEMBERED_SECONDS = 600.0
"""How long after such a failure a task is taken to depend on the database."""

_uses_database: dict[str, float] = {}
"""Task name -> until when it counts that its last failure was the database's."""

_asked = threading.Event()
"""Whether this process has asked a gate: only then there can be successes to tell."""

UNASKED = Permit(-1)
"""Of a call that does not count, though its failure may be excused."""


def downstream_of(task: Any, request: Any, options: Options) -> str | None:
    """What a call depends on, as far as anybody knows."""
    if options.downstream is not None:
        return options.downstream
    header = header_of(request)
    if header is not None and isinstance(header.get("downstream"), str) and header["downstream"]:
        return str(header["downstream"])
    return DATABASE if _uses_database.get(task.name, 0.0) > time.monotonic() else None


def ask(task: Any, request: Any, options: Options) -> Permit | Hold | None:
    """A permit, or a hold; None for a call that is about nothing we know of. Never raises."""
    downstream = downstream_of(task, request, options)
    request.redrive_downstream = downstream
    if downstream is None:
        return None
    _asked.set()
    try:
        header = header_of(request) or {}
        ticket = Permit.from_dict(header.get("permit"))
        answer = runtime.gate().admit(
            task.name,
            downstream,
            request.id,
            retry_count=int(header.get("retries") or 0),
            waited=bool(header.get("waited")),
            ticket=ticket,
        )
        if isinstance(answer, Permit) and answer.probe and answer != ticket:
            breakers.note_probe(downstream, task.name, request.id)
        return answer
    except Exception:
        logger.exception("redrive: the gate of %s failed; %s[%s] runs", downstream, task.name, request.id)
        return Permit(degraded=True)


def give_back(request: Any) -> None:
    """Give back the permit that a message brought along, where its gate was not asked: the call was not made, or nobody
    is told how it goes. Never raises.

    A copy that is dropped gives back its place only, and not even that where the broker delivers it again: whoever runs
    the attempt, or ran it, has the same permit.
    """
    header = header_of(request)
    if header is None or hasattr(request, "redrive_downstream"):
        return
    ticket = Permit.from_dict(header.get("permit"))
    if ticket is None or not isinstance(header.get("downstream"), str):
        return
    if getattr(request, "redrive_dropped", False):
        if is_redelivered(request):
            return
        ticket = replace(ticket, probe=False)
    try:
        runtime.gate().report(str(request.task), header["downstream"], ticket, CallOutcome.nothing())
    except Exception:
        logger.exception("redrive: the gate of %s could not be given a permit back", header["downstream"])


def tell_success(task: Any, request: Any, permit: Permit) -> None:
    """Report a call that went well. Never raises."""
    _report(task, request, request.redrive_downstream, permit, CallOutcome.success())


def tell_nothing(task: Any, request: Any, permit: Permit | None) -> None:
    """Report a call that ended in a way that says nothing about its downstream. Never raises."""
    if permit is not None:
        _report(task, request, request.redrive_downstream, permit, CallOutcome.nothing())


def tell_failure(
    task: Any,
    request: Any,
    permit: Permit | None,
    exc: Exception,
    options: Options,
    ending: Ending | None = None,
) -> Reported | None:
    """Report a failed call, with what its classification and its policy say about the downstream. Never raises.

    A call that was not asked about is reported where its failure names a downstream.
    """
    try:
        if ending is not None and ending.classification is not None:
            kind = str(ending.classification["failure_type"])
        else:
            kind = runtime.classify(exc, {"task_name": task.name}).failure_type.value
        downstream = getattr(request, "redrive_downstream", None)
        named = str(ending.options.get("downstream") or "") if ending is not None else ""
        if options.downstream is not None and _is_djangos(exc) and kind in CONTENTION:
            # Its own database is what failed, not what it declares, unless that is a name of it.
            named = options.downstream if options.downstream in connections else DATABASE
        if named and named != options.downstream:
            if named == DATABASE:
                _uses_database[task.name] = time.monotonic() + REMEMBERED_SECONDS
            if named != downstream:
                tell_nothing(task, request, permit)
                downstream, permit = named, None if named == DATABASE else UNASKED
        if downstream is None:
            return None
        policy = runtime.retry_engine.get_retry_policy(task.name, exc, {"options": options})
        hint = ending.proposal.hint_seconds if ending is not None and ending.proposal is not None else None
        outcome = CallOutcome.failure(
            kind,
            threshold=policy.circuit_breaker_threshold,
            open_seconds=policy.circuit_breaker_timeout,
            hint_seconds=hint,
            attempt=max(0, int(getattr(request, "retries", 0) or 0)) + 1 + _excused_runs(header_of(request)),
        )
    except Exception:
        logger.exception("redrive: a failure of %s could not be told to its gate", task.name)
        return None
    return _report(task, request, downstream, permit, outcome)


def _excused_runs(header: Any) -> int:
    """The runs of this round that used up no retry, as our header counts them; a stranger may have written anything."""
    count = header.get("excused") if isinstance(header, Mapping) else 0
    return min(max(0, count), MOST_ATTEMPTS) if isinstance(count, int) else 0


def _is_djangos(exc: BaseException | None) -> bool:
    """Whether a failure, or what caused it, came from one of the project's own connections."""
    for _ in range(5):
        if exc is None or isinstance(exc, DatabaseError):
            break
        exc = exc.__cause__ or exc.__context__
    return isinstance(exc, DatabaseError)


def _report(
    task: Any, request: Any, downstream: str | None, permit: Permit | None, outcome: CallOutcome
) -> Reported | None:
    try:
        reported = runtime.gate().report(task.name, downstream, permit, outcome)
        request.redrive_told = downstream
        # Learning pauses while the breaker is not closed.
        request.redrive_breaker = reported.state
        if reported.transition is not None:
            breakers.note_transition(reported.transition)
        return reported
    except Exception:
        logger.exception("redrive: the gate of %s could not be told", downstream)
        return None


def hold(task: Any, request: Any, answer: Hold, options: Options) -> Recorded:
    """Let the task wait in its record, without using an attempt."""
    ending = endings.begin(task, request, Outcome.HELD, "gate")
    seconds = max(2.0, answer.seconds_from(ending.ended_at))
    explain = {"gate": answer.state.value, "backoff": answer.reason}
    proposal = Proposal(retry=True, delay_seconds=seconds, reason=answer.reason, explain=explain)
    said = {
        **options.to_dict(),
        "downstream": getattr(request, "redrive_downstream", None) or options.downstream,
    }
    return runtime.recorder().record(
        replace(ending, proposal=proposal, hold_reason=answer.reason, options=said)
    )


def explained(request: Any, ending: Ending, reported: Reported | None) -> Ending:
    """The ending with what its gate said, for whoever asks later why it was decided so."""
    if reported is None or ending.proposal is None:
        return ending
    said = f"{request.redrive_told}: {reported.state.value}"
    said += ", degraded" if reported.degraded else ""
    said += ", a task type that fails alone" if reported.poison else ""
    said += "" if reported.spends_attempt else ", uses up no retry"
    explain = {**ending.proposal.explain, "gate": said}
    return replace(ending, proposal=replace(ending.proposal, explain=explain))


def excused(ending: Ending, reported: Reported | None) -> Ending:
    """The ending as a hold, where the gate takes the blame: what it depends on is in trouble, and the gate knows.

    Only a failure that would be retried anyway: what must not run twice, or came too late, is not excused.
    """
    proposal = ending.proposal
    if reported is None or reported.spends_attempt or reported.until is None:
        return ending
    if proposal is None or not proposal.retry or ending.message is None or not ending.has_message:
        return ending
    seconds = max(2.0, reported.wait_seconds)
    state = "limits its rate" if reported.state is BreakerState.RAMP else "is not closed"
    reason = (
        f"The breaker of {ending.options.get('downstream')} {state}: this failure uses up no retry. "
        f"Next try in {seconds:.0f} s."
    )
    explain = {**proposal.explain, "backoff": reason}
    held = replace(proposal, delay_seconds=seconds, reason=reason, explain=explain)
    # In the options, because a hold leaves the message in its record as it is.
    options = {**ending.options, "excused": _excused_runs(ending.message.headers.get(HEADER)) + 1}
    return replace(ending, outcome=Outcome.HELD, proposal=held, hold_reason=reason, options=options)


def flush() -> None:
    """Tell the gate the successes that were summed up. Costs nothing where no call was asked about. Never raises."""
    if not _asked.is_set():
        return
    try:
        runtime.gate().flush()
    except Exception:
        logger.exception("redrive: successes could not be told to their gates")
