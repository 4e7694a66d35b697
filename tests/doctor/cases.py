"""A table of findings: facts with which each is made, and the nearest ones with which it is not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from redrive.doctor import Away, Facts, Severity
from redrive.doctor.facts import Check, Scheduled, Stray
from tests.doctor.systems import (
    MIB,
    ON_RABBIT,
    WELL,
    backlog,
    broker,
    broker_server,
    celery,
    database,
    no_worker,
    project,
    queue,
    redis_broker,
    spill,
    store,
    task,
    worker,
)

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
AWAY = Away("10.0.0.9:5: refused")


@dataclass(frozen=True)
class Case:
    id: str
    severity: Severity
    bad: Facts
    good: Facts
    says: str
    """A value that the finding must name."""


CASES = [
    # settings and versions
    Case(
        "project.check",
        ERROR,
        project(checks=(Check(id="redrive.E001", is_error=True, message="Unknown MODEE.", hint="MODE"),)),
        WELL,
        "redrive.E001: Unknown MODEE.",
    ),
    Case(
        "project.check",
        WARNING,
        project(checks=(Check(id="redrive.W002", is_error=False, message="Behind admin.", hint=""),)),
        WELL,
        "redrive.W002",
    ),
    Case("project.versions", ERROR, project(python=(3, 10)), project(python=(3, 11)), "Python 3.10"),
    Case("project.versions", WARNING, project(python=(3, 14)), project(python=(3, 13)), "Python 3.14"),
    Case("project.versions", ERROR, project(django=(5, 1)), project(django=(5, 2)), "Django 5.1"),
    Case(
        "project.versions",
        WARNING,
        project(django=(7, 0)),
        project(django=(6, 1)),
        "Django 7.0; Redrive is proven on 5.2 to 6.x.",
    ),
    Case("project.versions", ERROR, project(celery=(5, 4)), project(celery=(5, 5)), "Celery 5.4"),
    Case("project.versions", WARNING, project(celery=(5, 8)), project(celery=(5, 7)), "Celery 5.8"),
    Case("project.debug", WARNING, project(debug=True), project(debug=False), "DEBUG is True"),
    Case("project.mode", WARNING, project(mode="off", mode_set="off"), WELL, "off"),
    Case("project.mode", INFO, project(mode="observe", mode_set="observe"), WELL, "observe"),
    Case("project.mode-switched", INFO, project(mode="observe"), project(), "REDRIVE['MODE'] says on"),
    Case("project.auto-retry", INFO, project(auto_retry="all"), project(auto_retry="declared"), "'all'"),
    Case("project.auto-retry", INFO, project(auto_retry="off"), project(auto_retry="declared"), "'off'"),
    # the app
    Case("celery.app", ERROR, replace(WELL, celery=AWAY, broker=AWAY), WELL, "10.0.0.9:5: refused"),
    Case("celery.eager", WARNING, celery(always_eager=True), celery(always_eager=False), "task_always_eager"),
    Case(
        "celery.redis-packaging",
        ERROR,
        project(has_packaging=False),
        celery(project(has_packaging=False), broker_scheme="amqp", result_backend="rpc"),
        "'packaging'",
    ),
    # tasks
    Case(
        "tasks.task-class",
        WARNING,
        celery(is_redrive_task=False, task_class="celery.contrib.django.task.DjangoTask"),
        WELL,
        "celery.contrib.django.task.DjangoTask",
    ),
    Case(
        "tasks.uncovered",
        WARNING,
        task(covered=False),
        task(covered=True),
        "1 of 1 task not covered: shop.pay",
    ),
    Case("tasks.none", WARNING, celery(tasks=()), WELL, "no tasks"),
    Case("tasks.late-ack-unsafe", WARNING, task(acks_late=True), task(acks_late=False), "shop.pay"),
    Case(
        "tasks.late-ack-unsafe",
        WARNING,
        task(acks_late=True),
        task(acks_late=True, idempotent=True),
        "1 task",
    ),
    Case(
        "tasks.late-ack-unsafe",
        WARNING,
        task(acks_late=True),
        task(acks_late=True, retry_safe=True),
        "1 task",
    ),
    Case(
        "tasks.requeue-uncapped",
        WARNING,
        task(acks_late=True, reject_on_worker_lost=True),
        task(project(redelivery_cap=3), acks_late=True, reject_on_worker_lost=True),
        "shop.pay",
    ),
    Case(
        "tasks.requeue-without-late-ack",
        INFO,
        task(reject_on_worker_lost=True),
        task(reject_on_worker_lost=True, acks_late=True),
        "shop.pay",
    ),
    Case(
        "tasks.reject-lost",
        WARNING,
        task(rejects_with_requeue=True),
        task(rejects_with_requeue=True, acks_late=True),
        "shop.pay",
    ),
    Case("tasks.results-unseen", INFO, celery(result_backend=None), WELL, "no result backend"),
    Case("tasks.results-unseen", INFO, task(ignore_result=True), task(ignore_result=False), "shop.pay"),
    Case("tasks.schedule-unread", INFO, celery(schedule_unread="no such table"), WELL, "no such table"),
    Case(
        "tasks.schedule-unregistered",
        WARNING,
        celery(schedule=(Scheduled(entry="nightly", task="shop.clean"),)),
        celery(
            schedule=(
                Scheduled(entry="nightly", task="shop.pay"),
                Scheduled(entry="results", task="celery.backend_cleanup"),
            )
        ),
        "nightly (shop.clean)",
    ),
    # workers and keepers
    Case("workers.none", WARNING, no_worker(), WELL, "No worker answered"),
    Case("workers.none", INFO, no_worker(workers_unasked="403 ACCESS_REFUSED"), WELL, "403 ACCESS_REFUSED"),
    Case("keeper.none", ERROR, database(keeper_seen=0.0), database(keeper_seen=0.1), "No keeper is at work"),
    Case("keeper.none", ERROR, database(keeper_seen=None), WELL, "No keeper has ever been here"),
    Case("keeper.none", WARNING, database(no_worker(), keeper_seen=None), database(no_worker()), "ever"),
    Case(
        "keeper.none",
        ERROR,
        database(keeper_seen=-600.0),
        database(project(mode="off", mode_set="off"), keeper_seen=-600.0),
        "10 min ago",
    ),
    Case("keeper.unvouched", WARNING, database(vouched=()), WELL, "clerk@shop"),
    Case(
        "workers.no-time-limits",
        WARNING,
        worker(pool="threads"),
        worker(pool="gevent"),
        "pool threads (clerk@shop)",
    ),
    Case(
        "workers.no-time-limits",
        WARNING,
        worker(pool="solo"),
        task(worker(pool="solo"), time_limit=None),
        "solo",
    ),
    Case("workers.no-time-limits", WARNING, no_worker(celery(pool="solo")), no_worker(), "worker_pool"),
    Case("workers.pool", INFO, worker(pool="gevent"), worker(pool="prefork"), "gevent"),
    Case("workers.pool", WARNING, worker(pool="eventlet"), worker(pool="prefork"), "eventlet"),
    Case("workers.time-limits", INFO, task(time_limit=None), task(time_limit=1.0), "1 of 1 task"),
    Case(
        "workers.time-limits",
        WARNING,
        task(database(project(has_redis_url=False), vendor="sqlite"), time_limit=None, idempotent=True),
        task(project(has_redis_url=False), time_limit=60.0, idempotent=True),
        "shop.pay",
    ),
    *(
        Case(
            "workers.time-limits",
            WARNING,
            task(database(project(has_redis_url=False), vendor="sqlite"), time_limit=None, idempotent=True),
            good,
            "1 of 1 task",
        )
        for good in (
            task(database(project(has_redis_url=True), vendor="sqlite"), time_limit=None, idempotent=True),
            task(database(project(has_redis_url=False), vendor="sqlite"), time_limit=None),
            task(project(has_redis_url=False), time_limit=None, idempotent=True),
        )
    ),
    Case(
        "tasks.requeue-uncapped",
        WARNING,
        task(acks_late=True, reject_on_worker_lost=True),
        task(acks_late=True),
        "1 task",
    ),
    Case(
        "workers.prefetch",
        INFO,
        task(time_limit=300.0),
        task(time_limit=299.0),
        "worker_prefetch_multiplier is 4",
    ),
    Case(
        "workers.prefetch",
        INFO,
        task(time_limit=300.0),
        task(worker(prefetch_multiplier=1), time_limit=300.0),
        "4",
    ),
    Case("workers.prefetch", WARNING, worker(prefetch_multiplier=0), worker(prefetch_multiplier=1), "is 0"),
    # a worker with 2 pool processes and its keeper: 3 connections
    Case(
        "database.connections",
        WARNING,
        database(connections_used=98),
        database(connections_used=97),
        "up to 3 connections",
    ),
    Case(
        "database.connections",
        WARNING,
        database(no_worker(celery(concurrency=8)), connections_used=92),
        database(no_worker(celery(concurrency=8)), connections_used=91),
        "a worker with 8 pool processes and its keeper); 8 of 100 are free",
    ),
    Case("queues.level-unread", WARNING, worker(queues=("urgent",)), WELL, "work (MEDIUM, LOW, DEFERRED)"),
    # redelivery
    Case("broker.redis-take", WARNING, project(broker_take="celery"), WELL, "in two steps"),
    Case(
        "broker.visibility-differs",
        WARNING,
        worker(visibility_timeout=600.0),
        worker(visibility_timeout=3600.0),
        "here 60 min, workers clerk@shop 10 min",
    ),
    Case(
        "broker.visibility-limit",
        ERROR,
        task(acks_late=True, time_limit=3600.0),
        task(acks_late=True, time_limit=3599.0),
        "visibility_timeout is 60 min; 1 task with acks_late may run as long or longer: shop.pay 60 min",
    ),
    Case(
        "broker.visibility-limit",
        ERROR,
        task(acks_late=True, time_limit=3600.0),
        task(acks_late=False, time_limit=3600.0),
        "shop.pay",
    ),
    # the smallest of the fleet holds
    Case(
        "broker.visibility-limit",
        ERROR,
        task(worker(visibility_timeout=60.0), acks_late=True),
        task(worker(visibility_timeout=61.0), acks_late=True),
        "visibility_timeout is 60 s",
    ),
    Case(
        "broker.visibility-limit",
        WARNING,
        task(acks_late=True, time_limit=None),
        task(acks_late=False, time_limit=None),
        "no hard time limit: shop.pay",
    ),
    Case(
        "broker.visibility-eta",
        ERROR,
        redis_broker(delayed=2, longest_delay=3600.0, looked_at=9),
        WELL,
        "2 delayed messages among 9 looked at, the latest in 60 min",
    ),
    Case(
        "broker.visibility-eta",
        INFO,
        redis_broker(delayed=1, longest_delay=3599.0, looked_at=1),
        redis_broker(looked_at=1),
        "1 delayed message",
    ),
    Case("broker.consumer-timeout", INFO, ON_RABBIT, WELL, "cannot be read over AMQP"),
    Case(
        "broker.consumer-timeout",
        WARNING,
        task(ON_RABBIT, acks_late=True, time_limit=1800.0),
        WELL,
        "1 task with acks_late may run 30 min or longer: shop.pay",
    ),
    # 2 processes x 4 messages are ordinary, the ninth waits for its time
    Case(
        "broker.consumer-timeout",
        WARNING,
        worker(ON_RABBIT, prefetch_count=9),
        worker(ON_RABBIT, prefetch_count=8),
        "clerk@shop 1",
    ),
    # queues
    Case("broker.unreachable", ERROR, replace(WELL, broker=AWAY), WELL, "10.0.0.9:5: refused"),
    Case(
        "broker.transport",
        WARNING,
        broker(kind="sqs", where="sqs://", redis=None),
        ON_RABBIT,
        "sqs:// (sqs)",
    ),
    Case(
        "queues.stray-priorities",
        ERROR,
        redis_broker(strays=(Stray(queue="work", step=7, count=41),)),
        WELL,
        "41 messages at priority steps that no worker reads (steps here: 0, 3, 6, 9): 41 in work at step 7",
    ),
    Case(
        "queues.priority-steps-differ",
        ERROR,
        worker(priority_steps=(0, 5)),
        worker(priority_steps=(0, 3, 6, 9)),
        "clerk@shop 0, 5",
    ),
    Case("queues.no-max-priority", WARNING, queue(max_priority=9), queue(max_priority=10), "urgent (9)"),
    Case(
        "queues.no-max-priority",
        WARNING,
        queue(max_priority=None),
        queue(name="x", max_priority=None),
        "(none)",
    ),
    Case(
        "queues.declared-differently",
        ERROR,
        queue(mismatch="inequivalent arg"),
        ON_RABBIT,
        "inequivalent arg",
    ),
    Case("queues.unseen", INFO, queue(unseen="403 ACCESS_REFUSED"), ON_RABBIT, "urgent (403 ACCESS_REFUSED)"),
    Case("queues.no-consumer", WARNING, queue(messages=5), queue(messages=5, consumers=1), "urgent (5)"),
    Case("queues.no-consumer", WARNING, queue(messages=1), queue(messages=0), "urgent (1)"),
    # Redis as a server
    Case("redis.none", INFO, replace(WELL, redis=None), WELL, "REDIS_URL"),
    Case("redis.unreachable", ERROR, replace(WELL, redis=AWAY), WELL, "10.0.0.9:5: refused"),
    Case("redis.replica", ERROR, store(is_replica=True), store(is_replica=False), "redis://claims/1"),
    Case(
        "redis.eviction",
        ERROR,
        store(maxmemory=64 * MIB, maxmemory_policy="allkeys-lru"),
        store(maxmemory=64 * MIB, maxmemory_policy="noeviction"),
        "maxmemory 64 MiB and maxmemory-policy allkeys-lru",
    ),
    Case("redis.eviction", INFO, store(maxmemory_policy="allkeys-lru"), store(), "no maxmemory"),
    Case("redis.persistence", WARNING, store(persists=False), store(persists=True), "writes nothing to disk"),
    Case("redis.persistence", INFO, store(persists=None), store(persists=True), "does not say"),
    Case("broker.redis-replica", ERROR, broker_server(is_replica=True), WELL, "redis://queue/0"),
    Case(
        "broker.redis-eviction",
        ERROR,
        broker_server(maxmemory=1, maxmemory_policy="volatile-ttl"),
        WELL,
        "volatile-ttl",
    ),
    Case("broker.redis-persistence", WARNING, broker_server(persists=False), WELL, "redis://queue/0"),
    Case(
        "clock.differs",
        WARNING,
        database(clock_ahead=5.0),
        database(clock_ahead=4.9),
        "database is 5 s ahead of",
    ),
    Case("clock.differs", WARNING, store(clock_ahead=-5.0), store(clock_ahead=-4.9), "5 s behind"),
    Case("clock.differs", WARNING, broker_server(clock_ahead=7200.0), WELL, "2 h ahead"),
    # the database
    Case("database.unreachable", ERROR, replace(WELL, database=AWAY), WELL, "10.0.0.9:5: refused"),
    Case(
        "database.vendor",
        ERROR,
        database(vendor="mysql", version=(), backlog=None),
        WELL,
        "'default' is mysql",
    ),
    Case("database.version", ERROR, database(version=(13, 9)), database(version=(14, 0)), "postgresql 13.9"),
    Case(
        "database.version",
        ERROR,
        database(vendor="sqlite", version=(3, 34, 1)),
        database(vendor="sqlite", version=(3, 35, 0)),
        "sqlite 3.34.1",
    ),
    Case("database.sqlite", WARNING, database(vendor="sqlite", version=(3, 40)), WELL, "SQLite"),
    Case(
        "database.sqlite-wal",
        WARNING,
        database(vendor="sqlite", version=(3, 40), journal_mode="delete"),
        database(vendor="sqlite", version=(3, 40), journal_mode="wal"),
        "journal_mode is delete",
    ),
    Case("database.migrations", ERROR, database(unapplied=("0002_x",)), database(), "0002_x"),
    Case("database.read-only", ERROR, database(read_only=True), database(read_only=False), "'default'"),
    Case("database.latency", WARNING, database(latency=0.1), database(latency=0.099), "100 ms"),
    # the spill
    Case("spill.unwritable", ERROR, spill(problem="read-only file system"), WELL, "read-only file system"),
    Case("spill.unwritable", ERROR, replace(WELL, spill=AWAY), WELL, "10.0.0.9:5: refused"),
    Case("spill.volatile", WARNING, spill(filesystem="tmpfs"), spill(filesystem="xfs"), "on tmpfs"),
    Case("spill.volatile", WARNING, spill(temporary=True), spill(temporary=False), "among temporary files"),
    Case("spill.full", ERROR, spill(waiting_bytes=256 * MIB), spill(waiting_bytes=256 * MIB - 1), "256 MiB"),
    Case(
        "spill.space",
        WARNING,
        spill(free_bytes=256 * MIB - 1),
        spill(free_bytes=256 * MIB),
        "free for the spill",
    ),
    Case(
        "spill.waiting",
        INFO,
        spill(waiting_lines=1, waiting_bytes=900),
        spill(),
        "1 line in the spill (900 bytes)",
    ),
    Case("spill.waiting", WARNING, spill(replace(WELL, database=AWAY), waiting_lines=2), WELL, "2 lines"),
    Case(
        "spill.rejected",
        WARNING,
        spill(rejected_lines=1),
        spill(rejected_lines=0),
        "/var/lib/shop/spill/rejected",
    ),
    Case(
        "spill.list",
        WARNING,
        spill(max_lines=9, list_lines=None),
        spill(max_lines=9, list_lines=0),
        "did not answer",
    ),
    Case(
        "spill.list",
        ERROR,
        spill(max_lines=9, list_lines=9),
        spill(max_lines=9, list_lines=8),
        "holds 9 lines",
    ),
    Case("spill.newer", WARNING, spill(newer_lines=1), spill(newer_lines=0), "newer.jsonl"),
    # records
    Case("backlog.overdue", ERROR, backlog(overdue=1, oldest_overdue=61.0), backlog(), "the oldest for 61 s"),
    Case("backlog.overdue", ERROR, backlog(overdue=10_001), backlog(), "More than 10,000 records"),
    Case(
        "backlog.unstarted",
        WARNING,
        backlog(unstarted=2, oldest_unstarted=1200.0, unstarted_queues=("urgent",)),
        backlog(),
        "2 records sent and not started, the oldest 20 min ago, on urgent",
    ),
    Case("backlog.pending", INFO, backlog(pending=50, oldest_pending=86_400.0 * 3), backlog(), "3 d old"),
    Case("backlog.pending", WARNING, backlog(pending=51), backlog(), "51 dead letters"),
]
