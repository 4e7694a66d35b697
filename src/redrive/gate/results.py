"""What the result of a call changes: open, close, ramp, cut, or only a count. Pure functions on the document."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from redrive.gate import counts, flow, slots
from redrive.gate.counts import OK
from redrive.gate.document import Document, clock_text, moment_of, replace, timestamp
from redrive.gate.types import CONTENTION, SLOW_DOWN, BreakerState, GateSettings, Outcome, Run, Transition

MIN_OPEN_SECONDS: Final = 1.0
GROWTH: Final = 1.5
PROBES_PER_CALL: Final = 0.02
"""An open breaker probes at most with this share of the usual calls."""

SHORT_SPANS: Final = (2, 4)
"""Slices of the shorter windows, in which a busy downstream's outage shows sooner (10 and 20 s of 60)."""
ENOUGH_CALLS: Final = 20
"""Calls that such a shorter window needs before it counts."""

REOPEN_FAILURES: Final = 5
LIMIT_DEVIATIONS: Final = 3.0
LIMIT_MARGIN: Final = 0.10
CUT_DEVIATIONS: Final = 1.64
CUT_MARGIN: Final = 0.05
"""A closed breaker limits the rate when failures are surely (three deviations) a tenth above one and a half times
the usual share; a ramp, which costs less to be wrong about, when they are probably a twentieth above."""

SETTLE_SECONDS: Final = 10.0
ENOUGH_SLOW_CALLS: Final = 30
SLOWED_SHARE: Final = 0.7
"""A rate below this share of the first one must have lowered the failures by as much, or the rate is not their
cause."""

Noted: TypeAlias = tuple[Document, bool, Transition | None, bool]
"""The document, whether the result counted, a change of state, whether the task is poison."""


def service_failure(outcome: Outcome) -> bool:
    """Whether a failure is the downstream's: it may open a breaker, or it says slow down."""
    return not outcome.succeeded and (outcome.threshold > 0 or _says_slow_down(outcome))


def take_note(
    document: Document,
    now: datetime,
    fence: int,
    downstream: str,
    task: str,
    host: str,
    run: Run,
    outcome: Outcome,
    settings: GateSettings,
) -> Noted:
    """Return what a result of the document's own generation changes."""
    if document.state in (BreakerState.OPEN, BreakerState.HALF_OPEN) and not run.probe:
        return document, False, None, False
    if document.state is BreakerState.HALF_OPEN:
        return _probe(document, now, fence, downstream, task, outcome, settings)
    moment = timestamp(now)
    if outcome.succeeded:
        document = succeeded(_slow(document, moment, bad=0), moment, {task: outcome.count}, host, settings)
        closed = _settled(document, moment, settings)
        if closed is None:
            return document, True, None, False
        reason = f"{downstream} bears {flow.rate(document, moment):.1f} calls a second again."
        return closed, True, _transition(document, closed, now, downstream, reason), False
    if _says_slow_down(outcome):
        return _slow_down(document, now, fence, downstream, outcome, settings)
    hinted = _with_hint(document, moment, outcome, settings)
    if outcome.threshold <= 0 or outcome.failure_type is None:
        return hinted, hinted is not document, None, False
    return _failed(hinted, now, fence, downstream, task, host, outcome, settings)


def succeeded(
    document: Document, moment: float, by_task: Mapping[str, int], host: str, settings: GateSettings
) -> Document:
    """Return the document with calls that went well."""
    for task, count in by_task.items():
        document = counts.add(document, moment, task, OK, count, settings)
        if task in document.poison:
            document = replace(
                document, poison={name: until for name, until in document.poison.items() if name != task}
            )
    count = sum(by_task.values())
    if document.state is BreakerState.CLOSED:
        document = flow.deposit(counts.usual(document, moment, ok=count), moment, count)
    document = counts.see(document, moment, host, False, settings)
    return slots.learn(document, moment, OK, settings)


def booked(
    document: Document, moment: float, *, waited: bool, spread: float, most: float | None = None
) -> tuple[Document, float]:
    """Return when a call that may not go, or failed though it went, comes back; ``most``: see `flow.book`."""
    earliest = max(moment + 1.0, document.hold_until or 0.0)
    if document.state is BreakerState.OPEN:
        earliest = max(earliest, document.until or 0.0)
    return flow.book(document, moment, earliest=earliest, waited=waited, spread=spread, most=most)


