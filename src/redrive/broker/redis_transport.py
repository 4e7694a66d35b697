"""Celery's Redis transport, with messages taken and noted as unacknowledged in one step.

kombu takes a message with BRPOP and notes it with a second command. A worker or a broker killed between the two loses
it before any code of Celery, or of Redrive, has seen it (docs/decisions/0014). Here a script does both. A script cannot
wait, so where nothing lies the channel waits with a move of the oldest message to the end it is at already.
"""

from __future__ import annotations

import logging
from queue import Empty
from time import monotonic, time
from typing import Any

from kombu import transport as kombu_transport
from kombu.transport import redis
from kombu.utils.encoding import bytes_to_str
from kombu.utils.json import loads
from redis.exceptions import ResponseError

logger = logging.getLogger("redrive")

PAUSE_SECONDS = 0.25
"""How long it waits for the first queue before it looks at all of them again."""
TAKE = """
for at = 3, #KEYS do
    local item = redis.call('LINDEX', KEYS[at], -1)
    if item then
        local read, message = pcall(cjson.decode, item)
        local properties = read and type(message) == 'table' and message.properties or {}
        local route = properties.delivery_info
        if properties.delivery_tag and route then
            redis.call('ZADD', KEYS[2], ARGV[1], properties.delivery_tag)
            redis.call('HSET', KEYS[1], properties.delivery_tag,
                '[' .. item .. ',' .. cjson.encode(route.exchange) .. ',' .. cjson.encode(route.routing_key) .. ']')
        end
        redis.call('RPOP', KEYS[at])
        return {KEYS[at], item}
    end
end
return false
"""
"""Keys: the hash of unacknowledged messages, its index, then the queues in order. Argument: Unix time. Returns what
BRPOP would. What it notes is what kombu's ``QoS.append`` then writes again."""


_Channel: Any = redis.Channel  # the stubs know only a part of it


class Channel(_Channel):  # type: ignore[misc]
    """kombu's channel; only how it takes messages differs.

    It is kombu's altogether while it has a consumer that acknowledges nothing (the replies that a worker waits for when
    it starts): what is noted for such a one would come again.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._unacknowledging: set[str] = set()
        """Tags of consumers that acknowledge nothing."""
        self._refused = False
        """Whether the broker refused the script."""
        self._asked = ""
        """The command that was sent, where it is one of ours."""
        self._is_empty = False
        """Whether there was nothing to take."""
        super().__init__(*args, **kwargs)

    def basic_consume(self, queue: str, no_ack: bool = False, *args: Any, **kwargs: Any) -> Any:
        """As kombu's."""
        if no_ack:
            self._unacknowledging.add(str(kwargs.get("consumer_tag", "")))
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def _basic_cancel(self, consumer_tag: str) -> Any:
        self._unacknowledging.discard(str(consumer_tag))
        return super()._basic_cancel(consumer_tag)

    def _brpop_start(self, timeout: float | None = None) -> None:
        self._asked = ""
        if self._refused or self._unacknowledging or not self.ack_emulation:
            super()._brpop_start(*(() if timeout is None else (timeout,)))
            return
        queues = self._queue_cycle.consume(len(self.active_queues))
        if not queues:
            return
        steps = [self._q_for_pri(queue, priority) for priority in self.priority_steps for queue in queues]
        keys = [f"{self.global_keyprefix}{key}" for key in (self.unacked_key, self.unacked_index_key, *steps)]
        self._asked = "BLMOVE" if self._is_empty else "EVAL"
        connection = self.client.connection
        self._in_poll = connection
        self._brpop_sent_at = monotonic()
        if self._is_empty:
            connection.send_command("BLMOVE", keys[2], keys[2], "RIGHT", "RIGHT", PAUSE_SECONDS)
        else:
            connection.send_command("EVAL", TAKE, len(keys), *keys, time())

    def _brpop_read(self, **options: Any) -> Any:
        if not self._asked:
            return super()._brpop_read(**options)
        try:
            answer = self._answer(**options)
            self._is_empty = self._asked == "EVAL" and answer is None
            if answer is None or self._asked == "BLMOVE":
                raise Empty
            key, item = (bytes_to_str(part) for part in answer)
            queue = key.removeprefix(self.global_keyprefix).rsplit(self.sep, 1)[0]
            self._queue_cycle.rotate(queue)
            self.connection._deliver(loads(item), queue)
            return True
        finally:
            self._in_poll = None
            getattr(self, "_flush_brpop_reauth", lambda: None)()

    def _answer(self, **options: Any) -> Any:
        try:
            return self.client.parse_response(self.client.connection, self._asked, **options)
        except self.connection_errors:
            self.client.connection.disconnect()  # so that the next turn connects again, as kombu's own
            raise
        except ResponseError as exc:
            # No scripts here, a server before 6.2, or one that is full, where BRPOP still works.
            self._refused = True
            logger.warning(
                "redrive: messages are taken in two steps, as Celery does: the broker refused one: %s", exc
            )
            return None


class Transport(redis.Transport):
    """kombu's transport with the channel above."""

    Channel = Channel


def use_in_this_process() -> None:
    """Take messages with this transport wherever the project says ``redis://`` or ``rediss://``."""
    for scheme in ("redis", "rediss"):
        if kombu_transport.TRANSPORT_ALIASES.get(scheme) == "kombu.transport.redis:Transport":
            kombu_transport.TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
            kombu_transport._transport_cache.pop(scheme, None)  # type: ignore[attr-defined]  # connections ask this first
