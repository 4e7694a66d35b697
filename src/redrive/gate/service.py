"""The gate: asked before a call, told after it."""

import logging
import random
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from redrive.clock import Clock
from redrive.gate import breaker, counts, flow, slots
from redrive.gate import document as documents
from redrive.gate.breaker import Call, Summed
from redrive.gate.document import moment_of, timestamp
from redrive.gate.results import service_failure
from redrive.gate.types import (
    GATE_KIND,
    BreakerState,
    BreakerStatus,
    GateSettings,
    GateStates,
    Hold,
    Outcome,
    Override,
    Reported,
    Run,
    Transition,
)
from redrive.leases import Change, Lease, LeaseStore, StoreUnavailable

logger = logging.getLogger(__name__)
T = TypeVar("T")

REMEMBER_SECONDS: Final = 1.0
"""How long a process takes a closed breaker for closed without asking, and sums up successes without telling."""

MOST_REMEMBERED: Final = 1_000
"""Downstreams a process remembers: their names may come from failures, and there is no end of hosts."""

LOW_PRIORITIES: Final = frozenset({"LOW", "DEFERRED"})


@dataclass(slots=True)
class _Seen:
    """What this process knows of one downstream."""

    run: Run
    until: float
    told_at: float
    by_task: dict[str, int] = field(default_factory=dict)


