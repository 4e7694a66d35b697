"""The probe of the broker against RabbitMQ, and what workers answer."""

from __future__ import annotations

from kombu import Queue

from redrive.doctor.facts import Away
from redrive.doctor.probes.broker import broker_facts, worker
from tests.doctor.asking import app_on, ask
from tests.servers import RabbitServer


def test_queue_that_is_declared_differently_is_found(rabbitmq: RabbitServer) -> None:
    url = rabbitmq.create_virtual_host()
    with app_on(url).connection_for_write() as connection:
        Queue("urgent", channel=connection.default_channel).declare()
        Queue("work", channel=connection.default_channel, max_priority=10).declare()
    app = app_on(
        url,
        task_queues=[
            Queue("urgent", queue_arguments={"x-max-priority": 10}),
            Queue("work", max_priority=10),
            Queue("later", queue_arguments={"x-consumer-timeout": 60_000}),
        ],
    )

    facts = broker_facts(app, ["urgent"])

    assert facts.rabbit is not None
    found = {queue.name: queue for queue in facts.rabbit.queues}
    assert facts.rabbit.version.startswith("3.")
    assert "x-max-priority" in found["urgent"].mismatch
    assert (found["work"].mismatch, found["work"].max_priority, found["work"].exists) == ("", 10, True)
    assert (found["later"].exists, found["later"].consumer_timeout) == (False, 60.0)


def test_looking_makes_no_queue(rabbitmq: RabbitServer) -> None:
    url = rabbitmq.create_virtual_host()

    broker_facts(app_on(url), ["urgent"])
    facts = broker_facts(app_on(url), ["urgent"])

    assert facts.rabbit is not None
    assert {queue.name: queue.exists for queue in facts.rabbit.queues} == {"celery": False, "urgent": False}


def test_messages_without_a_consumer_are_counted(rabbitmq: RabbitServer) -> None:
    url = rabbitmq.create_virtual_host()
    with app_on(url, broker_transport_options={"confirm_publish": True}) as app:
        app.send_task("shop.pay", queue="work")

        facts = broker_facts(app, [])

    assert facts.rabbit is not None
    [queue] = [queue for queue in facts.rabbit.queues if queue.name == "work"]
    assert (queue.messages, queue.consumers) == (1, 0)


def test_stopped_rabbitmq_is_away_by_the_probes_own_limits(rabbitmq: RabbitServer) -> None:
    url = rabbitmq.url
    rabbitmq.stop()

    answer = ask(lambda: broker_facts(app_on(url), []))

    assert isinstance(answer, Away)
    assert "refused" in answer.reason
    assert "guest:guest" not in answer.reason


def test_worker_is_read_from_its_answers() -> None:
    facts = worker(
        "w@h",
        {
            "pool": {"implementation": "celery.concurrency.thread:TaskPool", "max-concurrency": 8},
            "prefetch_count": 9,
        },
        {
            "worker_prefetch_multiplier": 1,
            "broker_transport_options": {"visibility_timeout": 60, "priority_steps": [0, 5]},
        },
        [{"name": "work"}],
    )

    assert (facts.pool, facts.concurrency, facts.prefetch_multiplier, facts.prefetch_count) == (
        "threads",
        8,
        1,
        9,
    )
    assert (facts.queues, facts.visibility_timeout, facts.priority_steps) == (("work",), 60.0, (0, 5))


def test_worker_that_says_little_has_defaults() -> None:
    facts = worker("w@h", {}, {}, [])

    assert (facts.concurrency, facts.prefetch_multiplier, facts.visibility_timeout) == (1, 4, None)
