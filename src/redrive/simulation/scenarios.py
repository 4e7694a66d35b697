"""What goes wrong, and how a run is measured.

Every scenario names its failure type; the policy is that type's default one.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from redrive.simulation.contenders import CONTENDERS, HOSTS
from redrive.simulation.world import Answer, Contender, Job, Run, Service, SimulatedClock, Traffic, World
from redrive.taxonomy import FailureType

REFUSED_SECONDS: Final = 0.05
BIN_SECONDS: Final = 10.0
"""Peaks are measured in bins of this length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One kind of trouble. The numbers are what a judge may vary.

    Attributes:
        failure: The failure type of the trouble; its default policy decides.
        per_second: Tasks per second.
        processes: Worker processes.
        seconds: For how long tasks come.
        begins: When the fault begins, and ``lasts`` how long it lasts; 0: all the time.
        call_seconds: Mean duration of a good call.
        capacity: Calls per second that the downstream bears when well, as a multiple of ``per_second``.
        share: The scenario's own number: share of faults, of capacity left, of poison tasks.
    """

    name: str
    make: Callable[["Scenario"], tuple[tuple[Traffic, ...], dict[str, Service]]]
    failure: FailureType
    per_second: float = 15.0
    processes: int = 40
    seconds: float = 1800.0
    begins: float = 300.0
    lasts: float = 0.0
    call_seconds: float = 0.5
    capacity: float = 3.0
    share: float = 0.05
    restarts: bool = False
    """Whether the fault is that all processes restart at once and take nothing meanwhile."""

    @property
    def ends(self) -> float:
        """When the fault is over."""
        return self.begins + self.lasts

    def in_fault(self, moment: float) -> bool:
        """Whether a moment is within the fault."""
        return self.begins <= moment < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run in numbers."""

    tasks: int
    ok: float
    """Share of the recoverable tasks that succeeded."""
    lost: int
    amplification: float
    """Calls per task."""
    wasted: int
    """Calls that failed."""
    peak: float
    """Highest rate of calls after the fault, as a multiple of the tasks per second; 0 without a fault."""
    drain: float
    """Seconds from the end of the fault until all tasks that had come by then have ended; 0 without a fault."""
    p50: float
    p95: float
    """Seconds from coming to success, of tasks that came before the fault or after it was drained."""
    holds: float
    """Times a task was held, per task."""


def run(
    scenario: Scenario, contender: str | Callable[[SimulatedClock, random.Random], Contender], seed: int
) -> Measured:
    """Simulate one contender in one scenario; the same seed gives the same numbers."""
    make = CONTENDERS[contender] if isinstance(contender, str) else contender
    clock = SimulatedClock()
    traffic, services = scenario.make(scenario)
    world = World(
        make(clock, random.Random(seed + 2)),  # noqa: S311  # a simulation
        clock,
        traffic=traffic,
        services=services,
        seconds=scenario.seconds,
        processes=scenario.processes,
        seed=seed,
        stopped=(scenario.begins, scenario.ends) if scenario.restarts else None,
    )
    return measure(scenario, traffic, world.run())


