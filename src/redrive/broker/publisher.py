"""Send stored messages again, byte for byte, through the project's own Celery app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amqp.exceptions import AMQPError
from celery import Celery
from kombu import Connection, Producer
from kombu.exceptions import KombuError, OperationalError

from redrive.payload import StoredMessage


class PublishFailed(Exception):  # noqa: N818  # reads as what happened
    """The broker is away; any message may be tried again later."""


class PublishRefused(Exception):  # noqa: N818  # as above
    """This message cannot be sent as it is (its queue is declared otherwise, its exchange is gone); others can."""


class Publisher:
    """Sends messages with publisher confirms where the transport has them. One thread at a time.

    Queues are the project's own (``app.amqp.queues``): nothing is declared with arguments of ours.
    """

    def __init__(self, app: Celery, *, timeout_seconds: int = 5) -> None:
        self._app = app
        self._timeout = timeout_seconds
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def publish(self, message: StoredMessage, *, queue: str, headers: Mapping[str, Any]) -> None:
        """Send a message; returns when the broker has it.

        Args:
            message: The stored message.
            queue: Where it was read from; used where the message was sent to the default exchange.
            headers: Its headers as they are to be sent now.

        Raises:
            PublishFailed: The broker is away; the connection is opened anew next time.
            PublishRefused: This message cannot be sent.
        """
        routing = self._routing(message, queue)
        try:
            producer = self._ready()
            producer.publish(
                message.body,
                content_type=message.content_type,
                content_encoding=message.content_encoding,
                headers=dict(headers),
                retry=False,
                timeout=self._timeout,
                **routing,
                **_properties(message, self._driver_type()),
            )
        except Exception as exc:
            away = self._is_connection_error(exc)
            self.close()
            if away:
                raise PublishFailed(f"{type(exc).__name__}: {exc}") from exc
            raise PublishRefused(f"{type(exc).__name__}: {exc}") from exc

    def _is_connection_error(self, exc: Exception) -> bool:
        """Whether an error is about the broker as a whole, not about one message."""
        if self._connection is None or isinstance(exc, OperationalError):
            return True
        return isinstance(exc, (OSError, *self._connection.connection_errors)) and not isinstance(
            exc, tuple(self._connection.channel_errors)
        )

    def close(self) -> None:
        """Drop the connection."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            try:
                connection.release()
            except (OSError, KombuError, AMQPError):
                return

    def _driver_type(self) -> str:
        return str(self._connection.transport.driver_type) if self._connection else ""

    def _ready(self) -> Producer:
        if self._producer is None:
            options = {**(self._app.conf.broker_transport_options or {}), "confirm_publish": True}
            self._connection = self._app.connection_for_write(transport_options=options)
            # One try: the keeper itself waits and tries again, and says so meanwhile.
            self._connection.ensure_connection(max_retries=1, timeout=self._timeout)
            self._producer = self._app.amqp.Producer(self._connection.channel(), auto_declare=False)
        return self._producer

    def queue_of(self, message: StoredMessage, queue: str) -> str:
        """The queue that a message of the default exchange goes to, where it was read from as far as that is known."""
        return queue or message.routing_key or str(self._app.conf.task_default_queue)

    def _routing(self, message: StoredMessage, queue: str) -> dict[str, Any]:
        """Exchange and routing key; a message of the default exchange goes to its queue, declared as the project's."""
        if message.exchange:
            return {"exchange": message.exchange, "routing_key": message.routing_key}
        name = self.queue_of(message, queue)
        try:
            known = self._app.amqp.queues[name]
        except KeyError:
            raise PublishRefused(f"the project has no queue {name!r} (task_queues)") from None
        return {"exchange": "", "routing_key": known.name, "declare": [known]}


def _properties(message: StoredMessage, driver_type: str) -> dict[str, Any]:
    kept = {
        name: message.properties[name]
        for name in ("correlation_id", "reply_to", "delivery_mode")
        if message.properties.get(name) is not None
    }
    by_transport = message.properties.get("redrive_priorities")
    if isinstance(by_transport, Mapping):
        kept["priority"] = by_transport.get(driver_type)
    elif message.priority is not None:
        kept["priority"] = message.priority
    return kept