def _failed(
    document: Document,
    now: datetime,
    fence: int,
    downstream: str,
    task: str,
    host: str,
    outcome: Outcome,
    settings: GateSettings,
) -> Noted:
    moment, kind = timestamp(now), str(outcome.failure_type)
    document = counts.add(document, moment, task, kind, 1, settings)
    document = counts.see(document, moment, host, True, settings)
    closed = document.state is BreakerState.CLOSED
    document = counts.usual(document, moment, bad=1) if closed else _slow(document, moment, bad=1)
    document = slots.learn(document, moment, kind, settings)
    sums = counts.by_task(document, moment, settings)
    suspects = counts.suspects(sums)
    if task in suspects:
        document = counts.remember_poison(document, moment, task, sums)
    poison = counts.is_poison(document, moment, task)
    if task in suspects or poison:
        return document, True, None, poison
    suspects |= {name for name in document.poison if counts.is_poison(document, moment, name)}
    seen, failing = counts.hosts_within(document, moment, settings)
    if failing < min(2, seen):
        return document, True, None, False
    why = _why_open(document, moment, downstream, outcome, suspects, settings)
    if why is not None:
        opened = _opened(document, moment, fence, outcome, why, settings)
        return opened, True, _transition(document, opened, now, downstream, opened.reason), False
    if kind in CONTENTION and settings.concurrency is not None:
        return document, True, None, False
    limited = (_limit if closed else _cut)(document, moment, fence, downstream, suspects, settings)
    if limited is None:
        return document, True, None, False
    changed = limited.state is not document.state
    transition = _transition(document, limited, now, downstream, limited.reason) if changed else None
    return limited, True, transition, False


def _why_open(
    document: Document,
    moment: float,
    downstream: str,
    outcome: Outcome,
    suspects: frozenset[str],
    settings: GateSettings,
) -> str | None:
    kind, closed = str(outcome.failure_type), document.state is BreakerState.CLOSED
    threshold = outcome.threshold if closed else min(outcome.threshold, REOPEN_FAILURES)
    for slices in (*SHORT_SPANS, counts.SLICES):
        total = counts.totals(counts.by_task(document, moment, settings, slices), suspects)
        calls = sum(total.values())
        failures = calls - total.get(OK, 0)
        enough = slices == counts.SLICES or calls >= (ENOUGH_CALLS if closed else 1)
        if enough and total.get(kind, 0) >= threshold and failures > settings.failure_share * calls:
            span = settings.window.total_seconds() * slices / counts.SLICES
            return (
                f"{total[kind]} {kind} from {downstream} within {span:g} s, "
                f"{failures} of {calls} calls failed."
            )
    return None


def _opened(
    document: Document, moment: float, fence: int, outcome: Outcome, why: str, settings: GateSettings
) -> Document:
    """The breaker open: first briefly, then half as long again, up to the policy's timeout."""
    again = document.opens > 0
    expected = document.expected if again and document.expected else flow.expected_rate(document, moment)
    slowest = max(settings.slowest_probing.total_seconds(), 1 / (PROBES_PER_CALL * expected))
    seconds = document.open_seconds * GROWTH if again else settings.first_open.total_seconds()
    cap_seconds = max(MIN_OPEN_SECONDS, outcome.open_seconds)
    seconds = min(seconds, slowest, cap_seconds)
    until = moment + max(MIN_OPEN_SECONDS, seconds)
    return replace(
        document,
        state=BreakerState.OPEN,
        generation=fence,
        counts={},
        opened_at=document.opened_at if again else moment,
        asked=document.asked if again else 0,
        until=until,
        open_seconds=max(MIN_OPEN_SECONDS, seconds),
        cap_seconds=cap_seconds,
        opens=document.opens + 1,
        expected=expected,
        entry_rate=0.0,
        entry_share=0.0,
        failure_type=outcome.failure_type,
        reason=f"{why} Open until {clock_text(until)}.",
        probe_until=None,
        probe_task="",
        others=False,
    )


