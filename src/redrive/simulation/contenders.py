"""Ways to retry: Redrive's own, by its real engine and gate, and the ones it is measured against."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from redrive.gate import Gate, Outcome, Reported, Run
from redrive.retry import RetryEngine, Samples, decide, next_delay
from redrive.retry.policies import DEFAULT_POLICIES, Overrides
from redrive.simulation.world import START, Answer, Contender, Fate, Job, SimulatedClock, Verdict
from redrive.stores.memory import MemoryLearningStore, MemoryLeaseStore
from redrive.taxonomy import AlertLevel, Classification, FailureType, RemediationAction

HOSTS: Final = 4
"""Machines over which processes are spread, in turn."""


def classified(kind: FailureType) -> Classification:
    """A classification of this type, and of nothing else of interest."""
    return Classification(
        failure_type=kind,
        confidence=0.99,
        remediation_action=RemediationAction.AUTO_RETRY,
        remediation_actions=(RemediationAction.AUTO_RETRY,),
        remediation_details="",
        retry_recommended=DEFAULT_POLICIES[kind].max_retries > 0,
        retry_delay_seconds=0,
        alert_level=AlertLevel.INFO,
    )


class Redrive:
    """The engine and the gate, called as the wrapper and the keeper call them: a gate object per process, one store.

    Args:
        policies: changes to the default policies.
        hosts: over how many machines the processes are spread.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        rng: random.Random,
        *,
        policies: Overrides | None = None,
        hosts: int = HOSTS,
    ) -> None:
        self._clock, self._rng, self._hosts = clock, rng, hosts
        self._store = MemoryLeaseStore(clock, through_json=False)
        self._gates: dict[int, Gate] = {}
        self.engine = RetryEngine(policies, learning=MemoryLearningStore(), rng=rng)
        self._kinds: dict[int, FailureType] = {}
        self._classified = {kind: classified(kind) for kind in FailureType}
        self.probes_in_flight = 0
        self.most_probes = 0

    def start(self, process: int, job: Job, now: float) -> float | None:
        """Ask the gate, with the keeper's permit if there is one."""
        ticket, job.note = job.note if isinstance(job.note, Run) else None, None
        answer = self._gate(process).admit(
            job.name,
            job.downstream,
            str(job.number),
            retry_count=job.retries,
            waited=job.holds > 0,
            ticket=ticket,
        )
        if not isinstance(answer, Run):
            return self._seconds(answer.until, now)
        job.note = answer
        if answer.probe:
            self.probes_in_flight += 1
            self.most_probes = max(self.most_probes, self.probes_in_flight)
        return None

    def publish(self, job: Job, now: float) -> float | None:
        """Ask the gate for a job that is due."""
        answer = self._gate(-1).admit(
            job.name, job.downstream, str(job.number), retry_count=job.retries, waited=job.holds > 0
        )
        if isinstance(answer, Run):
            job.note = answer
            return None
        return self._seconds(answer.until, now)

    def end(self, process: int, job: Job, now: float, answer: Answer) -> Verdict:
        """Report to the gate, and decide."""
        run = job.note if isinstance(job.note, Run) else Run()
        job.note = None
        self.probes_in_flight -= run.probe
        gate = self._gate(process)
        if answer.failure is None:
            reported = gate.report(job.name, job.downstream, run, Outcome.success())
            self._learn(job, reported, success=True)
            return Fate.DONE, 0.0
        classification = self._classified[answer.failure]
        policy = self.engine.get_retry_policy(job.name, classification, {"retry_count": job.retries})
        reported = gate.report(
            job.name,
            job.downstream,
            run,
            Outcome.failure(
                answer.failure.value,
                threshold=policy.circuit_breaker_threshold,
                open_seconds=policy.circuit_breaker_timeout,
                hint_seconds=answer.hint_seconds,
                attempt=job.attempts,
            ),
        )
        if not reported.spends_attempt and reported.until is not None:
            job.holds += 1
            return Fate.LATER, self._seconds(reported.until, now)
        self._learn(job, reported, success=False)
        self._kinds[job.number] = answer.failure
        context = {"retry_count": job.retries, "breaker": reported.state, "poison": reported.poison}
        policy = self.engine.get_retry_policy(job.name, classification, context)
        decision = decide(
            classification=classification,
            policy=policy,
            retry_count=job.retries,
            declared_safe=True,
            auto_retry="declared",
            first_failed_at=START + timedelta(seconds=job.first_failed or now),
            now=self._clock.now(),
            rng=self._rng,
            hint_seconds=answer.hint_seconds,
        )
        if not decision.is_retry:
            return Fate.DEAD, 0.0
        job.retries += 1
        job.holds = 0
        return Fate.LATER, decision.delay_seconds or 0.0

    def restart(self) -> None:
        """The gates of all processes forget what they knew; their store does not."""
        self._gates.clear()

    def _learn(self, job: Job, reported: Reported, *, success: bool) -> None:
        if job.retries:
            kind = self._kinds[job.number]
            self.engine.record_retry_attempt(
                job.name, kind, success, retry=job.retries, breaker=reported.state
            )

    def _gate(self, process: int) -> Gate:
        gate = self._gates.get(process)
        if gate is None:
            host = f"host-{process % self._hosts}"
            gate = Gate(self._store, clock=self._clock, host=host, rng=self._rng)
            self._gates[process] = gate
        return gate

    def _seconds(self, until: datetime, now: float) -> float:
        return max(0.0, (until - START).total_seconds() - now)