def measure(scenario: Scenario, traffic: tuple[Traffic, ...], result: Run) -> Measured:
    """Return a run's numbers."""
    recoverable = {stream.name for stream in traffic if stream.recoverable}
    jobs = [job for job in result.jobs if job.name in recoverable]
    good = [job for job in jobs if job.succeeded]
    fault = scenario.lasts > 0
    before = [job for job in jobs if fault and job.arrived < scenario.ends]
    over = max((job.ended if job.ended is not None else float("inf") for job in before), default=0.0)
    drain = max(0.0, over - scenario.ends) if fault else 0.0
    outside = [
        (job.ended or 0.0) - job.arrived
        for job in good
        if not fault or job.arrived < scenario.begins - 60 or job.arrived >= scenario.ends + drain
    ]
    outside.sort()
    bins: dict[int, int] = {}
    for moment in result.attempts:
        if fault and moment >= scenario.ends:
            bins[int(moment // BIN_SECONDS)] = bins.get(int(moment // BIN_SECONDS), 0) + 1
    usual = sum(stream.per_second for stream in traffic) * BIN_SECONDS
    return Measured(
        tasks=len(result.jobs),
        ok=len(good) / len(jobs) if jobs else 1.0,
        lost=len(jobs) - len(good),
        amplification=len(result.attempts) / max(1, len(result.jobs)),
        wasted=len(result.attempts) - sum(job.succeeded for job in result.jobs),
        peak=max(bins.values(), default=0) / usual,
        drain=drain,
        p50=_quantile(outside, 0.5),
        p95=_quantile(outside, 0.95),
        holds=result.holds / max(1, len(result.jobs)),
    )


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def _good(scenario: Scenario, rng: random.Random) -> Answer:
    return Answer(rng.expovariate(1 / scenario.call_seconds))


def _one(scenario: Scenario, service: Service) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    return (Traffic(name="shop.call", downstream="api", per_second=scenario.per_second),), {"api": service}


def _random_faults(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        if (job.luck if job.attempts == 1 else rng.random()) < scenario.share:
            return Answer(REFUSED_SECONDS, scenario.failure)
        return _good(scenario, rng)

    return _one(scenario, service)


def _outage(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        if scenario.in_fault(now):
            return Answer(REFUSED_SECONDS if rng.random() < 0.5 else 5.0, scenario.failure)
        return _good(scenario, rng)

    return _one(scenario, service)


class _Bucket:
    """Calls per second that a service bears, a second's worth at once."""

    def __init__(self) -> None:
        self._tokens, self._at = 0.0, 0.0

    def take(self, now: float, per_second: float) -> bool:
        self._tokens = min(max(1.0, per_second), self._tokens + (now - self._at) * per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _brownout(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    bucket, bears = _Bucket(), scenario.capacity * scenario.per_second

    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        if not bucket.take(now, bears * (scenario.share if scenario.in_fault(now) else 1.0)):
            return Answer(REFUSED_SECONDS, scenario.failure)
        return _good(scenario, rng)

    return _one(scenario, service)


def _slow_recovery(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    """An outage after which the capacity comes back bit by bit, over as long as the outage lasted."""
    bucket, bears = _Bucket(), scenario.capacity * scenario.per_second

    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        back = min(1.0, max(0.05, (now - scenario.ends) / scenario.lasts)) if now >= scenario.begins else 1.0
        if scenario.in_fault(now) or not bucket.take(now, bears * back):
            return Answer(REFUSED_SECONDS, scenario.failure)
        return _good(scenario, rng)

    return _one(scenario, service)


def _rate_limit(scenario: Scenario, window: float = 60.0) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    """During the fault a fixed quota per minute, and a Retry-After until the next minute for what is beyond it."""
    used: dict[int, int] = {}

    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        if scenario.in_fault(now):
            number = int(now // window)
            used[number] = used.get(number, 0) + 1
            if used[number] > scenario.share * scenario.per_second * window:
                return Answer(REFUSED_SECONDS, scenario.failure, (number + 1) * window - now)
        return _good(scenario, rng)

    return _one(scenario, service)


def _poison(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    """One task type that always fails as if the downstream were at fault, among two that do well."""

    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        if job.name == "shop.poison":
            return Answer(REFUSED_SECONDS, scenario.failure)
        return _good(scenario, rng)

    healthy = scenario.per_second * (1 - scenario.share) / 2
    return (
        Traffic(name="shop.call", downstream="api", per_second=healthy),
        Traffic(name="shop.other", downstream="api", per_second=healthy),
        Traffic(
            name="shop.poison",
            downstream="api",
            per_second=scenario.per_second * scenario.share,
            recoverable=False,
        ),
    ), {"api": service}


def _deadlocks(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    """Each other call in flight makes a deadlock more likely by ``share``."""

    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        if rng.random() < min(0.9, scenario.share * (in_flight - 1)):
            return Answer(scenario.call_seconds, scenario.failure)
        return _good(scenario, rng)

    return _one(scenario, service)


def _flapping(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    """Down for ``share`` of every two minutes of the fault."""

    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        if scenario.in_fault(now) and (now - scenario.begins) % 120 < scenario.share * 120:
            return Answer(REFUSED_SECONDS, scenario.failure)
        return _good(scenario, rng)

    return _one(scenario, service)


def _bad_host(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    """One machine of the fleet reaches nothing; the downstream is well, so its breaker must stay closed."""

    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        if scenario.in_fault(now) and job.process % HOSTS == 0:
            return Answer(REFUSED_SECONDS, scenario.failure)
        return _good(scenario, rng)

    return _one(scenario, service)


def _restart(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    """What runs when all workers are killed at once is lost there; what has come meanwhile starts at once after."""

    def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        answer = _good(scenario, rng)
        if now < scenario.begins < now + answer.seconds:
            return Answer(scenario.begins - now, scenario.failure)
        return answer

    return _one(scenario, service)


def _two(scenario: Scenario) -> tuple[tuple[Traffic, ...], dict[str, Service]]:
    """Two downstreams, one of them down: the other one's tasks must not notice."""
    (down,), services = _outage(scenario)
    half = scenario.per_second / 2

    def healthy(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
        return _good(scenario, rng)

    traffic = (
        replace(down, per_second=half),
        Traffic(name="shop.mail", downstream="mail", per_second=half),
    )
    return traffic, {**services, "mail": healthy}


_NETWORK, _DOWN = FailureType.TRANSIENT_NETWORK, FailureType.EXTERNAL_API_DOWN
SCENARIOS: Final = {
    one.name: one
    for one in (
        Scenario(name="random 5 % faults", make=_random_faults, failure=_NETWORK),
        Scenario(name="outage of 5 minutes", make=_outage, failure=_NETWORK, lasts=300),
        Scenario(name="outage of 20 minutes", make=_outage, failure=_NETWORK, lasts=1200, seconds=3600),
        Scenario(
            name="brownout to 30 %", make=_brownout, failure=FailureType.EXTERNAL_TIMEOUT, lasts=600,
            capacity=2.0, share=0.3,
        ),
        Scenario(
            name="rate limit, Retry-After", make=_rate_limit, failure=FailureType.TRANSIENT_RATE_LIMIT, lasts=600,
            share=0.5,
        ),
        Scenario(
            name="one poison task type", make=_poison, failure=FailureType.EXTERNAL_API_ERROR, share=0.1
        ),
        Scenario(
            name="deadlocks by concurrency", make=_deadlocks, failure=FailureType.TRANSIENT_DATABASE, share=0.02
        ),
        Scenario(name="outage, EXTERNAL_API_DOWN", make=_outage, failure=_DOWN, lasts=300),
        Scenario(name="two downstreams, one down", make=_two, failure=_NETWORK, lasts=300),
        Scenario(name="flapping, half of 2 minutes", make=_flapping, failure=_NETWORK, lasts=600, share=0.5),
        Scenario(name="one bad host", make=_bad_host, failure=_NETWORK, lasts=300),
        Scenario(
            name="all workers restart at once", make=_restart, failure=FailureType.SYSTEM_WORKER_LOST, lasts=20,
            restarts=True,
        ),
        Scenario(name="slow recovery", make=_slow_recovery, failure=_NETWORK, lasts=300),
    )
}  # fmt: skip
"""The trouble every release is measured against, by name."""
