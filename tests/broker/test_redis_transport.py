"""Messages of a Redis broker are taken and noted in one step: what a killed consumer had taken is still there."""

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from kombu import Connection, Consumer, Queue
from kombu.transport.redis import Transport as KombuTransport

from redrive.broker.redis_transport import Transport
from tests.path.conftest import SOON
from tests.servers import ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator["redis.Redis[bytes]"]:
    with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
def connect(valkey: ValkeyServer) -> Iterator[Callable[..., Any]]:
    """A connection to the broker that takes messages our way, or kombu's."""
    opened: list[Any] = []

    def make(transport: type = Transport, **options: Any) -> Any:
        opened.append(Connection(valkey.url, transport=transport, transport_options=options))
        return opened[-1]

    yield make
    for connection in opened:
        connection.close()


def publish(connection: Any, *bodies: object, queue: str = "celery", **options: Any) -> None:
    with connection.channel() as channel, connection.Producer(channel) as producer:
        for body in bodies:
            producer.publish(body, routing_key=queue, declare=[Queue(queue)], **options)


class Consuming:
    """A consumer that notes what it gets, and acknowledges it."""

    def __init__(self, connection: Any, *queues: str, no_ack: bool = False, channel: Any = None) -> None:
        self.got: list[object] = []
        self.connection = connection
        self.channel = channel or connection.channel()
        self._no_ack = no_ack
        names = [Queue(name) for name in queues or ("celery",)]
        self._consumer = Consumer(self.channel, names, callbacks=[self._take], no_ack=no_ack)
        self._consumer.consume()
        self.cancel = self._consumer.cancel

    def _take(self, body: object, message: Any) -> None:
        self.got.append(body)
        if not self._no_ack:
            message.ack()

    def until(self, count: int) -> list[object]:
        def has_come() -> bool:
            with contextlib.suppress(TimeoutError):
                self.connection.drain_events(timeout=0.1)
            return len(self.got) >= count

        wait_until(has_come, 20, lambda: f"{count} messages, there are {self.got}", every=0)
        return self.got


def ask_for_one(consuming: Consuming) -> None:
    """What the event loop does for a channel that may consume; the answer is not read."""
    consuming.channel.connection.cycle._register_BRPOP(consuming.channel)


@pytest.mark.parametrize(("transport", "kept"), [(Transport, 1), (KombuTransport, 0)])
def test_a_message_that_was_taken_and_never_read_is_still_noted(
    transport: type, kept: int, connect: Callable[..., Any], client: Any
) -> None:
    """What kombu does is here as well: the day it keeps the message, our transport can go."""
    connection = connect(transport)
    publish(connection, "one")
    consuming = Consuming(connection)

    ask_for_one(consuming)

    wait_until(lambda: client.llen("celery") == 0, 20, "the message is taken")
    assert client.hlen("unacked") == kept


def test_what_a_dead_consumer_had_taken_comes_again(connect: Callable[..., Any], client: Any) -> None:
    publish(connect(), "one")
    dead = Consuming(connect())
    ask_for_one(dead)
    wait_until(lambda: client.llen("celery") == 0, 20, "the message is taken")
    dead.channel.client.connection.disconnect()

    living = Consuming(connect(visibility_timeout=1))

    def restored() -> bool:
        living.channel.qos.restore_visible(interval=1)
        return bool(client.llen("celery"))

    wait_until(restored, 20, "it is restored")
    assert living.until(1) == ["one"]
    assert client.hlen("unacked") == client.zcard("unacked_index") == 0


def test_messages_come_in_order_and_nothing_is_left(connect: Callable[..., Any], client: Any) -> None:
    consuming = Consuming(connect(), "celery", "other")
    for number in range(5):
        publish(connect(), f"{number}a", f"{number}b")
        consuming.until(2 * number + 2)

    publish(connect(), "of another queue", queue="other")
    publish(connect(), "urgent", priority=9)

    assert consuming.until(12)[:10] == [f"{number}{half}" for number in range(5) for half in "ab"]
    assert client.hlen("unacked") == client.zcard("unacked_index") == 0


def test_what_nobody_acknowledges_is_not_noted(connect: Callable[..., Any], client: Any) -> None:
    publish(connect(), "one")
    careless = Consuming(connect(), no_ack=True)

    assert careless.until(1) == ["one"]
    assert client.hlen("unacked") == 0

    careless.cancel()
    client.config_resetstat()
    publish(connect(), "two")
    careful = Consuming(careless.connection, channel=careless.channel)
    assert careful.until(1) == ["two"]
    assert "cmdstat_brpop" not in client.info("commandstats")


def test_what_another_way_of_acknowledging_does_not_remove_is_not_noted(
    connect: Callable[..., Any], client: Any
) -> None:
    publish(connect(), "one")

    assert Consuming(connect(ack_emulation=False)).until(1) == ["one"]
    assert client.hlen("unacked") == 0


def test_keys_with_a_prefix(connect: Callable[..., Any], client: Any) -> None:
    publish(connect(global_keyprefix="shop:"), "one")
    assert client.llen("shop:celery") == 1
    consuming = Consuming(connect(global_keyprefix="shop:"))

    assert consuming.until(1) == ["one"]
    assert client.hlen("shop:unacked") == 0


def test_what_is_no_message_does_no_more_harm_than_before(connect: Callable[..., Any], client: Any) -> None:
    consuming = Consuming(connect())
    client.lpush("celery", "{no json", json.dumps([1]))

    for _ in range(2):
        with pytest.raises(Exception):  # noqa: B017, PT011 - kombu's own, of the same kinds as with BRPOP
            consuming.until(1)
    publish(connect(), "one")

    assert consuming.until(1) == ["one"]
    assert client.llen("celery") == 0


def test_a_broker_that_refuses_scripts_is_used_as_celery_does(
    connect: Callable[..., Any], client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client.execute_command("ACL", "SETUSER", "default", "-eval")
    try:
        publish(connect(), "one")
        assert Consuming(connect()).until(1) == ["one"]
    finally:
        client.execute_command("ACL", "SETUSER", "default", "+eval")

    assert "taken in two steps" in caplog.text


@pytest.mark.parametrize("greets", [False, True], ids=["alone", "greets others"])
def test_a_worker_takes_so_when_it_is_told_to(
    greets: bool, make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer, client: Any
) -> None:
    project = make_project(
        database_url=postgres_url, broker_url=valkey.url, redrive={**SOON, "BROKER_TAKE": "atomic"}
    )
    project.worker(greets=greets)
    client.config_resetstat()
    for number in range(20):
        project.send("shop.tasks.succeed", f"task {number}")
    project.send("shop.tasks.recovers", "retried")

    project.wait_for_runs(20, "succeed")
    project.wait_for_runs(2, "recovers")

    done = client.info("commandstats")
    assert "cmdstat_brpop" not in done
    assert done["cmdstat_eval"]["calls"] > 20
    wait_until(lambda: client.hlen("unacked") == 0, 20, "all of them are acknowledged")
    assert len(project.runs("succeed")) == 20
