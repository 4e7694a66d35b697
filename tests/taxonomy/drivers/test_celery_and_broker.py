"""Celery, kombu and py-amqp, without a broker, with one that refuses, and with RabbitMQ."""

from __future__ import annotations

import os
import signal
from typing import Any

import kombu
import pytest
from billiard.pool import Pool
from celery import Celery
from celery._state import _set_task_join_will_block
from celery.exceptions import MaxRetriesExceededError
from celery.result import allow_join_result
from celery.schedules import crontab
from celery.utils.serialization import UnpickleableExceptionWrapper

from tests.servers import RabbitServer
from tests.servers.process import free_port
from tests.taxonomy.drivers.driven import Driven, check

QUICKLY = {"max_retries": 1, "interval_start": 0, "interval_step": 0}


def app(**conf: Any) -> Celery:
    made = Celery("driven", set_as_current=False)
    made.conf.update({"broker_url": "memory://", **conf})
    return made


def send(made: Celery, *args: Any, **options: Any) -> None:
    with made:
        made.send_task("shop.tasks.add", args, **options)


def soft_limit() -> None:
    """The real signal, as a pool child gets it, through the handler that billiard installs."""
    from billiard.pool import soft_timeout_sighandler

    before = signal.signal(signal.SIGUSR1, soft_timeout_sighandler)
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def pool(function: Any, *args: Any, **options: Any) -> Any:
    """What a real prefork pool tells about a task that ``function`` ends badly."""

    def provoke() -> None:
        workers = Pool(1, lost_worker_timeout=0.3, **options)
        try:
            workers.apply_async(function, args).get(timeout=20)
        finally:
            workers.terminate()
            workers.join()

    return provoke


def kill_myself(number: int) -> None:
    os.kill(os.getpid(), number)


def retries_used_up() -> None:
    made = app(task_always_eager=True, task_eager_propagates=True)

    @made.task(bind=True, max_retries=0, shared=False)
    def sync(self: Any) -> None:
        raise self.retry()

    sync.apply(throw=True)


def retries_used_up_by(problem: Exception) -> Any:
    def provoke() -> None:
        made = app()

        @made.task(bind=True, max_retries=0, shared=False)
        def sync(self: Any) -> None:
            try:
                raise problem
            except Exception as error:
                raise MaxRetriesExceededError("Can't retry any more") from error

        sync.apply(throw=True)

    return provoke


def result_inside_a_task() -> None:
    made = app(result_backend="cache+memory://")
    _set_task_join_will_block(True)  # as every pool child does when it starts
    try:
        made.AsyncResult("x").get(timeout=0.01)
    finally:
        _set_task_join_will_block(False)


def result_too_late() -> None:
    made = app(result_backend="cache+memory://")
    with allow_join_result():
        made.AsyncResult("x").get(timeout=0.01)


def unpicklable_wrapper() -> None:
    raise UnpickleableExceptionWrapper(
        "psycopg.errors", "DeadlockDetected", ("deadlock detected",), "deadlock detected"
    )


def wrong_arguments() -> None:
    made = app()

    @made.task(shared=False)
    def add(left: int, right: int) -> int:
        return left + right

    add.delay(1)


