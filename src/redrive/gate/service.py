"""The gate: asked before a call, told after it."""

import logging
import random
from dataclasses import replace
from datetime import datetime

from redrive.gate import breaker
from redrive.gate import document as documents
from redrive.gate.document import OK, moment_of
from redrive.gate.types import (
    GATE_KIND,
    BreakerState,
    BreakerStatus,
    GateSettings,
    GateStates,
    Hold,
    Outcome,
    Reported,
    Run,
)
from redrive.leases import Lease, LeaseStore, StoreUnavailable

logger = logging.getLogger(__name__)


class Gate:
    """Holds tasks while what they depend on is down. Thread-safe; shared by all workers through its store.

    Fails open: with the store away every call goes through, marked ``degraded``, because a gate that is down
    must not stop a fleet that is up.

    Args:
        store: where the documents are.
        settings: constants, with defaults that suit a first day.
        rng: where the spread of held tasks comes from.
    """

    def __init__(
        self, store: LeaseStore, settings: GateSettings | None = None, *, rng: random.Random | None = None
    ) -> None:
        self._store = store
        self._settings = settings or GateSettings()
        self._rng = rng or random.Random()  # noqa: S311  # spread, not secrets

    def admit(self, task_name: str, downstream: str | None, owner: str) -> Run | Hold:
        """Ask whether a call may go. Without a downstream it always may, and nothing is asked.

        Args:
            task_name: for the log.
            downstream: name of what the task depends on.
            owner: token of this very run, in case it becomes the probe.
        """
        if downstream is None:
            return Run()
        spread = self._rng.random()
        try:
            return self._store.transact(
                GATE_KIND,
                downstream,
                lambda lease, now: breaker.admit(
                    lease, now, downstream=downstream, owner=owner, settings=self._settings, spread=spread
                ),
            )
        except StoreUnavailable as exc:
            logger.debug("Gate of %s lets %s through unasked: %s", downstream, task_name, exc)
            return Run(degraded=True)

    def report(self, task_name: str, downstream: str | None, run: Run, outcome: Outcome) -> Reported:
        """Tell how an admitted call went. Probes at once; other successes may be summed up and sent later.

        A returned ``transition`` is worth an event.
        """
        if downstream is None or run.degraded:
            return Reported(counted=False, degraded=run.degraded)
        try:
            return self._store.transact(
                GATE_KIND,
                downstream,
                lambda lease, now: breaker.report(
                    lease,
                    now,
                    downstream=downstream,
                    generation=run.generation,
                    outcome=outcome,
                    settings=self._settings,
                ),
            )
        except StoreUnavailable as exc:
            logger.debug("Gate of %s did not hear of %s: %s", downstream, task_name, exc)
            return Reported(counted=False, degraded=True)

    def states(self) -> GateStates:
        """Return what is known about every downstream, sorted by name. For pages, JSON and alerts."""
        try:
            leases = self._store.all(GATE_KIND)
            now = self._store.transact(GATE_KIND, "-", lambda lease, now: (lease, now))
        except StoreUnavailable:
            return GateStates(degraded=True)
        statuses = (status(lease, now, self._settings) for lease in leases)
        return GateStates(breakers=tuple(one for one in statuses if one is not None))


def status(lease: Lease, now: datetime, settings: GateSettings) -> BreakerStatus | None:
    """Return one document as pages show it; None when it has expired."""
    if lease.expires_at is not None and lease.expires_at <= now:
        return None
    document = documents.read(lease, now)
    sums = documents.totals(document, now, settings)
    closed = document.state is BreakerState.CLOSED
    until = document.hold_until if closed else document.until
    if closed and until is not None and moment_of(until) <= now:
        document, until = replace(document, hold_until=None), None
    return BreakerStatus(
        downstream=lease.key,
        state=document.state,
        reason=document.reason,
        failure_type=document.failure_type,
        opened_at=_moment(document.opened_at),
        until=_moment(until),
        probe_until=_moment(document.probe_until),
        failures=sum(count for what, count in sums.items() if what != OK),
        successes=sums.get(OK, 0),
        times_opened=document.opens,
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else moment_of(seconds)
