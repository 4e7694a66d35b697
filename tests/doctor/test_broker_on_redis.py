"""The probe of the broker against Valkey: running, spoilt, stopped, silent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from redrive.doctor.facts import Away, Stray
from redrive.doctor.probes.broker import broker_facts
from redrive.doctor.probes.redis_server import store_facts
from tests.doctor.asking import app_on, ask, redis_of, silent_server
from tests.servers import ValkeyServer


def test_messages_at_strange_priority_steps_are_counted(valkey: ValkeyServer) -> None:
    with app_on(valkey.url, broker_transport_options={"priority_steps": list(range(10))}) as sender:
        for priority in (0, 3, 7, 7):
            sender.send_task("shop.pay", queue="work", priority=priority)

    facts = broker_facts(app_on(valkey.url), ["work"])

    assert redis_of(facts).priority_steps == (0, 3, 6, 9)
    assert redis_of(facts).strays == (Stray(queue="work", step=7, count=2),)
    assert facts.workers == ()
    assert ":**@" not in facts.where


def test_prefix_and_separator_of_the_project_are_followed(valkey: ValkeyServer) -> None:
    options = {"global_keyprefix": "shop-", "sep": ":"}
    with app_on(valkey.url, broker_transport_options={**options, "priority_steps": [0, 4]}) as sender:
        sender.send_task("shop.pay", queue="work", priority=4)

    facts = broker_facts(app_on(valkey.url, broker_transport_options=options), ["work"])

    assert redis_of(facts).strays == (Stray(queue="work", step=4, count=1),)


def test_delays_are_read_from_unacknowledged_messages(valkey: ValkeyServer) -> None:
    with app_on(valkey.url) as app:
        now = datetime.now(UTC)
        for seconds in (-60, 600, 7200):
            app.send_task("shop.pay", queue="work", eta=now + timedelta(seconds=seconds))
        app.send_task("shop.pay", queue="work")
        with app.connection_for_read() as connection:
            channel: Any = connection.channel()
            for _ in range(4):
                channel.basic_get("work")

            facts = broker_facts(app, ["work"])

    assert redis_of(facts).looked_at == 4
    assert redis_of(facts).delayed == 2
    assert redis_of(facts).longest_delay == pytest.approx(7200, abs=60)


def test_visibility_timeout_is_as_set(valkey: ValkeyServer) -> None:
    app = app_on(valkey.url, broker_transport_options={"visibility_timeout": 77})

    assert redis_of(broker_facts(app, [])).visibility_timeout == 77.0
    assert redis_of(broker_facts(app_on(valkey.url), [])).visibility_timeout == 3600.0


def test_looking_changes_nothing_in_redis(valkey: ValkeyServer) -> None:
    with app_on(valkey.url) as app:
        app.send_task("shop.pay", queue="work")
    client = redis.Redis.from_url(valkey.url)

    broker_facts(app_on(valkey.url), ["work", "urgent"])

    # What kombu notes for the answers of workers has an end.
    after = [key for key in sorted(client.scan_iter()) if not key.startswith(b"_kombu.")]
    client.close()
    assert after == [b"work"]


def test_stopped_valkey_is_away_by_the_probes_own_limits(valkey: ValkeyServer) -> None:
    valkey.stop()

    broker = ask(lambda: broker_facts(app_on(valkey.url), []))
    store = ask(lambda: store_facts(valkey.database_url(1)))

    assert isinstance(broker, Away)
    assert str(valkey.port) in broker.reason
    assert isinstance(store, Away)
    assert "refused" in store.reason


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.usefixtures("server_directory")  # takes seconds, so not of the unit tier
def test_silent_broker_is_away_by_the_probes_own_limits(scheme: str) -> None:
    with silent_server() as address:
        answer = ask(lambda: broker_facts(app_on(f"{scheme}://{address}//"), []))

    assert isinstance(answer, Away)
    assert address in answer.reason


@pytest.mark.usefixtures("server_directory")  # takes seconds, so not of the unit tier
def test_silent_store_is_away_by_the_probes_own_limits() -> None:
    with silent_server() as address:
        answer = ask(lambda: store_facts(f"redis://{address}/1"))

    assert isinstance(answer, Away)
    assert "Timeout" in answer.reason
