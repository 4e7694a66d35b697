"""A fleet in simulated time: processes, a queue, a keeper, and a downstream that misbehaves.

Nothing here decides about a retry: a `Contender` does, and the one for Redrive asks the real engine.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import partial
from typing import Final, Protocol, TypeAlias

from redrive.taxonomy import FailureType

START: Final = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEEPER_SECONDS: Final = 1.0
"""How often the keeper looks for what is due."""

LONGEST_SECONDS: Final = 3 * 3600.0
"""After the last task has come, so much time is simulated at most."""


class SimulatedClock:
    """A `redrive.clock.Clock` that the world moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the simulated moment."""
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return the simulated seconds."""
        return self.seconds


@dataclass(slots=True)
class Job:
    """One task on its way."""

    number: int
    name: str
    downstream: str
    arrived: float
    luck: float
    """Chance of its first attempt, 0..1: the same whoever decides about retries."""
    process: int = -1
    """Where its last attempt ran."""
    attempts: int = 0
    retries: int = 0
    holds: int = 0
    first_failed: float | None = None
    ended: float | None = None
    succeeded: bool = False
    note: object = None
    """What the contender wants to remember until the job's next start."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call to a downstream came to."""

    seconds: float
    failure: FailureType | None = None
    hint_seconds: float | None = None


class Fate(Enum):
    """What becomes of a job whose attempt has ended."""

    DONE = "done"
    DEAD = "dead"
    LATER = "later"
    """It leaves its process and comes back."""
    SLEEP = "sleep"
    """It waits inside its process, as in-process retry libraries do."""


Verdict: TypeAlias = tuple[Fate, float]
Service: TypeAlias = Callable[[Job, float, int, random.Random], Answer]
"""From a job, the moment, the calls in flight (this one included) and chance to the answer."""


class Contender(Protocol):
    """A way to retry."""

    def start(self, process: int, job: Job, now: float) -> float | None:
        """Return None to run the job, or the seconds to wait first."""

    def publish(self, job: Job, now: float) -> float | None:
        """As `start`, asked before a job that has waited is sent to a process."""

    def end(self, process: int, job: Job, now: float, answer: Answer) -> Verdict:
        """Return what becomes of a job whose attempt has just ended."""

    def restart(self) -> None:
        """All processes begin anew, without what they remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Tasks that come at random moments, so many per second."""

    name: str
    downstream: str
    per_second: float
    recoverable: bool = True
    """Whether a retry can ever succeed; losing others is no loss."""


@dataclass(slots=True)
class Run:
    """What has happened."""

    jobs: list[Job] = field(default_factory=list)
    attempts: list[float] = field(default_factory=list)
    """Moments at which a call to a downstream began."""
    holds: int = 0
    probes: int = 0


class World:
    """Runs traffic against services until every job has ended.

    Args:
        contender: who decides.
        clock: moved by this world; the contender's stores read it.
        processes: how many jobs run at once.
        stopped: from when until when no process takes a job, because all of them restart.
        seed: of all chance but the contender's.
    """

    def __init__(
        self,
        contender: Contender,
        clock: SimulatedClock,
        *,
        traffic: tuple[Traffic, ...],
        services: dict[str, Service],
        seconds: float,
        processes: int,
        seed: int,
        stopped: tuple[float, float] | None = None,
    ) -> None:
        self._stopped = stopped or (0.0, 0.0)
        self._contender, self._clock = contender, clock
        # Arrivals draw from a source of their own, so that all contenders meet the same tasks.
        self._arrivals, self._rng = random.Random(seed), random.Random(seed + 1)  # noqa: S311  # a simulation
        self._services, self._seconds = services, seconds
        self._queue: deque[Job] = deque()
        self._waiting: list[tuple[float, int, Job]] = []
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._idle = list(range(processes))
        self._in_flight = dict.fromkeys(services, 0)
        self._count = 0
        self.result = Run()
        for stream in traffic:
            self._at(self._gap(stream), partial(self._arrive, stream))
        self._at(KEEPER_SECONDS, self._keep)
        if stopped is not None:
            self._at(stopped[1], self._restart)

    def run(self) -> Run:
        """Simulate to the end."""
        end = self._seconds + LONGEST_SECONDS
        while self._events and self._events[0][0] <= end:
            now, _, act = heapq.heappop(self._events)
            self._clock.seconds = now
            act(now)
        return self.result

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, act))

    def _gap(self, stream: Traffic) -> float:
        return self._arrivals.expovariate(stream.per_second)

    def _arrive(self, stream: Traffic, now: float) -> None:
        if now > self._seconds:
            return
        job = Job(len(self.result.jobs), stream.name, stream.downstream, now, self._arrivals.random())
        self.result.jobs.append(job)
        self._at(now + self._gap(stream), partial(self._arrive, stream))
        self._send(job, now)

    def _send(self, job: Job, now: float) -> None:
        self._queue.append(job)
        self._work(now)

    def _restart(self, now: float) -> None:
        self._contender.restart()
        self._work(now)

    def _work(self, now: float) -> None:
        if self._stopped[0] <= now < self._stopped[1]:
            return
        while self._queue and self._idle:
            # Any idle process may be the one, as with a real broker.
            position = int(self._rng.random() * len(self._idle))
            process = self._idle[position]
            self._idle[position] = self._idle[-1]
            self._idle.pop()
            self._begin(process, self._queue.popleft(), now)

    def _begin(self, process: int, job: Job, now: float) -> None:
        wait = self._contender.start(process, job, now)
        if wait is not None:
            self._hold(job, now, wait)
            self._idle.append(process)
            return
        job.attempts, job.process = job.attempts + 1, process
        self.result.attempts.append(now)
        self._in_flight[job.downstream] += 1
        answer = self._services[job.downstream](job, now, self._in_flight[job.downstream], self._rng)
        self._at(now + answer.seconds, lambda then: self._end(process, job, then, answer))

    def _end(self, process: int, job: Job, now: float, answer: Answer) -> None:
        self._in_flight[job.downstream] -= 1
        if answer.failure is not None and job.first_failed is None:
            job.first_failed = now
        fate, seconds = self._contender.end(process, job, now, answer)
        if fate is Fate.SLEEP:
            job.retries += 1
            self._at(now + seconds, lambda then: self._begin(process, job, then))
            return
        if fate is Fate.LATER:
            heapq.heappush(self._waiting, (now + seconds, job.number, job))
        else:
            job.ended, job.succeeded = now, fate is Fate.DONE
        self._idle.append(process)
        self._work(now)

    def _hold(self, job: Job, now: float, seconds: float) -> None:
        job.holds += 1
        self.result.holds += 1
        heapq.heappush(self._waiting, (now + seconds, job.number, job))

    def _keep(self, now: float) -> None:
        due = []
        while self._waiting and self._waiting[0][0] <= now:
            due.append(heapq.heappop(self._waiting)[2])
        for job in due:
            wait = self._contender.publish(job, now)
            if wait is None:
                self._send(job, now)
            else:
                self._hold(job, now, wait)
        unfinished = now <= self._seconds or self._waiting or self._queue or any(self._in_flight.values())
        if unfinished:
            self._at(now + KEEPER_SECONDS, self._keep)
