"""When the broker gives a message out again although its task still runs or waits."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import BrokerFacts, Facts, RedisBroker, TaskFacts
from redrive.doctor.types import Examination, Finding, error, info, ok, warning
from redrive.doctor.wording import counted, names, seconds

KOMBU_VISIBILITY = 3600.0
"""kombu's ``visibility_timeout`` on Redis where nobody sets one."""
RABBIT_CONSUMER_TIMEOUT = 1800.0
"""RabbitMQ's ``consumer_timeout`` since 3.8.17 where nobody sets one."""


def _redis(facts: Facts) -> RedisBroker | None:
    return facts.broker.redis if isinstance(facts.broker, BrokerFacts) else None


def _late(facts: Facts) -> list[TaskFacts]:
    return [task for task in facts.tasks if task.acks_late]


def visibility(facts: Facts) -> Iterator[Finding]:
    """Redis gives out again what is unacknowledged for longer than the smallest visibility_timeout of the fleet."""
    redis = _redis(facts)
    if redis is None:
        return
    known = {
        one.name: KOMBU_VISIBILITY if one.visibility_timeout is None else one.visibility_timeout
        for one in facts.workers
    }
    smallest = min([redis.visibility_timeout, *known.values()])
    if any(value != redis.visibility_timeout for value in known.values()):
        listed = names([f"{name} {seconds(value)}" for name, value in known.items()])
        yield warning(
            "broker.visibility-differs",
            f"visibility_timeout differs: here {seconds(redis.visibility_timeout)}, workers {listed}.",
            "The smallest one holds for every worker on this Redis database.",
            f'Set CELERY_BROKER_TRANSPORT_OPTIONS = {{"visibility_timeout": {redis.visibility_timeout:.0f}}}'
            " for every worker and publisher, and restart them.",
        )
    yield from _against_limits(facts, smallest)
    yield from _against_delays(redis, smallest)


def _against_limits(facts: Facts, smallest: float) -> Iterator[Finding]:
    """Only late-acked tasks hold their message while they run; the others gave it back at the start."""
    late = _late(facts)
    over = [task for task in late if task.time_limit is not None and task.time_limit >= smallest]
    unlimited = [task.name for task in late if task.time_limit is None]
    if over:
        longest = max(task.time_limit or 0.0 for task in over)
        listed = names([f"{task.name} {seconds(task.time_limit or 0.0)}" for task in over])
        yield error(
            "broker.visibility-limit",
            f"visibility_timeout is {seconds(smallest)}; {counted(len(over), 'task')} with acks_late may run as long"
            f" or longer: {listed}.",
            "Redis gives such a message to a second worker while the first still runs it: it runs twice at a time.",
            f'Set CELERY_BROKER_TRANSPORT_OPTIONS = {{"visibility_timeout": {longest * 2:.0f}}} everywhere,'
            " or lower their time_limit.",
        )
    if unlimited:
        yield warning(
            "broker.visibility-limit",
            f"visibility_timeout is {seconds(smallest)}; {counted(len(unlimited), 'task')} with acks_late and no hard"
            f" time limit: {names(unlimited)}.",
            "One that runs longer than that is given to a second worker while the first still runs it.",
            f"Set time_limit below {smallest:.0f} seconds on them.",
        )
    if not over and not unlimited:
        yield ok(
            "broker.visibility-limit",
            f"visibility_timeout is {seconds(smallest)}, above every late-acked task's limit. Messages of a killed"
            " worker come back after that long.",
        )


def _against_delays(redis: RedisBroker, smallest: float) -> Iterator[Finding]:
    if redis.delayed and redis.longest_delay >= smallest:
        yield error(
            "broker.visibility-eta",
            f"{counted(redis.delayed, 'delayed message')} among {redis.looked_at:,} looked at, the latest in"
            f" {seconds(redis.longest_delay)}; visibility_timeout is {seconds(smallest)}.",
            "Redis gives a message that waits longer than that out again, each time to run once more.",
            "Do not use countdown= or eta= for such delays: RedriveTask.retry() keeps them in the database; for the"
            f" rest raise visibility_timeout above {redis.longest_delay:.0f} seconds.",
        )
    elif redis.delayed:
        yield info(
            "broker.visibility-eta",
            f"{counted(redis.delayed, 'delayed message')} among {redis.looked_at:,} looked at, the latest in"
            f" {seconds(redis.longest_delay)}; visibility_timeout is {seconds(smallest)}.",
            "They wait in a worker's memory. A killed worker's come back only after visibility_timeout.",
        )


