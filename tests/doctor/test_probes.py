"""The probes against real servers: running, spoilt, and stopped."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from celery.exceptions import Reject
from django.db import connections
from django.test import override_settings
from kombu import Queue

from redrive.celery import IdempotentTask, Options, RedriveTask
from redrive.doctor.facts import Away, BrokerFacts, DatabaseFacts, Scheduled, SpillFacts, Stray
from redrive.doctor.probes.bounded import Asked, reason_of
from redrive.doctor.probes.broker import broker_facts, worker
from redrive.doctor.probes.celery_app import celery_facts
from redrive.doctor.probes.database import database_facts
from redrive.doctor.probes.redis_server import store_facts
from redrive.doctor.probes.spill import filesystem_of, spill_facts
from redrive.stores.sql.connection import Database
from redrive.stores.sql.leases import put
from tests.servers import PostgresServer, RabbitServer, ValkeyServer

LONGEST_SECONDS = 9.0
"""A server that is away or silent takes no longer than this, on a busy machine."""


@contextmanager
def silent_server() -> Iterator[str]:
    """``host:port`` of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def app_on(url: str, **conf: Any) -> Celery:
    app = Celery("shop", broker=url, set_as_current=False)
    app.conf.update(conf)
    return app


def ask(question: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    answer = Asked(question).answer()
    return answer, time.monotonic() - began


def redis_of(facts: BrokerFacts) -> Any:
    assert facts.redis is not None
    return facts.redis


# --- Redis as the broker


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


def test_stopped_valkey_is_away_within_seconds(valkey: ValkeyServer) -> None:
    valkey.stop()

    broker, broker_seconds = ask(lambda: broker_facts(app_on(valkey.url), []))
    store, store_seconds = ask(lambda: store_facts(valkey.database_url(1)))

    assert isinstance(broker, Away)
    assert str(valkey.port) in broker.reason
    assert isinstance(store, Away)
    assert "refused" in store.reason
    assert max(broker_seconds, store_seconds) < LONGEST_SECONDS


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_silent_broker_is_away_within_seconds(scheme: str) -> None:
    with silent_server() as address:
        answer, seconds = ask(lambda: broker_facts(app_on(f"{scheme}://{address}//"), []))

    assert isinstance(answer, Away)
    assert address in answer.reason
    assert seconds < LONGEST_SECONDS


def test_silent_store_is_away_within_seconds() -> None:
    with silent_server() as address:
        answer, seconds = ask(lambda: store_facts(f"redis://{address}/1"))

    assert isinstance(answer, Away)
    assert "Timeout" in answer.reason
    assert seconds < LONGEST_SECONDS


# --- Redis as a server


def test_redis_server_says_what_it_would_lose(valkey: ValkeyServer) -> None:
    client = redis.Redis.from_url(valkey.url)
    kept = {
        name: client.config_get(name)[name] or ""
        for name in ("maxmemory", "maxmemory-policy", "appendonly", "save")
    }
    before = store_facts(valkey.url)
    try:
        client.config_set("maxmemory", 64 << 20)
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        client.config_set("save", "")
        spoilt = store_facts(valkey.url)
    finally:
        for name, value in kept.items():
            client.config_set(name, value)
        client.close()

    assert (before.maxmemory_policy, before.persists, before.is_replica) == ("noeviction", True, False)
    assert before.version.startswith("Valkey 9")
    assert abs(before.clock_ahead) < 1
    assert (spoilt.maxmemory, spoilt.maxmemory_policy, spoilt.persists) == (64 << 20, "allkeys-lru", False)


def test_replica_is_known_as_one(valkey: ValkeyServer) -> None:
    client = redis.Redis.from_url(valkey.url)
    client.replicaof("127.0.0.1", "1")
    try:
        facts = store_facts(valkey.url)
    finally:
        client.replicaof("NO", "ONE")
        client.close()

    assert facts.is_replica


def test_forbidden_config_is_not_known_and_not_guessed(valkey: ValkeyServer) -> None:
    admin = redis.Redis.from_url(valkey.url)
    kept = admin.config_get("appendonly")["appendonly"] or ""
    admin.acl_setuser(
        "clerk", enabled=True, nopass=True, keys=["*"], categories=["+@all"], commands=["-config"]
    )
    try:
        admin.config_set("appendonly", "no")
        facts = store_facts(valkey.url.replace("//", "//clerk:x@"))
    finally:
        admin.config_set("appendonly", kept)
        admin.acl_deluser("clerk")
        admin.close()

    assert facts.persists is None
    assert "x@" not in facts.where


# --- RabbitMQ


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


def test_stopped_rabbitmq_is_away_within_seconds(rabbitmq: RabbitServer) -> None:
    url = rabbitmq.url
    rabbitmq.stop()

    answer, seconds = ask(lambda: broker_facts(app_on(url), []))

    assert isinstance(answer, Away)
    assert "refused" in answer.reason
    assert "guest:guest" not in answer.reason
    assert seconds < LONGEST_SECONDS


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


# --- the app and its tasks


def test_tasks_are_read_as_they_are_declared() -> None:
    app = Celery("shop", task_cls=RedriveTask, broker="memory://", set_as_current=False)
    app.conf.update(
        task_time_limit=90, worker_concurrency=3, beat_schedule={"nightly": {"task": "shop.clean"}}
    )

    @app.task(shared=False, name="shop.pay", base=IdempotentTask, acks_late=True, time_limit=30)
    def pay() -> None: ...

    @app.task(
        shared=False,
        name="shop.mail",
        redrive=Options(retry_safe=True),
        reject_on_worker_lost=True,
        ignore_result=True,
    )
    def mail() -> None: ...

    @app.task(shared=False, name="shop.gone")
    def gone() -> None:
        raise Reject("later", requeue=True)

    @app.task(shared=False, name="shop.refused")
    def refused() -> None:
        raise Reject("never", requeue=False)

    facts = celery_facts(app)

    tasks = {task.name: task for task in facts.tasks}
    assert sorted(tasks) == ["shop.gone", "shop.mail", "shop.pay", "shop.refused"]
    assert (facts.is_redrive_task, facts.concurrency, facts.result_backend) == (True, 3, None)
    assert facts.schedule == (Scheduled(entry="nightly", task="shop.clean"),)
    assert (tasks["shop.pay"].idempotent, tasks["shop.pay"].acks_late) == (True, True)
    assert (tasks["shop.pay"].time_limit, tasks["shop.mail"].time_limit) == (30.0, 90.0)
    assert (tasks["shop.mail"].retry_safe, tasks["shop.mail"].idempotent) == (True, False)
    assert (tasks["shop.mail"].reject_on_worker_lost, tasks["shop.mail"].ignore_result) == (True, True)
    assert [name for name, task in tasks.items() if task.rejects_with_requeue] == ["shop.gone"]
    assert all(task.covered for task in tasks.values())


def test_task_of_another_base_class_is_covered_by_a_pattern_only() -> None:
    app = Celery("shop", broker="memory://", backend="rediss://somewhere", set_as_current=False)

    @app.task(shared=False, name="shop.pay")
    def pay() -> None: ...

    @app.task(shared=False, name="shop.mail")
    def mail() -> None: ...

    with override_settings(REDRIVE={"TASK_PATTERNS": {"shop.m*": {"retry_safe": True}}}):
        facts = celery_facts(app)

    assert (facts.is_redrive_task, facts.task_class) == (
        False,
        "celery.contrib.django.task.DjangoTask",
    )
    assert facts.result_backend == "redis"
    assert {task.name: (task.covered, task.retry_safe) for task in facts.tasks} == {
        "shop.mail": (True, True),
        "shop.pay": (False, False),
    }


# --- the database


@pytest.fixture
def alias(database_alias: str) -> Iterator[str]:
    with override_settings(REDRIVE={"DATABASE": database_alias}):
        yield database_alias


@pytest.mark.usefixtures("alias")
def test_database_is_known(database_url: str) -> None:
    facts = database_facts()

    assert facts.vendor == ("postgresql" if database_url.startswith("postgres") else "sqlite")
    assert facts.version >= (3, 35)
    assert (facts.unapplied, facts.read_only, facts.keeper_seen, facts.vouched) == ((), False, None, ())
    assert abs(facts.clock_ahead) < 1
    assert 0 < facts.latency < 1
    assert facts.backlog is not None
    assert facts.backlog.overdue == facts.backlog.pending == facts.backlog.unstarted == 0
    if facts.vendor == "postgresql":
        assert facts.connection_limit
        assert facts.connection_limit > facts.connections_used >= 0
    else:
        assert facts.journal_mode == "delete"


def test_keepers_and_workers_are_known_by_their_leases(alias: str) -> None:
    def leases(cursor: Any) -> None:
        put(cursor, "worker", "alive@shop#10-1", data={}, seconds=30)
        put(cursor, "worker", "gone@shop#11-1", data={}, seconds=-300)
        put(cursor, "duty", "sample", data={}, seconds=20)
        put(cursor, "duty", "purge", data={}, seconds=7200)

    Database(alias).run(leases)

    facts = database_facts()

    assert facts.vouched == ("alive@shop",)
    assert facts.keeper_seen == pytest.approx(30, abs=5)


def test_keeper_that_left_long_ago_is_not_at_work(alias: str) -> None:
    def leases(cursor: Any) -> None:
        put(cursor, "duty", "sample", data={}, seconds=-300)
        put(cursor, "duty", "purge", data={}, seconds=7200)

    Database(alias).run(leases)

    assert database_facts().keeper_seen == pytest.approx(-300, abs=5)


def _record(alias: str, task_id: str, **values: Any) -> None:
    from redrive.models import TaskFailureRecord

    failed = datetime.now(UTC) - timedelta(hours=2)
    TaskFailureRecord(
        task_id=task_id, task_name="shop.pay", first_failed_at=failed, queue_name="work", **values
    ).save(using=alias)


def test_records_that_should_have_moved_on_are_counted(alias: str) -> None:
    now = datetime.now(UTC)
    ago = {seconds: now - timedelta(seconds=seconds) for seconds in (20, 70, 500, 700)}
    waiting = {"status": "RETRYING", "attempt": 1}
    _record(alias, "overdue", next_retry_at=ago[70], **waiting)
    _record(alias, "due", next_retry_at=ago[20], **waiting)
    _record(alias, "running", next_retry_at=ago[70], **{**waiting, "started_attempt": 2})
    _record(alias, "newer", next_retry_at=ago[70], version=99, **waiting)
    _record(alias, "sent", next_retry_at=ago[700], published_at=ago[500], publishes=1, **waiting)
    _record(alias, "unstarted", next_retry_at=ago[700], published_at=ago[700], publishes=1, **waiting)
    _record(alias, "again", next_retry_at=ago[700], published_at=ago[20], publishes=2, **waiting)
    _record(alias, "dead", status="PENDING")
    _record(alias, "given up", status="ABANDONED")
    connections[alias].close()

    backlog = database_facts().backlog

    assert backlog is not None
    assert (backlog.overdue, backlog.unstarted, backlog.pending) == (1, 2, 1)
    assert backlog.oldest_overdue == pytest.approx(70, abs=15)
    assert backlog.oldest_unstarted == pytest.approx(700, abs=15)
    assert backlog.oldest_pending == pytest.approx(7200, abs=15)
    assert backlog.unstarted_queues == ("work",)


def test_missing_tables_are_migrations_to_apply(alias: str) -> None:
    Database(alias).run(lambda cursor: cursor.execute("DROP TABLE django_migrations"))
    Database(alias).run(lambda cursor: cursor.execute("DROP TABLE redrive_lease"))

    facts = database_facts()

    assert facts.backlog is None
    assert "0001_tables" in facts.unapplied


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_stopped_postgresql_is_away_within_seconds(alias: str, postgres: PostgresServer) -> None:
    postgres.stop()

    answer, seconds = ask(database_facts)

    assert isinstance(answer, Away)
    assert str(postgres.port) in answer.reason
    assert seconds < LONGEST_SECONDS


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_silent_postgresql_is_away_within_seconds(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_server() as address:
        monkeypatch.setitem(connections.settings[alias], "PORT", address.partition(":")[2])
        monkeypatch.setitem(connections[alias].settings_dict, "PORT", address.partition(":")[2])
        answer, seconds = ask(database_facts)

    assert isinstance(answer, Away)
    assert seconds < LONGEST_SECONDS


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_in_wal_mode_is_known_and_left_so(alias: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=wal")
    connections[alias].close()

    assert database_facts().journal_mode == "wal"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_read_only_database_is_known(alias: str) -> None:
    name = connections[alias].settings_dict["NAME"]
    with connections[alias].cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')

    facts = database_facts()

    assert isinstance(facts, DatabaseFacts)
    assert facts.read_only


# --- the spill


def _spill(directory: Path) -> SpillFacts:
    with override_settings(REDRIVE={"SPILL": {"DIRECTORY": str(directory), "MAX_BYTES": 1000}}):
        return spill_facts()


def test_spill_that_is_not_made_yet_can_be_made(tmp_path: Path) -> None:
    facts = _spill(tmp_path / "deep" / "spill")

    assert (facts.problem, facts.waiting_lines, facts.max_bytes) == ("", 0, 1000)
    assert facts.temporary
    assert facts.free_bytes > 0
    assert not (tmp_path / "deep").exists()


def test_spill_lines_are_counted_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "spill.jsonl").write_text('{"v": 1}\n{"v": 1}\n')
    (tmp_path / "rejected.jsonl").write_text("x\n")
    (tmp_path / "newer.jsonl").write_text("x\nx\nx\n")

    facts = _spill(tmp_path)

    assert (facts.waiting_lines, facts.waiting_bytes, facts.rejected_lines, facts.newer_lines) == (
        2,
        18,
        1,
        3,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "newer.jsonl",
        "rejected.jsonl",
        "spill.jsonl",
    ]


def test_spill_where_a_file_stands_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "is not a directory" in _spill(tmp_path / "file" / "spill").problem


def test_spill_on_a_file_system_that_refuses_is_found_by_writing() -> None:
    facts = _spill(Path("/proc/self"))

    assert facts.problem
    assert facts.filesystem == "proc"


def test_filesystem_of_a_path_is_its_innermost_mount() -> None:
    assert filesystem_of(Path("/proc/self/status")) == "proc"
    assert filesystem_of(Path("/")) not in ("", "proc")


# --- waiting


def test_question_that_hangs_is_given_up() -> None:
    left, right = socket.socketpair()

    answer = Asked(lambda: left.recv(1)).answer(0.05)

    right.close()
    left.close()
    assert answer == Away("no answer within 0 s")


def test_reason_names_the_kind_of_error_once() -> None:
    assert reason_of(ValueError("bad\n  input")) == "ValueError: bad input"
    assert reason_of(OSError()) == "OSError"
