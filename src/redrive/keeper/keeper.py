"""One turn after the other: look, do what is due, say how long to sleep."""

from __future__ import annotations

import logging
import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from celery import Celery

from redrive import breakers, runtime
from redrive.broker import chords
from redrive.broker.publisher import Publisher, PublishFailed, PublishRefused
from redrive.broker.queues import queue_depths
from redrive.conf import get_mode, get_settings
from redrive.dead_letters import Ending, Outcome
from redrive.gate import Hold
from redrive.gate import Outcome as CallOutcome
from redrive.gate import Run as Permit
from redrive.keeper.admission import ENTERING, LONGEST_SECONDS, Admission
from redrive.keeper.drain import drain
from redrive.leases import Acquired, StoreUnavailable
from redrive.options import Options
from redrive.payload import CannotOpen, workflow_of
from redrive.process import is_running
from redrive.stores.experience import RETRY
from redrive.stores.sql import corrections, publishing
from redrive.stores.sql import counters as sql_counters
from redrive.stores.sql import leases as sql_leases
from redrive.stores.sql.connection import Cursor
from redrive.stores.sql.publishing import Due, Vanished
from redrive.taxonomy import ExceptionFacts

logger = logging.getLogger("redrive")

BATCH = 100
"""Records claimed at once."""
FIRST_REFUSAL_SECONDS = 30.0
LONGEST_REFUSAL_SECONDS = 3600.0
"""Pauses, doubling, before a message that the broker refuses is tried again."""
LONGEST_PAUSE_SECONDS = 30.0
"""Longest wait between two tries while the database or the broker is away."""
CHILD_GRACE_SECONDS = 10.0
"""How long a worker has to report a lost child before the keeper looks itself."""
LEARNING_WINDOW = timedelta(days=7)
RESULTS_AWAY_SECONDS = 30.0
"""How long a result backend that did not answer is not asked again: its clients try for many seconds each time."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that one keeper of the fleet, or of the machine, does now and then."""

    name: str
    seconds: float
    do: Callable[[], None]
    fleet: bool
    """Whether one keeper of the whole fleet is enough; it takes a lease for that."""


