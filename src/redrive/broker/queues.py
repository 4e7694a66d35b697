"""How many tasks wait in a queue."""

from __future__ import annotations

from typing import Any

from amqp.exceptions import AMQPError
from celery import Celery
from kombu.exceptions import KombuError


def queue_depths(app: Celery, names: list[str]) -> dict[str, int]:
    """``{queue: tasks waiting}`` as the broker counts them; queues that do not exist are left out.

    Raises nothing: a broker that is away gives an empty dict. Opens and closes a connection of its own.
    """
    depths: dict[str, int] = {}
    connection = app.connection_for_read()
    try:
        connection.ensure_connection(max_retries=1, timeout=2)
        for name in names:
            depth = _depth(connection, name)
            if depth is not None:
                depths[name] = depth
    except Exception as exc:
        if not isinstance(exc, (OSError, KombuError, AMQPError, *connection.connection_errors)):
            raise
        return depths
    finally:
        connection.release()
    return depths


def _depth(connection: Any, name: str) -> int | None:
    """One queue: passive declare on AMQP; on virtual transports the sum over its priority lists."""
    channel = connection.channel()
    try:
        if connection.transport.driver_type == "redis":
            keys = [channel._q_for_pri(name, step) for step in channel.priority_steps]
            return sum(int(channel.client.llen(key)) for key in keys)
        return int(channel.queue_declare(queue=name, passive=True).message_count)
    except connection.channel_errors:
        return None
    finally:
        channel.close()