def take(facts: Facts) -> Iterator[Finding]:
    """Celery takes a message from Redis in two steps; what is killed between them loses it."""
    if _redis(facts) is None or not isinstance(facts.broker, BrokerFacts):
        return
    if facts.project.broker_take == "atomic" and not facts.broker.where.startswith("sentinel:"):
        yield ok(
            "broker.redis-take", "Messages are taken from Redis and noted as unacknowledged in one step."
        )
        return
    yield warning(
        "broker.redis-take",
        "Messages are taken from Redis in two steps, as Celery does.",
        "A worker, or the broker, that is killed between them loses a message before anybody has seen it.",
        'Set REDRIVE = {"BROKER_TAKE": "atomic"} for the workers, with Redis 6.2 or Valkey, behind redis:// or rediss://.',
    )


def consumer_timeout(facts: Facts) -> Iterator[Finding]:
    """RabbitMQ closes the channel of a worker that keeps a message too long; the worker then ends."""
    if not isinstance(facts.broker, BrokerFacts) or facts.broker.rabbit is None:
        return
    declared = {queue.name: queue.consumer_timeout for queue in facts.broker.rabbit.queues}
    set_here = {name: value for name, value in declared.items() if value is not None}
    timeout = min(
        (RABBIT_CONSUMER_TIMEOUT if value is None else value for value in declared.values()),
        default=RABBIT_CONSUMER_TIMEOUT,
    )
    which = (
        f"consumer_timeout cannot be read over AMQP; RabbitMQ's default is {seconds(RABBIT_CONSUMER_TIMEOUT)}"
    )
    if set_here:
        which += f"; declared here: {names([f'{name} {seconds(value)}' for name, value in set_here.items()])}"
    long = [task for task in _late(facts) if task.time_limit is None or task.time_limit >= timeout]
    unsafe = [task.name for task in long if not task.idempotent]
    held = {
        one.name: extra
        for one in facts.workers
        if (extra := one.prefetch_count - one.prefetch_multiplier * one.concurrency) > 0
        and one.prefetch_multiplier
    }
    means = (
        "A worker that keeps a message longer than that is cut off: it ends with 'PreconditionFailed 406', and"
        " everything it ran or held goes back to the queue."
    )
    remedy = (
        "Ask the broker: rabbitmqctl eval 'application:get_env(rabbit, consumer_timeout).' (milliseconds). Raise it in"
        " rabbitmq.conf, or end tasks and delays sooner: time_limit=, and no countdown= or eta= beyond it."
    )
    if held:
        listed = names([f"{name} {count}" for name, count in held.items()])
        yield warning(
            "broker.consumer-timeout",
            f"Workers hold messages with a countdown or ETA: {listed}. {which}.",
            means,
            remedy,
        )
    if long:
        again = f" {len(unsafe)} of these tasks may then run twice." if unsafe else ""
        yield warning(
            "broker.consumer-timeout",
            f"{counted(len(long), 'task')} with acks_late may run {seconds(timeout)} or longer:"
            f" {names([task.name for task in long])}. {which}.",
            means + again,
            remedy,
        )
    if not held and not long:
        yield info(
            "broker.consumer-timeout",
            f"{which}. No late-acked task and no delayed message is known to reach it.",
            "If it is set lower than the default, workers may still be cut off.",
            remedy,
        )


EXAMINATIONS = (
    Examination(
        ("broker.visibility-differs", "broker.visibility-limit", "broker.visibility-eta"), visibility
    ),
    Examination(("broker.redis-take",), take),
    Examination(("broker.consumer-timeout",), consumer_timeout),
)