WITHOUT_A_SERVER = (
    Driven(
        "no such transport", "CONFIG_INVALID_SETTING", False, lambda: kombu.Connection("amqq://x").connect()
    ),
    Driven(
        "broker refuses",
        "TRANSIENT_NETWORK,TRANSIENT_DATABASE",
        True,
        lambda: kombu.Connection(f"amqp://127.0.0.1:{free_port()}//").ensure_connection(**QUICKLY),
    ),
    Driven(
        "broker refuses, bare",
        "TRANSIENT_NETWORK",
        True,
        lambda: kombu.Connection(f"amqp://127.0.0.1:{free_port()}//").connect(),
    ),
    Driven(
        "Redis as broker refuses",
        "TRANSIENT_NETWORK,TRANSIENT_DATABASE",
        True,
        lambda: kombu.Connection(f"redis://127.0.0.1:{free_port()}/0").ensure_connection(**QUICKLY),
    ),
    Driven(
        "broker has no name",
        "TRANSIENT_NETWORK,CONFIG_INVALID_SETTING",
        True,
        lambda: kombu.Connection("amqp://broker.invalid//").ensure_connection(**QUICKLY),
    ),
    Driven(
        "publishing while the broker is away",
        "TRANSIENT_NETWORK,TRANSIENT_DATABASE",
        True,
        lambda: send(
            app(broker_url=f"amqp://127.0.0.1:{free_port()}//", broker_transport_options={"max_retries": 1}),
            retry_policy=QUICKLY,
        ),
    ),
    Driven(
        "argument that JSON cannot hold",
        "PERMANENT_LOGIC,PERMANENT_VALIDATION",
        False,
        lambda: send(app(), object()),
    ),
    Driven(
        "unknown serializer",
        "CONFIG_INVALID_SETTING,PERMANENT_LOGIC",
        False,
        lambda: send(app(), serializer="protobuf-of-nobody"),
    ),
    Driven(
        "content not allowed",
        "CONFIG_INVALID_SETTING",
        False,
        lambda: kombu.serialization.loads(
            b"\x80\x04N.", "application/x-python-serialize", "binary", accept={"json"}
        ),
    ),
    Driven(
        "undecodable body",
        "PERMANENT_VALIDATION",
        False,
        lambda: kombu.serialization.loads(b"{not json", "application/json", "utf-8"),
    ),
    Driven("unregistered task", "PERMANENT_LOGIC", False, lambda: app().tasks["shop.tasks.removed"]),
    Driven("wrong arguments", "PERMANENT_LOGIC", False, wrong_arguments),
    Driven(
        "no result backend", "CONFIG_MISSING_SETTING", False, lambda: app().AsyncResult("x").get(timeout=0.01)
    ),
    Driven(
        "unknown result backend",
        "CONFIG_INVALID_SETTING",
        False,
        lambda: app(result_backend="mangodb://x").backend.get_state("x"),
    ),
    Driven("result inside a task", "PERMANENT_LOGIC", False, result_inside_a_task),
    Driven(
        "result too late",
        "EXTERNAL_TIMEOUT,TRANSIENT_NETWORK,PERMANENT_LOGIC",
        True,
        result_too_late,
    ),
    Driven("bad crontab", "CONFIG_INVALID_SETTING", False, lambda: crontab(minute="61")),
    Driven("bad crontab words", "CONFIG_INVALID_SETTING", False, lambda: crontab(hour="noonish")),
    Driven("retries used up, no cause", "UNKNOWN", False, retries_used_up),
    Driven(
        "retries used up by a timeout",
        "TRANSIENT_NETWORK,EXTERNAL_TIMEOUT",
        True,
        retries_used_up_by(TimeoutError("timed out")),
    ),
    Driven(
        "retries used up by bad input",
        "PERMANENT_VALIDATION",
        False,
        retries_used_up_by(ValueError("Invalid IBAN")),
    ),
    Driven(
        "soft time limit",
        "EXTERNAL_TIMEOUT,PERMANENT_LOGIC,TRANSIENT_NETWORK,TRANSIENT_DATABASE",
        True,
        soft_limit,
    ),
    Driven(
        "hard time limit",
        "EXTERNAL_TIMEOUT,PERMANENT_LOGIC,TRANSIENT_NETWORK,TRANSIENT_DATABASE",
        True,
        pool(signal.pause, timeout=0.2),
    ),
    Driven("child killed", "SYSTEM_OUT_OF_MEMORY", True, pool(kill_myself, signal.SIGKILL)),
    Driven("child crashed", "UNKNOWN,SYSTEM_WORKER_LOST", True, pool(kill_myself, signal.SIGSEGV)),
    Driven("an exception that could not be pickled", "TRANSIENT_DATABASE", True, unpicklable_wrapper),
)


@pytest.mark.parametrize("case", WITHOUT_A_SERVER, ids=str)
def test_celery_failure_is_understood(case: Driven) -> None:
    check(case)


def declare(name: str, **options: Any) -> Any:
    def provoke(url: str) -> None:
        with kombu.Connection(url) as connection, connection.channel() as channel:
            channel.queue_declare("orders", durable=True, auto_delete=False)
            channel.queue_declare(name, **options)

    return provoke


def closed_by_operator(server: RabbitServer) -> Any:
    def provoke(url: str) -> None:
        with kombu.Connection(url) as connection:
            connection.connect()
            server.control("close_all_connections", "--vhost", url.rsplit("/", 1)[1], "driven")
            connection.drain_events(timeout=10)

    return provoke


def wrong_frame_order(url: str) -> None:
    with kombu.Connection(url) as connection, connection.channel() as channel:
        channel.basic_ack(17)
        connection.drain_events(timeout=10)


WITH_RABBITMQ = (
    Driven(
        "no such queue", "CONFIG_INVALID_SETTING,PERMANENT_NOT_FOUND", False, declare("absent", passive=True)
    ),
    Driven(
        "declared otherwise before",
        "CONFIG_INVALID_SETTING,PERMANENT_LOGIC",
        False,
        declare("orders", durable=False, auto_delete=False),
    ),
    Driven(
        "wrong password",
        "CONFIG_INVALID_SETTING,PERMANENT_PERMISSION",
        False,
        lambda url: kombu.Connection(url.replace("guest:guest", "guest:guessed")).connect(),
    ),
    Driven(
        "no such virtual host",
        "CONFIG_INVALID_SETTING,PERMANENT_PERMISSION,CONFIG_MISSING_SERVICE",
        False,
        lambda url: kombu.Connection(url.rsplit("/", 1)[0] + "/nowhere").connect(),
    ),
    Driven(
        "acknowledged twice",
        "PERMANENT_LOGIC,TRANSIENT_NETWORK,CONFIG_INVALID_SETTING",
        False,
        wrong_frame_order,
    ),
)


@pytest.fixture(scope="module")
def virtual_host(rabbitmq_server: RabbitServer) -> str:
    rabbitmq_server.start()
    return rabbitmq_server.create_virtual_host()


@pytest.mark.parametrize("case", WITH_RABBITMQ, ids=str)
def test_rabbitmq_failure_is_understood(case: Driven, virtual_host: str) -> None:
    check(case, virtual_host)


def test_connection_closed_by_the_operator_is_understood(
    virtual_host: str, rabbitmq_server: RabbitServer
) -> None:
    check(
        Driven("closed", "TRANSIENT_NETWORK,TRANSIENT_DATABASE", True, closed_by_operator(rabbitmq_server)),
        virtual_host,
    )