class Plain:
    """Retries by a rule that knows nothing of other tasks.

    Args:
        delay: from the failure's type, the number of retries so far and chance to the seconds to wait; None: dead.
        sleeps: whether it waits inside its process.
    """

    def __init__(self, delay: "Delay", rng: random.Random, *, sleeps: bool = False) -> None:
        self._delay, self._rng, self._sleeps = delay, rng, sleeps

    def start(self, process: int, job: Job, now: float) -> float | None:
        """Always runs."""
        return None

    def publish(self, job: Job, now: float) -> float | None:
        """Always goes."""
        return None

    def end(self, process: int, job: Job, now: float, answer: Answer) -> Verdict:
        """Wait as the rule says."""
        if answer.failure is None:
            return Fate.DONE, 0.0
        seconds = self._delay(answer.failure, job.retries, now - (job.first_failed or now), self._rng)
        if seconds is None:
            return Fate.DEAD, 0.0
        if self._sleeps:
            return Fate.SLEEP, seconds
        job.retries += 1
        return Fate.LATER, seconds

    def restart(self) -> None:
        """Has nothing to forget."""


Delay: TypeAlias = Callable[[FailureType, int, float, random.Random], float | None]
"""From the failure's type, the retries so far, the seconds since the first failure and chance to the wait."""


def no_retry(kind: FailureType, retries: int, age: float, rng: random.Random) -> float | None:
    """Never."""
    return None


def celery_backoff(kind: FailureType, retries: int, age: float, rng: random.Random) -> float | None:
    """Celery's ``retry_backoff=True``: three retries, full jitter below 1, 2, 4 s."""
    return None if retries >= 3 else float(rng.randrange(min(600, 2**retries) + 1))


def fixed180(kind: FailureType, retries: int, age: float, rng: random.Random) -> float | None:
    """Celery's plain ``retry()``: three times after 180 s."""
    return None if retries >= 3 else 180.0


def stamina(kind: FailureType, retries: int, age: float, rng: random.Random) -> float | None:
    """stamina's defaults: ten attempts within 45 s, 0.1 s doubling to 5 s, plus up to a second."""
    seconds = min(5.0, 0.1 * 2.0**retries + rng.random())
    return None if retries >= 9 or age + seconds > 45 else seconds