class Keeper:
    """A keeper. :meth:`turn` does one round; nothing else holds state that must survive.

    Args:
        app: The project's Celery app; messages go through it.
        worker: Id of the worker to vouch for, if a worker started this keeper.
    """

    def __init__(self, app: Celery, *, worker: str = "") -> None:
        self.app = app
        self.worker = worker
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self._publisher = Publisher(app)
        self._admission = Admission()
        self._depths: dict[str, int] = {}
        self._next: dict[str, float] = {}
        self._pause = 0.0
        self._no_results_until = 0.0
        self._said = ""
        self._contact_since = time.monotonic()
        settings = get_settings().keeper
        beat = settings.heartbeat_seconds / 3
        self._heartbeat_duty = Duty("heartbeat", min(beat, 10.0), self._heartbeat, fleet=False)
        self._duties = (
            self._heartbeat_duty,
            Duty("children", 5.0, self._reap_children, fleet=False),
            Duty("drain", 0.0, self._drain, fleet=False),
            Duty("reclaim", max(1.0, settings.republish_seconds / 10), self._reclaim, fleet=True),
            Duty("reap", max(1.0, settings.heartbeat_seconds / 3), self._reap, fleet=True),
            Duty("sample", 10.0, self._sample_queues, fleet=True),
            Duty("experience", 5.0, self._write_experience, fleet=False),
            Duty("purge", 3600.0, self._purge, fleet=True),
        )

    def turn(self) -> float:
        """Do everything that is due; returns the seconds to sleep before the next turn. Never raises."""
        try:
            if get_mode() == "off":
                # What was sent before may still run here: other keepers must not take its worker for gone.
                self._contact_since = time.monotonic()
                self._beat()
                return get_settings().keeper.poll_seconds
            for duty in self._duties:
                self._perform(duty)
            busy = self._publish_due()
        except StoreUnavailable as exc:
            return self._back_off(f"the database is away: {exc}")
        except PublishFailed as exc:
            return self._back_off(f"the broker is away: {exc}")
        except Exception:
            logger.exception("redrive: the keeper's turn failed; it goes on")
            return self._back_off("")
        if self._said:
            logger.info("redrive: the keeper is at work again")
        self._pause, self._said = 0.0, ""
        return 0.0 if busy else get_settings().keeper.poll_seconds

    def close(self) -> None:
        """Bring what the worker left in the spill to the database, and let go of connections. Never raises."""
        try:
            self._drain()
        except Exception as exc:
            logger.warning("redrive: the spill stays for the next keeper: %s", exc)
        self._publisher.close()
        runtime.database().close()

    def _back_off(self, why: str) -> float:
        self._contact_since = time.monotonic()
        self._pause = min(max(1.0, self._pause * 2), LONGEST_PAUSE_SECONDS)
        if why and why.partition(":")[0] != self._said:
            logger.warning("redrive: the keeper waits, %s", why)
            self._said = why.partition(":")[0]
        return self._pause

    def _perform(self, duty: Duty) -> None:
        now = time.monotonic()
        if now < self._next.get(duty.name, 0.0):
            return
        if duty.fleet and not self._may_do(duty):
            self._next[duty.name] = now + duty.seconds
            return
        self._next[duty.name] = now + duty.seconds
        try:
            duty.do()
        except StoreUnavailable:
            raise
        except Exception:
            # One duty that cannot be done (a file of another user, an unusual broker) must not stop the others.
            logger.exception("redrive: the keeper could not do its duty %r", duty.name)

    def _beat(self) -> None:
        """The heartbeat if it is due: between rows and lines too, so that long work does not let it run out."""
        self._perform(self._heartbeat_duty)

    def _may_do(self, duty: Duty) -> bool:
        """Whether this keeper has the duty for now. The lease runs out just before the next time is due."""
        answer = runtime.fleet_leases().acquire(
            "duty", duty.name, owner=self.name, ttl=timedelta(seconds=max(1.0, duty.seconds * 2))
        )
        return isinstance(answer, Acquired)

    def _publish_due(self) -> bool:
        """Publish what is due; True if there may be more."""
        settings = get_settings().keeper
        batch = runtime.database().run(
            lambda cursor: publishing.claim_due(
                cursor, self.name, limit=BATCH, lease_seconds=settings.lease_seconds
            )
        )
        deadline = time.monotonic() + settings.lease_seconds / 2
        for position, due in enumerate(batch):
            if time.monotonic() > deadline:
                # The claims would run out under us; what is left is claimed anew.
                self._give_back(batch[position:], "")
                return True
            self._beat()
            try:
                self._publish(due)
            except PublishFailed:
                self._give_back(batch[position:], "The broker is away.")
                raise
        return len(batch) == BATCH

    def _publish(self, due: Due) -> None:
        if self._waits_for_its_queue(due):
            return
        answer = self._ask_gate(due)
        if isinstance(answer, Hold):
            seconds = max(1.0, answer.seconds_from(runtime.clock.now()))
            self._postpone(due, seconds, answer.reason, held=True)
            return
        headers = headers_of(due)
        if due.downstream:
            headers["redrive"].update(
                permit=answer.to_dict(), waited=due.holds > 0, downstream=due.downstream
            )
        try:
            self._publisher.publish(runtime.opened(due.message), queue=due.queue_name, headers=headers)
        except Exception as exc:
            # Nobody gets the permit, so nobody else would give its place back.
            runtime.gate().report(due.task_name, due.downstream or None, answer, CallOutcome.nothing())
            if not isinstance(exc, (PublishRefused, CannotOpen)):
                raise
            seconds = min(FIRST_REFUSAL_SECONDS * 2 ** min(due.holds, 10), LONGEST_REFUSAL_SECONDS)
            logger.error("redrive: %s[%s] cannot be sent: %s", due.task_name, due.task_id, exc)
            self._postpone(due, seconds, f"It cannot be sent: {exc}", held=True)
            return
        settings = get_settings().keeper
        runtime.database().run(
            lambda cursor: publishing.mark_published(
                cursor, due, self.name, republish_seconds=settings.republish_seconds
            )
        )

    def _waits_for_its_queue(self, due: Due) -> bool:
        """Whether the record is delayed because its queue is far behind: once, and not where a gate has spread it."""
        if due.holds or due.hold_reason.endswith(ENTERING):
            return False
        left = seconds_left(due, runtime.clock.now())
        if left is not None and left < LONGEST_SECONDS:
            return False
        queue = self._publisher.queue_of(due.message, due.queue_name)
        depth = self._depths.get(queue)
        wait = self._admission.wait_seconds(queue, depth, time.monotonic())
        if not wait:
            return False
        self._postpone(due, wait, f"{depth:,} tasks wait in the queue {queue}: {ENTERING}", held=False)
        return True

    def _ask_gate(self, due: Due) -> Permit | Hold:
        """Whether the record may go. Its message carries the permit, for its worker to show."""
        answer = runtime.gate().admit(
            due.task_name,
            due.downstream or None,
            due.task_id,
            retry_count=due.retries,
            waited=due.holds > 0,
            priority=due.options.get("priority"),
            seconds_left=seconds_left(due, runtime.clock.now()),
        )
        if isinstance(answer, Permit) and answer.probe:
            breakers.note_probe(due.downstream, due.task_name, due.task_id)
        return answer

    def _postpone(self, due: Due, seconds: float, reason: str, *, held: bool) -> None:
        runtime.database().run(
            lambda cursor: publishing.postpone(
                cursor, due, self.name, seconds=seconds, reason=reason, held=held
            )
        )

    def _give_back(self, batch: list[Due], reason: str) -> None:
        """Return what was claimed and not sent, so that another keeper may try at once."""
        for due in batch:
            self._postpone(due, 1.0, reason, held=False)

    def _heartbeat(self) -> None:
        if self.worker:
            seconds = get_settings().keeper.heartbeat_seconds
            runtime.database().run(
                lambda cursor: sql_leases.put(
                    cursor, "worker", self.worker, data={}, seconds=seconds, owner=self.name
                )
            )

    def _drain(self) -> None:
        drain(runtime.spill(), runtime.database(), between=self._beat, settle=self._settle)

    def _write_experience(self) -> None:
        since = runtime.clock.now() - LEARNING_WINDOW

        def read(cursor: Cursor) -> tuple[dict[str, dict[str, int]], Mapping[str, str]]:
            return sql_counters.count_all_labels(cursor, RETRY, since=since), corrections.learnt(cursor)

        retries, learnt = runtime.database().run(read)
        self._depths = {
            lease.key: int(lease.data.get("depth", 0)) for lease in runtime.sql_leases().all("queue")
        }
        runtime.experience().write(
            retries=retries, depths=self._depths, corrections=learnt, at=runtime.clock.now()
        )

    def _reclaim(self) -> None:
        count = runtime.database().run(publishing.reclaim_unstarted)
        if count:
            logger.info("redrive: %s messages were sent but never started; they are sent again", count)

    def _reap(self) -> None:
        """End attempts whose worker is gone, as failures with the reason SYSTEM_WORKER_LOST.

        Right after a start, or after the database was away, the signs of life of living workers may be old as well:
        then nobody is declared gone yet.
        """
        grace = get_settings().keeper.heartbeat_seconds
        if time.monotonic() - self._contact_since < 2 * grace:
            return
        for vanished in runtime.database().run(
            lambda cursor: publishing.find_vanished(cursor, grace_seconds=grace)
        ):
            if 0 < vanished.deliveries < get_settings().most_deliveries:
                # The broker has given it back: the attempt counts as interrupted rather than as lost.
                runtime.database().run(lambda cursor, one=vanished: publishing.start_again(cursor, one))  # type: ignore[misc]  # bound at once
                continue
            recorded = runtime.recorder().record(runtime.conclude_stored(vanished_ending(vanished)))
            logger.warning(
                "redrive: %s[%s] was running on %s, which is gone: %s",
                vanished.due.task_name,
                vanished.due.task_id,
                vanished.started_by,
                recorded.status.lower() or "noted already",
            )

    def _reap_children(self) -> None:
        """End attempts of our worker's children that died after Celery had heard the last of them.

        The worker itself reports a lost child, unless the result was stored already: then the record is all that is
        left open. The result backend knows; without one the attempt counts as lost.
        """
        if not self.worker:
            return
        found = runtime.database().run(
            lambda cursor: publishing.find_childless(cursor, self.worker, seconds=CHILD_GRACE_SECONDS)
        )
        for vanished, child in found:
            if is_running(child):
                continue
            ending = vanished_ending(vanished)
            ending = self._unless_succeeded(ending)
            runtime.recorder().record(runtime.conclude_stored(ending))
            logger.warning(
                "redrive: the process of %s[%s] is gone", vanished.due.task_name, vanished.due.task_id
            )

    def _settle(self, ending: Ending) -> Ending:
        """What a worker took for a lost child is a success if its result was stored before the child died.

        Celery looks for that itself from 5.7 on.
        """
        if ending.source != "main":
            return ending
        if ending.outcome is Outcome.SUCCEEDED:
            return self._unless_succeeded(ending)
        if not ending.exception_type.endswith("WorkerLostError"):
            return ending
        return self._unless_succeeded(ending)

    def _unless_succeeded(self, ending: Ending) -> Ending:
        """The ending, or a success where the result backend has one; its chord may not have heard of it."""
        if not self._has_succeeded(ending.task_id):
            return ending
        if (message := ending.message) is not None:
            chords.tell(self.app, ending.task_id, message.headers, workflow_of(message).chord)
        return as_success(ending)

    def _has_succeeded(self, task_id: str) -> bool:
        """Whether the result backend, if there is one, has a success for a task."""
        if time.monotonic() < self._no_results_until:
            return False
        try:
            return self.app.AsyncResult(task_id).state == "SUCCESS"
        except Exception:
            # No backend, or one that is away: each has exceptions of its own.
            self._no_results_until = time.monotonic() + RESULTS_AWAY_SECONDS
            return False

    def _sample_queues(self) -> None:
        names = sorted({*self.app.amqp.queues, *get_settings().queues.values()})
        depths = queue_depths(self.app, names)

        def write(cursor: Cursor) -> None:
            for name, depth in depths.items():
                sql_leases.put(cursor, "queue", name, data={"depth": depth}, seconds=60, owner=self.name)

        runtime.database().run(write)
        runtime.sql_leases().delete_expired(("queue",))  # of a queue that is gone, the depth says nothing

    def _purge(self) -> None:
        retention = get_settings().retention
        resolved, abandoned = (
            timedelta(days=retention.resolved_days),
            timedelta(days=retention.abandoned_days),
        )
        while runtime.database().run(lambda c: publishing.purge(c, resolved=resolved, abandoned=abandoned)):
            self._beat()
        older = timedelta(days=retention.stat_days)
        runtime.database().run(lambda cursor: sql_counters.purge(cursor, older_than=older))
        runtime.database().run(publishing.forget_workers)
        while runtime.sql_leases().delete_expired(("claim", "gate", "duty", "queue", "spill")):
            self._beat()