class Gate:
    """Holds tasks while what they depend on is in trouble. Thread-safe; shared by all workers through its store.

    While every store is away each process has a gate of its own (``local``), or none, and says so: ``degraded``.
    A gate that is down must not stop a fleet that is up.

    Args:
        store: where the documents are.
        settings: constants, with defaults that suit a first day.
        downstreams: the settings of single downstreams, by name.
        fallbacks: stores to use while the first one is away, in order; shared by the fleet like it.
        local: a store of this process alone, for when those are away too.
        clock: this process's clock. With one, a closed breaker is asked once a second at most, and successes are
            told once a second (`flush` tells the rest). Without, every call is one change of the store.
        host: name of this machine: failures must come from two hosts, if there are two, to open a breaker.
        rng: where the spread of held tasks comes from.
    """

    def __init__(
        self,
        store: LeaseStore,
        settings: GateSettings | None = None,
        *,
        downstreams: Mapping[str, GateSettings] | None = None,
        fallbacks: Sequence[LeaseStore] = (),
        local: LeaseStore | None = None,
        clock: Clock | None = None,
        host: str = "",
        rng: random.Random | None = None,
    ) -> None:
        self._stores = (store, *fallbacks)
        self._local = local
        self._settings = settings or GateSettings()
        self._downstreams = dict(downstreams or {})
        self._clock = clock
        self._host = host
        self._rng = rng or random.Random()  # noqa: S311  # spread, not secrets
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def admit(
        self,
        task_name: str,
        downstream: str | None,
        owner: str,
        *,
        retry_count: int = 0,
        waited: bool = False,
        priority: Any = None,
        seconds_left: float | None = None,
        ticket: Run | None = None,
    ) -> Run | Hold:
        """Ask whether a call may go. Without a downstream it always may, and nothing is asked.

        Args:
            task_name: name of the task type: one bad type must not stop its siblings.
            downstream: name of what the task depends on.
            owner: token of this very run, in case it becomes the probe.
            retry_count: retries there have been; retries use up the budget.
            waited: whether it was held before; fresh calls go first.
            priority: a level or its name; LOW and DEFERRED wait for off-peak hours where those are set.
            seconds_left: until it expires or is too old; it does not wait for off-peak hours beyond. None: it has time.
            ticket: the answer a keeper got when it sent this very task: it has been asked for already.
        """
        if downstream is None:
            return Run()
        plain = retry_count == 0 and ticket is None and priority is None
        if plain and self._clock is not None:
            seen = self._seen.get(downstream)
            if seen is not None and self._clock.monotonic() < seen.until:
                return seen.run
        call = Call(
            downstream=downstream,
            task_name=task_name,
            owner=owner,
            host=self._host,
            retry_count=retry_count,
            waited=waited,
            low_priority=str(getattr(priority, "name", priority)) in LOW_PRIORITIES,
            seconds_left=seconds_left,
            ticket=ticket,
        )
        settings, spread = self.settings_of(downstream), self._rng.random()

        def change(lease: Lease | None, now: datetime) -> tuple[Lease | None, Run | Hold]:
            return breaker.admit(lease, now, call=call, settings=settings, spread=spread)

        try:
            answer = self._transact(downstream, change)
        except StoreUnavailable as exc:
            return self._admit_alone(change, call, exc)
        self._remember(downstream, answer)
        return answer

    def report(self, task_name: str, downstream: str | None, run: Run | None, outcome: Outcome) -> Reported:
        """Tell how a call went, every one of them once; ``run`` is None for one that was not asked about.

        A returned ``transition`` is worth an event. Where ``spends_attempt`` is false the failed task should wait
        until ``until`` as if it had been held.
        """
        if downstream is None:
            return Reported(counted=False)
        if (
            outcome.succeeded
            and run is not None
            and run.free
            and self._sum_up(task_name, downstream, run, outcome.count)
        ):
            return Reported(counted=True)
        settings, spread = self.settings_of(downstream), self._rng.random()
        alone = run is not None and run.degraded
        summed = None if alone else self._take_summed(downstream)
        call = Call(downstream=downstream, task_name=task_name, host=self._host)

        def change(
            lease: Lease | None, now: datetime, run: Run | None = run, summed: Summed | None = summed
        ) -> tuple[Lease | None, Reported]:
            return breaker.report(
                lease,
                now,
                call=call,
                run=run,
                outcome=outcome,
                settings=settings,
                spread=spread,
                summed=summed,
            )

        if alone:
            return self._report_alone(downstream, change)
        bad = service_failure(outcome)
        try:
            reported = self._transact(downstream, change)
        except StoreUnavailable as exc:
            self._put_back(downstream, summed)
            logger.debug("Gate of %s did not hear of %s: %s", downstream, task_name, exc)
            if not bad:
                return Reported(counted=False, degraded=True)
            self._doubt(downstream)
            # Nobody had asked this process's own gate about the call.
            return self._report_alone(downstream, lambda lease, now: change(lease, now, None, None))
        if reported.state is not BreakerState.CLOSED:
            self._seen.pop(downstream, None)
        elif bad and not reported.counted:
            self._doubt(downstream)
        return reported

    def flush(self) -> None:
        """Tell the successes that were summed up. For a process that goes idle or ends; never raises."""
        for downstream in list(self._seen):
            self._flush(downstream)

    def override(
        self,
        downstream: str,
        kind: Override | None,
        *,
        by: str,
        reason: str = "",
        lasts: timedelta = timedelta(hours=4),
    ) -> Transition:
        """Let an operator decide: force the breaker open or closed, only observe, or (None) leave it to itself.

        The decision lapses by itself. Returns what to write down as an event. It counts in every store that answers,
        so also while one stands in for another. Raises StoreUnavailable if none does.
        """
        settings = self.settings_of(downstream)
        self._seen.pop(downstream, None)
        return self._everywhere(
            downstream,
            lambda lease, now: breaker.override(
                lease,
                now,
                downstream=downstream,
                kind=kind,
                by=by,
                reason=reason,
                lasts=lasts,
                settings=settings,
            ),
        )

    def reset(self, downstream: str, *, by: str, reason: str = "") -> Transition:
        """Close the breaker and forget all that was counted, in every store that answers. Raises StoreUnavailable."""
        settings = self.settings_of(downstream)
        self._seen.pop(downstream, None)
        return self._everywhere(
            downstream,
            lambda lease, now: breaker.reset(
                lease, now, downstream=downstream, by=by, reason=reason, settings=settings
            ),
        )

    def settings_of(self, downstream: str) -> GateSettings:
        """Return the settings in force for one downstream."""
        return self._downstreams.get(downstream, self._settings)

    def state_of(self, downstream: str) -> BreakerState | None:
        """Return the breaker's state; None while the stores are away. Learning pauses while it is not closed."""
        try:
            lease, now = self._transact(downstream, lambda lease, now: (lease, (lease, now)))
        except StoreUnavailable:
            return None
        return documents.read(lease, now).state

    def states(self) -> GateStates:
        """Return what is known about every downstream, sorted by name. For pages, JSON and alerts."""
        for position, store in enumerate(self._stores):
            try:
                leases = store.all(GATE_KIND)
                now = store.transact(GATE_KIND, "-", lambda lease, now: (lease, now))
            except StoreUnavailable:
                continue
            found = (status(lease, now, self.settings_of(lease.key)) for lease in leases)
            breakers = tuple(one for one in found if one is not None)
            return GateStates(breakers=breakers, degraded=position > 0)
        return GateStates(degraded=True, known=False)

    def _transact(self, downstream: str, change: Change[T]) -> T:
        for store in self._stores[:-1]:
            try:
                return store.transact(GATE_KIND, downstream, change)
            except StoreUnavailable as exc:
                logger.debug("Gate of %s goes on without its first store: %s", downstream, exc)
        return self._stores[-1].transact(GATE_KIND, downstream, change)

    def _everywhere(self, downstream: str, change: Change[T]) -> T:
        """Change the document in each store; the answer is that of the first one that is there."""
        answer = self._transact(downstream, change)
        for store in self._stores[1:]:
            with suppress(StoreUnavailable):
                store.transact(GATE_KIND, downstream, change)
        return answer

    def _admit_alone(self, change: Change[Run | Hold], call: Call, exc: StoreUnavailable) -> Run | Hold:
        """The answer of this process's own gate, or a free pass where it has none."""
        logger.debug("Gate of %s asks nobody else about %s: %s", call.downstream, call.task_name, exc)
        if self._local is None:
            return Run(degraded=True)
        answer = self._local.transact(GATE_KIND, call.downstream, change)
        if isinstance(answer, Hold):
            return answer
        return Run(answer.generation, answer.probe, degraded=True, slot=answer.slot)

    def _report_alone(self, downstream: str, change: Change[Reported]) -> Reported:
        if self._local is None:
            return Reported(counted=False, degraded=True)
        reported = self._local.transact(GATE_KIND, downstream, change)
        return Reported(
            counted=reported.counted,
            transition=reported.transition,
            degraded=True,
            state=reported.state,
            spends_attempt=reported.spends_attempt,
            until=reported.until,
            wait_seconds=reported.wait_seconds,
            poison=reported.poison,
        )

    def _remember(self, downstream: str, answer: Run | Hold) -> None:
        if self._clock is None:
            return
        if isinstance(answer, Hold) or not answer.free:
            self._seen.pop(downstream, None)
            return
        now = self._clock.monotonic()
        with self._lock:
            seen = self._seen.get(downstream)
            if seen is None or seen.run.generation != answer.generation:
                seen = self._seen[downstream] = _Seen(answer, 0.0, now - REMEMBER_SECONDS)
            seen.until = now + REMEMBER_SECONDS
            first = next(iter(self._seen)) if len(self._seen) > MOST_REMEMBERED else None
        if first is not None:
            self._flush(first)
            self._seen.pop(first, None)

    def _doubt(self, downstream: str) -> None:
        """Ask before the next call: a failure that did not count was asked about in a store that is away by now."""
        with self._lock:
            seen = self._seen.get(downstream)
            if seen is not None:
                seen.until = 0.0

    def _sum_up(self, task_name: str, downstream: str, run: Run, count: int) -> bool:
        """Add successes to those to be told; False where they must be told at once."""
        if self._clock is None:
            return False
        with self._lock:
            seen = self._seen.get(downstream)
            if seen is None or seen.run.generation != run.generation:
                return False
            seen.by_task[task_name] = seen.by_task.get(task_name, 0) + count
            if self._clock.monotonic() - seen.told_at < REMEMBER_SECONDS:
                return True
        self._flush(downstream)
        return True

    def _take_summed(self, downstream: str) -> Summed | None:
        with self._lock:
            seen = self._seen.get(downstream)
            if seen is None or not seen.by_task or self._clock is None:
                return None
            by_task, seen.by_task, seen.told_at = seen.by_task, {}, self._clock.monotonic()
            return Summed(generation=seen.run.generation, by_task=by_task)

    def _put_back(self, downstream: str, summed: Summed | None) -> None:
        """Keep successes that could not be told for the next time, unless the breaker has changed since."""
        with self._lock:
            seen = self._seen.get(downstream)
            if seen is None or summed is None or seen.run.generation != summed.generation:
                return
            for task_name, count in summed.by_task.items():
                seen.by_task[task_name] = seen.by_task.get(task_name, 0) + count

    def _flush(self, downstream: str) -> None:
        summed = self._take_summed(downstream)
        if summed is None:
            return
        settings = self.settings_of(downstream)
        try:
            state = self._transact(
                downstream,
                lambda lease, now: breaker.flush(
                    lease, now, downstream=downstream, host=self._host, summed=summed, settings=settings
                ),
            )
        except StoreUnavailable as exc:
            self._put_back(downstream, summed)
            logger.debug("Gate of %s did not hear of successes: %s", downstream, exc)
            return
        if state is not BreakerState.CLOSED:
            self._seen.pop(downstream, None)