def static(kind: FailureType, retries: int, age: float, rng: random.Random) -> float | None:
    """The documented policies as they are, without anything around them."""
    policy = DEFAULT_POLICIES[kind]
    return None if retries >= policy.max_retries else next_delay(policy, retries, rng=rng).seconds


class SeedLearning(Plain):
    """The documented policies with the documented learning, as it is written."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(self._adapted, rng)
        self._samples: dict[FailureType, Samples] = {}
        self._last: dict[int, FailureType] = {}

    def end(self, process: int, job: Job, now: float, answer: Answer) -> Verdict:
        """Count how the retry went, then decide."""
        if job.retries:
            kind = answer.failure or self._last[job.number]
            seen = self._samples.get(kind, Samples())
            self._samples[kind] = Samples(seen.successes + (answer.failure is None), seen.total + 1)
        if answer.failure is not None:
            self._last[job.number] = answer.failure
        return super().end(process, job, now, answer)

    def _adapted(self, kind: FailureType, retries: int, age: float, rng: random.Random) -> float | None:
        policy, samples = DEFAULT_POLICIES[kind], self._samples.get(kind, Samples())
        rate = samples.success_rate
        if rate is not None and samples.total >= 10:
            factor = 0.7 if rate > 0.8 else 1.5 if rate < 0.3 else 1.0
            fewer = rate < 0.3 and policy.max_retries > 1
            policy = replace(
                policy, initial_delay=policy.initial_delay * factor, max_retries=policy.max_retries - fewer
            )
        return None if retries >= policy.max_retries else next_delay(policy, retries, rng=rng).seconds


class SeedBreaker(Plain):
    """The documented breaker read literally: so many failures, no window, open for the timeout.

    Args:
        gives_up: open means no retries; else everyone waits until the breaker's timeout is over.
    """

    def __init__(self, rng: random.Random, *, gives_up: bool) -> None:
        super().__init__(static, rng)
        self._gives_up = gives_up
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def start(self, process: int, job: Job, now: float) -> float | None:
        """While open everyone waits, unless open means to give up."""
        until = self._until.get(job.downstream, 0.0)
        return None if self._gives_up or until <= now else until - now

    def publish(self, job: Job, now: float) -> float | None:
        """As `start`."""
        return self.start(-1, job, now)

    def end(self, process: int, job: Job, now: float, answer: Answer) -> Verdict:
        """Count failures, open, and retry by the policy unless open."""
        if answer.failure is not None:
            policy = DEFAULT_POLICIES[answer.failure]
            count = self._failures[job.downstream] = self._failures.get(job.downstream, 0) + 1
            if policy.circuit_breaker_threshold and count >= policy.circuit_breaker_threshold:
                self._until[job.downstream] = now + policy.circuit_breaker_timeout
                self._failures[job.downstream] = 0
            if self._gives_up and self._until.get(job.downstream, 0.0) > now:
                return Fate.DEAD, 0.0
        return super().end(process, job, now, answer)


CONTENDERS: Final[dict[str, Callable[[SimulatedClock, random.Random], Contender]]] = {
    "no_retry": lambda clock, rng: Plain(no_retry, rng),
    "celery_backoff": lambda clock, rng: Plain(celery_backoff, rng),
    "fixed180": lambda clock, rng: Plain(fixed180, rng),
    "stamina": lambda clock, rng: Plain(stamina, rng, sleeps=True),
    "seed_static": lambda clock, rng: Plain(static, rng),
    "seed_learning": lambda clock, rng: SeedLearning(rng),
    "seed_brk_count": lambda clock, rng: SeedBreaker(rng, gives_up=True),
    "seed_brk_wait": lambda clock, rng: SeedBreaker(rng, gives_up=False),
    "redrive": lambda clock, rng: Redrive(clock, rng),
}
"""Every way to retry, by name; Redrive last."""