def _probe(
    document: Document,
    now: datetime,
    fence: int,
    downstream: str,
    task: str,
    outcome: Outcome,
    settings: GateSettings,
) -> Noted:
    moment = timestamp(now)
    if outcome.succeeded or _says_slow_down(outcome):
        expected = flow.expected_rate(document, moment)
        ramping = replace(
            document,
            state=BreakerState.RAMP,
            generation=fence,
            counts={},
            until=None,
            probe_until=None,
            probe_task="",
            others=False,
            expected=expected,
            reason=f"{downstream} answered a probe.",
        )
        ramping = flow.begin_ramp(ramping, at=moment, start=flow.FIRST_SHARE * expected, ceiling=expected)
        transition = _transition(document, ramping, now, downstream, ramping.reason)
        if not outcome.succeeded:
            ramping = _slow_down(ramping, now, fence, downstream, outcome, settings)[0]
        return ramping, True, transition, False
    if outcome.threshold > 0:
        why = f"A probe of {downstream} failed with {outcome.failure_type}."
        opened = replace(_opened(document, moment, fence, outcome, why, settings), probe_task=task)
        return opened, True, _transition(document, opened, now, downstream, opened.reason), False
    # The probe failed for a reason of its own: the next call may probe.
    waiting = replace(
        document, state=BreakerState.OPEN, generation=fence, until=moment, probe_until=None, probe_task=task
    )
    return waiting, True, None, False


def _limit(
    document: Document,
    moment: float,
    fence: int,
    downstream: str,
    suspects: frozenset[str],
    settings: GateSettings,
) -> Document | None:
    """The ramp by which a closed breaker lowers the rate, if more fails than usual and than chance explains."""
    line = GROWTH * counts.usual_share(document) + LIMIT_MARGIN
    for slices in (SHORT_SPANS[-1], counts.SLICES):
        total = counts.totals(counts.by_task(document, moment, settings, slices), suspects)
        calls, failures = _service_calls(total)
        if calls < ENOUGH_CALLS or counts.surely_above(failures, calls, LIMIT_DEVIATIONS) <= line:
            continue
        share, per_second = failures / calls, calls / counts.elapsed(document, moment, settings, slices)
        entered = replace(
            document,
            expected=max(flow.expected_rate(document, moment), per_second * (1 - share)),
            entry_rate=per_second,
            entry_share=share,
            slow_calls=0,
            slow_bad=0,
            opened_at=moment,
        )
        return _limited(entered, moment, fence, downstream, per_second, share)
    return None


def _cut(
    document: Document,
    moment: float,
    fence: int,
    downstream: str,
    suspects: frozenset[str],
    settings: GateSettings,
) -> Document | None:
    """The ramp from a lower rate, if more fails than usual; closed if a lower rate has not helped."""
    total = counts.totals(counts.by_task(document, moment, settings, SHORT_SPANS[0]), suspects)
    calls, failures = _service_calls(total)
    line = GROWTH * counts.usual_share(document) + CUT_MARGIN
    if failures < 2 or counts.surely_above(failures, calls, CUT_DEVIATIONS) <= line:
        return None
    share, allowed = failures / calls, flow.rate(document, moment)
    if calls >= 10:
        allowed = min(allowed, calls / counts.elapsed(document, moment, settings, SHORT_SPANS[0]))
    slow, bad = document.slow_calls, document.slow_bad
    if (
        slow >= ENOUGH_SLOW_CALLS
        and counts.surely_above(bad, slow, 1.0) >= SLOWED_SHARE * document.entry_share
    ):
        # Their share is taken for usual from now on, and fades as that does.
        usual_bad = max(document.usual_ok, ENOUGH_CALLS) * bad / max(1, slow - bad)
        why = f"{bad} of {slow} calls to {downstream} fail at a lower rate too: the rate is not the cause."
        return replace(_closed(document, moment, why), usual_bad=usual_bad)
    return _limited(document, moment, fence, downstream, allowed, share)


def _slow(document: Document, moment: float, *, bad: int) -> Document:
    """Count a call that was made at a clearly lower rate than the one at which a closed breaker began to limit."""
    if document.entry_rate == 0.0 or flow.rate(document, moment) > SLOWED_SHARE * document.entry_rate:
        return document
    return replace(document, slow_calls=document.slow_calls + 1, slow_bad=document.slow_bad + bad)


