"""How many tasks wait in a queue, as Redis and RabbitMQ count them."""

import socket

from celery import Celery

from redrive.broker.queues import queue_depths
from redrive.retry import RetryEngine
from redrive.taxonomy import FailureType
from tests.servers import ValkeyServer
from tests.waiting import wait_until


def send(app: Celery, queue: str, *priorities: int) -> None:
    for priority in priorities:
        app.send_task("shop.pay", queue=queue, priority=priority)


def test_what_waits_is_counted_whatever_its_priority(broker_url: str) -> None:
    app = Celery("shop", broker=broker_url, set_as_current=False)
    app.conf.task_queue_max_priority = 10

    send(app, "work", 0, 3, 9)
    send(app, "other", 5)

    wait_until(lambda: queue_depths(app, ["work", "other"]) == {"work": 3, "other": 1}, 10, "all four wait")
    assert queue_depths(app, ["work", "nobody's"]).get("nobody's", 0) == 0
    assert queue_depths(app, ["nobody's", "other"])["other"] == 1, "one that is not there hides no other"


def test_a_broker_that_is_away_has_no_depths() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{unused.getsockname()[1]}/0"
        assert queue_depths(Celery("shop", broker=url, set_as_current=False), ["work"]) == {}


def test_a_deep_queue_makes_retries_wait_longer(valkey: ValkeyServer) -> None:
    app = Celery("shop", broker=valkey.url, set_as_current=False)
    send(app, "work", *[0] * 101)
    engine = RetryEngine(queue_depth=lambda _task: queue_depths(app, ["work"]).get("work"))

    policy = engine.get_retry_policy("shop.pay", ConnectionRefusedError(111, "Connection refused"))

    assert policy.key == FailureType.TRANSIENT_NETWORK.value
    assert policy.initial_delay == 60 * 1.3
    assert policy.adjustments[-1].reason == "101 tasks in the queue: delays +30 %"