def seconds_left(due: Due, now: datetime) -> float | None:
    """Until a record's message expires or its task is too old to be retried; None: neither ever happens."""
    ends = []
    expires = due.message.headers.get("expires")
    if isinstance(expires, str):
        with suppress(ValueError):
            at = datetime.fromisoformat(expires)
            ends.append(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
    if due.first_failed_at is not None:
        declared = due.options.get("max_age_seconds")
        age = declared or runtime.retry_engine.max_age_seconds(due.task_name, due.failure_type)
        ends.append(due.first_failed_at + timedelta(seconds=age))
    return (min(ends) - now).total_seconds() if ends else None


def headers_of(due: Due) -> dict[str, Any]:
    """The headers of a stored message as it is sent again: same id, our attempt number, no ETA.

    Its expiry is kept: a retry that comes too late ends as expired. A person who sends a task again means it to run,
    so then the expiry is dropped.
    """
    headers = dict(due.message.headers)
    stored = headers.pop("redrive", None)
    headers.pop("compression", None)  # the body is stored decompressed
    by_a_person = due.retries == 0 and due.attempt > 0
    if by_a_person:
        headers["expires"] = None
    kept = stored if isinstance(stored, dict) and not by_a_person else {}
    headers.update(eta=None, retries=due.retries)
    headers["redrive"] = {
        "version": 1,
        "attempt": due.attempt + 1,
        "retries": due.retries,
        "first_seen": kept.get("first_seen") or runtime.clock.now().isoformat(),
        "failure_type": due.failure_type if due.retries > 0 else "",
        "excused": due.options.get("excused", kept.get("excused", 0)),
    }
    return headers


def as_success(ending: Ending) -> Ending:
    """The ending of a task whose body went well, whatever happened to its process afterwards."""
    return replace(
        ending, outcome=Outcome.SUCCEEDED, facts=None, message=None, exception_type="", exception_message=""
    )


def vanished_ending(vanished: Vanished) -> Ending:
    """The ending of an attempt that was started and never heard of again."""
    due = vanished.due
    text = f"The worker {vanished.started_by} ran it and gave no sign of life any more."
    facts = ExceptionFacts(
        exc_module="billiard.exceptions", exc_qualname="WorkerLostError", mro=("Exception",), message=text
    )
    return Ending(
        outcome=Outcome.FAILED,
        task_id=due.task_id,
        task_name=due.task_name,
        attempt=due.attempt + 1,
        ended_at=runtime.clock.now(),
        source="reaper",
        app_name=due.app_name,
        worker=vanished.started_by.partition("#")[0],
        queue=due.queue_name,
        business_unit=due.business_unit,
        options=Options.from_dict(due.options).to_dict(),
        facts=facts.to_dict(),
        exception_type=facts.exception_type,
        exception_message=text,
        context={"retries": due.retries},
        message=replace(due.message),
    )
