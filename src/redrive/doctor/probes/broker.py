"""The broker through the project's own app, and the workers behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from celery import Celery
from kombu import Connection

from redrive.doctor.facts import BrokerFacts, Queue, RabbitBroker, RedisBroker, Stray, Worker
from redrive.doctor.probes.bounded import WAIT_SECONDS, Unanswered, reason_of
from redrive.doctor.probes.redis_server import server_facts

ANSWER_SECONDS = 1.0
"""How long workers have to answer: the broker gathers all answers that come in that time."""
LOOKED_AT = 1_000
"""Unacknowledged messages on Redis that are looked at."""
HIGHEST_PRIORITY = 9
"""kombu cuts priorities on Redis to 0..9."""
_POOLS = {"thread": "threads"}
_NOT_FOUND, _PRECONDITION_FAILED = 404, 406

_TIMEOUTS: Mapping[str, Mapping[str, float]] = {
    "redis": {"socket_timeout": WAIT_SECONDS, "socket_connect_timeout": WAIT_SECONDS},
    "amqp": {"read_timeout": WAIT_SECONDS, "write_timeout": WAIT_SECONDS},
}


def broker_facts(app: Celery, level_queues: Iterable[str]) -> BrokerFacts:
    """The broker, its queues and its workers. Raises Unanswered, or what the transport raises.

    Args:
        app: The project's.
        level_queues: Queues of our priority levels, which the project may say nothing about.
    """
    driver = app.connection_for_read().transport.driver_type
    connection = app.connection_for_read(
        connect_timeout=WAIT_SECONDS, transport_options=dict(_TIMEOUTS.get(driver, {}))
    )
    where = connection.as_uri()
    if not connection.password:
        where = where.replace("//:**@", "//")
    with connection:
        try:
            # One more try, for the next address of a fleet of brokers, and no pause before it.
            connection.ensure_connection(
                max_retries=1, interval_start=0, interval_step=0, reraise_as_library_errors=False
            )
            channel = connection.channel()
        except Exception as exc:
            # Each transport has exceptions of its own, and few of them name the address.
            raise Unanswered(f"{where}: {reason_of(exc)}") from exc
        names = sorted({*app.amqp.queues, *level_queues})
        redis = _redis(channel, where, names) if driver == "redis" else None
        rabbit = _rabbit(app, connection, names) if driver == "amqp" else None
        workers: tuple[Worker, ...] = ()
        unasked = ""
        try:
            workers = _workers(app, connection)
        except Exception as exc:
            # Remote control may be forbidden by the broker's permissions; the rest is still known.
            unasked = reason_of(exc)
        return BrokerFacts(
            kind=driver,
            where=where,
            redis=redis,
            rabbit=rabbit,
            workers=workers,
            workers_unasked=unasked,
        )


def _redis(channel: Any, where: str, names: list[str]) -> RedisBroker:
    from redis import Redis

    # A plain client over the channel's pool: which commands kombu's own one prefixes differs by release.
    client = Redis(connection_pool=channel.client.connection_pool)
    prefix = str(getattr(channel, "global_keyprefix", "") or "")
    steps = tuple(int(step) for step in channel.priority_steps)
    delays, looked_at = _delays(client, prefix + channel.unacked_key)
    return RedisBroker(
        server=server_facts(client, where),
        visibility_timeout=float(channel.visibility_timeout),
        priority_steps=steps,
        strays=_strays(client, prefix, str(channel.sep), names, steps),
        delayed=len(delays),
        longest_delay=max(delays, default=0.0),
        looked_at=looked_at,
    )


def _strays(
    client: Any, prefix: str, separator: str, names: list[str], steps: tuple[int, ...]
) -> tuple[Stray, ...]:
    """Lists of steps that are not ours: one round trip, no scan over the server's keys."""
    places = [(name, step) for name in names for step in range(HIGHEST_PRIORITY + 1) if step not in steps]
    with client.pipeline(transaction=False) as pipe:
        for name, step in places:
            pipe.llen(f"{prefix}{name}{separator}{step}" if step else f"{prefix}{name}")
        counts = pipe.execute()
    return tuple(
        Stray(queue=name, step=step, count=int(count))
        for (name, step), count in zip(places, counts, strict=True)
        if count
    )