def status(lease: Lease, now: datetime, settings: GateSettings) -> BreakerStatus | None:
    """Return one document as pages show it; None when it has expired."""
    if lease.expires_at is not None and lease.expires_at <= now:
        return None
    document, moment = documents.read(lease, now), timestamp(now)
    total = counts.totals(counts.by_task(document, moment, settings))
    until = document.until if document.state is BreakerState.OPEN else None
    held = document.hold_until if (document.hold_until or 0.0) > moment else None
    ramping = document.state is BreakerState.RAMP
    override = breaker.override_of(document, moment)
    return BreakerStatus(
        downstream=lease.key,
        state=document.state,
        reason=document.reason,
        failure_type=document.failure_type,
        opened_at=_moment(document.opened_at),
        until=_moment(until if until is not None else held),
        probe_until=_moment(document.probe_until),
        failures=sum(count for what, count in total.items() if what != counts.OK),
        successes=total.get(counts.OK, 0),
        times_opened=document.opens,
        waiting=flow.still_waiting(document, moment),
        rate=round(flow.rate(document, moment), 3) if ramping else None,
        concurrency=slots.limit(document, settings),
        in_flight=slots.in_flight(document, moment, settings)
        if slots.is_counting(document, settings)
        else None,
        override=None if override is None else override.value,
        override_by=document.override_by if override is not None else "",
        override_until=_moment(document.override_until) if override is not None else None,
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else moment_of(seconds)
