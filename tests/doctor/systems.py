"""Facts of systems in which all is well, to be spoilt in one place by a test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from redrive.doctor.facts import (
    Backlog,
    BrokerFacts,
    CeleryFacts,
    DatabaseFacts,
    Facts,
    ProjectFacts,
    Queue,
    RabbitBroker,
    RedisBroker,
    RedisServer,
    SpillFacts,
    TaskFacts,
    Worker,
)

LEVELS = {"CRITICAL": "urgent", "HIGH": "urgent", "MEDIUM": "work", "LOW": "work", "DEFERRED": "work"}
MIB = 1 << 20

PAY = TaskFacts(name="shop.pay", time_limit=60.0)
CLERK = Worker(name="clerk@shop", queues=("urgent", "work"), concurrency=2)

WELL = Facts(
    project=ProjectFacts(
        python=(3, 11),
        django=(5, 2),
        celery=(5, 7),
        has_packaging=True,
        debug=False,
        mode="on",
        mode_set="on",
        auto_retry="declared",
        has_redis_url=True,
        start_with_worker=True,
        level_queues=LEVELS,
        broker_take="atomic",
    ),
    celery=CeleryFacts(
        name="shop",
        task_class="redrive.celery.RedriveTask",
        is_redrive_task=True,
        tasks=(PAY,),
        result_backend="redis",
    ),
    broker=BrokerFacts(
        kind="redis",
        where="redis://queue/0",
        redis=RedisBroker(server=RedisServer(where="redis://queue/0", version="Valkey 9.1")),
        workers=(CLERK,),
    ),
    database=DatabaseFacts(
        alias="default",
        vendor="postgresql",
        version=(18, 0),
        connection_limit=100,
        keeper_seen=12.0,
        vouched=("clerk@shop",),
    ),
    redis=RedisServer(where="redis://claims/1", version="Valkey 9.1"),
    spill=SpillFacts(
        directory="/var/lib/shop/spill", filesystem="ext4", free_bytes=1024 * MIB, max_bytes=256 * MIB
    ),
)
"""On Redis."""

RABBIT_QUEUES = (Queue(name="urgent", max_priority=10), Queue(name="work", max_priority=10))

ON_RABBIT = replace(
    WELL,
    broker=BrokerFacts(
        kind="amqp",
        where="amqp://queue//",
        rabbit=RabbitBroker(version="3.10.8", queues=RABBIT_QUEUES),
        workers=(CLERK,),
    ),
)


def project(**changes: Any) -> Facts:
    return replace(WELL, project=replace(WELL.project, **changes))


def celery(facts: Facts = WELL, **changes: Any) -> Facts:
    assert isinstance(facts.celery, CeleryFacts)
    return replace(facts, celery=replace(facts.celery, **changes))


def task(facts: Facts = WELL, **changes: Any) -> Facts:
    """The only task of the project."""
    return celery(facts, tasks=(replace(PAY, **changes),))


def broker(facts: Facts = WELL, **changes: Any) -> Facts:
    assert isinstance(facts.broker, BrokerFacts)
    return replace(facts, broker=replace(facts.broker, **changes))


def worker(facts: Facts = WELL, **changes: Any) -> Facts:
    """The only worker."""
    return broker(facts, workers=(replace(CLERK, **changes),))


def no_worker(facts: Facts = WELL, **changes: Any) -> Facts:
    return broker(facts, workers=(), **changes)


def redis_broker(facts: Facts = WELL, **changes: Any) -> Facts:
    assert isinstance(facts.broker, BrokerFacts)
    assert facts.broker.redis
    return broker(facts, redis=replace(facts.broker.redis, **changes))


def broker_server(**changes: Any) -> Facts:
    assert isinstance(WELL.broker, BrokerFacts)
    assert WELL.broker.redis
    return redis_broker(server=replace(WELL.broker.redis.server, **changes))


def store(**changes: Any) -> Facts:
    assert isinstance(WELL.redis, RedisServer)
    return replace(WELL, redis=replace(WELL.redis, **changes))


def queue(**changes: Any) -> Facts:
    """RabbitMQ with one of its queues changed."""
    assert isinstance(ON_RABBIT.broker, BrokerFacts)
    assert ON_RABBIT.broker.rabbit
    queues = (replace(RABBIT_QUEUES[0], **changes), RABBIT_QUEUES[1])
    rabbit = replace(ON_RABBIT.broker.rabbit, queues=queues)
    return broker(ON_RABBIT, rabbit=rabbit)


def database(facts: Facts = WELL, **changes: Any) -> Facts:
    assert isinstance(facts.database, DatabaseFacts)
    return replace(facts, database=replace(facts.database, **changes))


def backlog(**changes: Any) -> Facts:
    return database(backlog=Backlog(**changes))


def spill(facts: Facts = WELL, **changes: Any) -> Facts:
    assert isinstance(facts.spill, SpillFacts)
    return replace(facts, spill=replace(facts.spill, **changes))