def _limited(
    document: Document, moment: float, fence: int, downstream: str, per_second: float, share: float
) -> Document:
    good = max(flow.FLOOR, per_second * (1 - share))
    ramping = replace(
        document,
        state=BreakerState.RAMP,
        generation=fence,
        counts={},
        reason=f"{share:.0%} of {per_second:.1f} calls a second to {downstream} failed.",
    )
    return flow.begin_ramp(ramping, at=moment, start=flow.CUT * good, ceiling=good)


def _slow_down(
    document: Document, now: datetime, fence: int, downstream: str, outcome: Outcome, settings: GateSettings
) -> Noted:
    """The downstream is up and says how fast is too fast: hold for as long as it asks, then go on more slowly."""
    moment = timestamp(now)
    ok = counts.totals(counts.by_task(document, moment, settings)).get(OK, 0)
    seconds = counts.elapsed(document, moment, settings)
    expected = flow.expected_rate(document, moment)
    if document.state is BreakerState.RAMP:
        expected = document.expected
        good = ok / seconds if ok >= 5 else flow.rate(document, moment) * flow.CUT
    else:
        good = ok / seconds if ok >= 5 else expected
    limited = replace(
        _with_hint(document, moment, outcome, settings),
        state=BreakerState.RAMP,
        generation=fence,
        counts={},
        expected=expected,
        opened_at=document.opened_at if document.opened_at is not None else moment,
        entry_rate=0.0,
        entry_share=0.0,
        failure_type=outcome.failure_type,
    )
    begins = max(moment, limited.hold_until or 0.0)
    limited = flow.begin_ramp(limited, at=begins, start=flow.CUT * good, ceiling=good)
    reason = f"{downstream} asked to slow down; {good:.1f} calls a second went well."
    limited = replace(limited, reason=reason)
    changed = document.state is not BreakerState.RAMP
    return limited, True, _transition(document, limited, now, downstream, reason) if changed else None, False


def _settled(document: Document, moment: float, settings: GateSettings) -> Document | None:
    """The breaker closed, if the ramp has reached its end and everyone held has had a turn."""
    if document.state is not BreakerState.RAMP or moment - (document.ramp_since or moment) < SETTLE_SECONDS:
        return None
    if (document.release_at or 0.0) > moment or flow.rate(document, moment) < flow.cap(document):
        return None
    return _closed(document, moment, "")


def _closed(document: Document, moment: float, reason: str) -> Document:
    return Document(
        generation=document.generation,
        reason=reason,
        counts=document.counts,
        hosts=document.hosts,
        poison=document.poison,
        usual_ok=document.usual_ok,
        usual_bad=document.usual_bad,
        usual_seconds=document.usual_seconds,
        usual_at=moment,
        release_at=document.release_at,
        waiting=document.waiting,
        backlog=document.backlog,
        budget=document.budget,
        budget_at=document.budget_at,
        limit=document.limit,
        limit_at=document.limit_at,
        peak=document.peak,
        slots=document.slots,
        override=document.override,
        override_by=document.override_by,
        override_until=document.override_until,
    )


def _service_calls(total: Mapping[str, int]) -> tuple[int, int]:
    """Calls and failures without contention, which fewer calls at once cure, not fewer calls per second."""
    calls = sum(count for what, count in total.items() if what not in CONTENTION)
    return calls, calls - total.get(OK, 0)


def _says_slow_down(outcome: Outcome) -> bool:
    return not outcome.succeeded and outcome.failure_type in SLOW_DOWN


def _with_hint(document: Document, moment: float, outcome: Outcome, settings: GateSettings) -> Document:
    hint = outcome.hint_seconds
    if hint is None or not 0 < hint < float("inf"):
        return document
    until = moment + min(timedelta(seconds=min(hint, 1e9)), settings.longest_hint).total_seconds()
    expected = document.expected or flow.expected_rate(document, moment)
    return replace(document, hold_until=max(until, document.hold_until or 0.0), expected=expected)


def _transition(before: Document, after: Document, now: datetime, downstream: str, reason: str) -> Transition:
    return Transition(
        downstream=downstream,
        before=before.state,
        after=after.state,
        at=now,
        reason=reason,
        failure_type=after.failure_type or before.failure_type,
        until=None if after.until is None else moment_of(after.until),
    )