def _delays(client: Any, key: str) -> tuple[list[float], int]:
    """Seconds until the ETAs of unacknowledged messages, and how many messages were looked at."""
    delays: list[float] = []
    looked_at = 0
    now = datetime.now(UTC)
    for _, value in client.hscan_iter(key, count=100):
        looked_at += 1
        delay = _delay(value, now)
        if delay is not None:
            delays.append(delay)
        if looked_at >= LOOKED_AT:
            break
    return delays, looked_at


def _delay(value: bytes, now: datetime) -> float | None:
    """Seconds until the ETA in one entry ``[message, exchange, routing_key]``; None without a time to come."""
    try:
        eta = json.loads(value)[0]["headers"]["eta"]
        moment = datetime.fromisoformat(eta)
    except (ValueError, KeyError, IndexError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (moment - now).total_seconds()
    return seconds if seconds > 0 else None


def _rabbit(app: Celery, connection: Connection, names: list[str]) -> RabbitBroker:
    properties = getattr(connection.connection, "server_properties", {})
    version = properties.get("version", "")
    return RabbitBroker(
        version=version.decode() if isinstance(version, bytes) else str(version),
        queues=tuple(queue for name in names if (queue := _queue(app, connection, name)) is not None),
    )


def _queue(app: Celery, connection: Connection, name: str) -> Queue | None:
    """One queue; None for a name that the project says nothing about and lets nobody make.

    A queue that exists is declared as the project declares it: that changes nothing, and is refused if it differs.
    One that does not exist is left alone.
    """
    try:
        known = app.amqp.queues[name]
    except KeyError:
        return None
    arguments = known.queue_arguments or {}
    timeout = arguments.get("x-consumer-timeout")
    facts: dict[str, Any] = {
        "name": name,
        "max_priority": getattr(known, "max_priority", None) or arguments.get("x-max-priority"),
        "consumer_timeout": None if timeout is None else float(timeout) / 1000,
    }
    channel: Any = connection.channel()
    try:
        there = channel.queue_declare(queue=name, passive=True)
        facts.update(messages=int(there.message_count), consumers=int(there.consumer_count))
        known(channel).queue_declare()
    except connection.channel_errors as exc:
        code = getattr(exc, "reply_code", 0)
        if code == _NOT_FOUND:
            facts["exists"] = False
        elif code == _PRECONDITION_FAILED:
            facts["mismatch"] = str(getattr(exc, "reply_text", exc))
        else:
            facts["unseen"] = reason_of(exc)
    finally:
        if channel.is_open:
            channel.close()
    return Queue(**facts)


def _workers(app: Celery, connection: Connection) -> tuple[Worker, ...]:
    """What the workers that answer in time say about themselves."""
    inspect = app.control.inspect(timeout=ANSWER_SECONDS, connection=connection)
    stats: Mapping[str, Any] = inspect.stats() or {}
    if not stats:
        return ()
    confs: Mapping[str, Any] = inspect.conf() or {}
    queues: Mapping[str, Any] = inspect.active_queues() or {}
    return tuple(
        worker(name, stats[name], confs.get(name) or {}, queues.get(name) or []) for name in sorted(stats)
    )


def worker(
    name: str, stats: Mapping[str, Any], conf: Mapping[str, Any], queues: Iterable[Mapping[str, Any]]
) -> Worker:
    """A worker from its answers to ``stats``, ``conf`` and ``active_queues``; what is missing has its default."""
    pool = stats.get("pool") or {}
    module = str(pool.get("implementation", "")).partition(":")[0].rpartition(".")[2]
    options = conf.get("broker_transport_options")
    options = options if isinstance(options, Mapping) else {}
    visibility, steps = options.get("visibility_timeout"), options.get("priority_steps")
    return Worker(
        name=name,
        pool=_POOLS.get(module, module),
        concurrency=int(pool.get("max-concurrency") or 1),
        prefetch_multiplier=int(conf.get("worker_prefetch_multiplier", 4)),
        prefetch_count=int(stats.get("prefetch_count") or 0),
        queues=tuple(str(queue["name"]) for queue in queues),
        visibility_timeout=None if visibility is None else float(visibility),
        priority_steps=None if steps is None else tuple(int(step) for step in steps),
    )
