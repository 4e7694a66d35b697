"""The broker, its queues, and whether priorities mean anything there."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import Away, BrokerFacts, Facts
from redrive.doctor.types import Examination, Finding, error, info, ok, warning
from redrive.doctor.wording import counted, names

LEVELS_NEED = 10
"""``x-max-priority`` that tells our five levels apart (10, 8, 6, 4, 2)."""


def reachable(facts: Facts) -> Iterator[Finding]:
    """The broker through the project's own app."""
    broker = facts.broker
    if isinstance(broker, Away):
        if not isinstance(facts.celery, Away):
            yield error(
                "broker.unreachable",
                f"The broker cannot be reached: {broker.reason}",
                "Nothing can be sent: new tasks fail in whoever sends them; retries wait in the database meanwhile.",
                "Start it, or correct CELERY_BROKER_URL.",
            )
        return
    if broker.redis is None and broker.rabbit is None:
        yield warning(
            "broker.transport",
            f"The broker is {broker.where} ({broker.kind}); Redrive is proven on RabbitMQ and on Redis or Valkey.",
            "Redelivery, priorities and delays behave differently on each transport; none of that is examined here.",
            "Use one of these for tasks that matter.",
        )
    else:
        server = (
            broker.rabbit.version if broker.rabbit else broker.redis.server.version if broker.redis else ""
        )
        yield ok(
            "broker.unreachable",
            f"The broker {broker.where} answers ({broker.kind} {server}).".replace(" )", ")"),
        )


def strays(facts: Facts) -> Iterator[Finding]:
    """Redis keeps a list per priority step; a list of another step is read by nobody."""
    if not isinstance(facts.broker, BrokerFacts) or facts.broker.redis is None:
        return
    redis = facts.broker.redis
    steps = ", ".join(map(str, redis.priority_steps))
    if redis.strays:
        listed = names([f"{stray.count:,} in {stray.queue} at step {stray.step}" for stray in redis.strays])
        total = sum(stray.count for stray in redis.strays)
        yield error(
            "queues.stray-priorities",
            f"{counted(total, 'message')} at priority steps that no worker reads (steps here: {steps}): {listed}.",
            "They wait for ever: whoever sent them has other priority_steps than the workers.",
            'Give publishers and workers the same "priority_steps" in CELERY_BROKER_TRANSPORT_OPTIONS. A worker'
            " started once with the publishers' steps works the strays off.",
        )
    else:
        yield ok(
            "queues.stray-priorities", f"No message at a priority step that nobody reads (steps {steps})."
        )
    other = {
        one.name: one.priority_steps
        for one in facts.workers
        if one.priority_steps is not None and one.priority_steps != redis.priority_steps
    }
    if other:
        listed = names([f"{name} {', '.join(map(str, value))}" for name, value in other.items()])
        yield error(
            "queues.priority-steps-differ",
            f"priority_steps here are {steps}; workers have others: {listed}.",
            "What is sent with a step that its workers do not have is never read.",
            'Give all of them the same "priority_steps" in CELERY_BROKER_TRANSPORT_OPTIONS and restart them.',
        )


def max_priority(facts: Facts) -> Iterator[Finding]:
    """RabbitMQ ignores priorities on a queue without ``x-max-priority``."""
    if not isinstance(facts.broker, BrokerFacts) or facts.broker.rabbit is None:
        return
    ours = set(facts.project.level_queues.values())
    queues = [queue for queue in facts.broker.rabbit.queues if queue.name in ours]
    low = [queue for queue in queues if (queue.max_priority or 0) < LEVELS_NEED]
    if low:
        listed = names([f"{queue.name} ({queue.max_priority or 'none'})" for queue in low])
        yield warning(
            "queues.no-max-priority",
            f"{counted(len(low), 'queue')} of priority levels with x-max-priority below {LEVELS_NEED}: {listed}.",
            "RabbitMQ treats levels above that number alike, and without it serves in order of arrival: what is sent"
            " there as more urgent waits behind what came before.",
            "Declare them in CELERY_TASK_QUEUES with Queue(name, queue_arguments={'x-max-priority': 10}), or set"
            " CELERY_TASK_QUEUE_MAX_PRIORITY = 10; an existing queue must be deleted first, empty.",
        )
    elif queues:
        yield ok("queues.no-max-priority", "Every queue of a priority level tells the levels apart.")


def declarations(facts: Facts) -> Iterator[Finding]:
    """Queues that exist with other arguments than the project declares: every worker and publisher is refused."""
    if not isinstance(facts.broker, BrokerFacts) or facts.broker.rabbit is None:
        return
    queues = facts.broker.rabbit.queues
    differing = [queue for queue in queues if queue.mismatch]
    for queue in differing:
        yield error(
            "queues.declared-differently",
            f"The queue {queue.name} exists with other arguments than this project declares: {queue.mismatch}",
            "Whoever declares it as this project does gets 406 PRECONDITION_FAILED: workers do not start, tasks are"
            " not sent.",
            "Declare it in CELERY_TASK_QUEUES as it is on the broker, or delete it there once it is empty:"
            f" rabbitmqctl delete_queue {queue.name} --if-empty",
        )
    unseen = [f"{queue.name} ({queue.unseen})" for queue in queues if queue.unseen]
    if unseen:
        yield info(
            "queues.unseen",
            f"{counted(len(unseen), 'queue')} that the broker does not let us look at: {names(unseen)}.",
            "Whether they fit the project's declarations is not known.",
        )
    if not differing:
        present = [queue.name for queue in queues if queue.exists and not queue.unseen]
        there = f"are as the project declares them: {names(present)}" if present else "do not exist yet"
        yield ok("queues.declared-differently", f"The project's queues {there}.")
    idle = [
        f"{queue.name} ({queue.messages:,})" for queue in queues if queue.messages and not queue.consumers
    ]
    if idle:
        yield warning(
            "queues.no-consumer",
            f"{counted(len(idle), 'queue')} with messages and without a worker: {names(idle)}.",
            "Their tasks wait until a worker reads them.",
            f"Type: celery -A yourproject worker -Q {','.join(one.partition(' ')[0] for one in idle)}",
        )


EXAMINATIONS = (
    Examination(("broker.unreachable", "broker.transport"), reachable),
    Examination(("queues.stray-priorities", "queues.priority-steps-differ"), strays),
    Examination(("queues.no-max-priority",), max_priority),
    Examination(("queues.declared-differently", "queues.unseen", "queues.no-consumer"), declarations),
)
