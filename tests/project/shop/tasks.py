"""Tasks that end in every way a task can. Each notes its run first; the name says how it ends.

Those that need a condition take the path of a file and wait until it exists, so that a test decides the
moment.
"""

from __future__ import annotations  # Celery 5.5's Task takes no type arguments at run time

import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore, Reject
from django.db import connection, transaction
from shop.models import Order
from shop.runs import note

from redrive.celery import IdempotentTask, Options
from redrive.runtime import retry_engine

_SECONDS_UNTIL_A_TEST_IS_GONE = 60


def wait_for(path: str) -> None:
    """Return when the file exists; give up when the test that would make it must be gone."""
    deadline = time.monotonic() + _SECONDS_UNTIL_A_TEST_IS_GONE
    while not Path(path).exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"nobody made {path}")
        time.sleep(0.02)


def refused() -> None:
    """A real refused connection: nothing can listen on port 1 without being root and asking for it."""
    socket.create_connection(("127.0.0.1", 1), timeout=2).close()


@shared_task
def succeed(label: str, **more: object) -> str:
    note("succeed", label, **more)
    return label


@shared_task
def add_payment(label: str) -> int:
    """Raise an order's counter, in SQL: shows a body that ran twice."""
    note("add_payment", label)
    with transaction.atomic():
        order, _ = Order.objects.select_for_update().get_or_create(name=label)
        order.paid_times += 1
        order.save()
    return order.paid_times


@shared_task
def wait_then_succeed(label: str, path: str) -> str:
    note("wait_then_succeed", label)
    wait_for(path)
    return label


@shared_task
def invalid_input(label: str, **more: object) -> None:
    note("invalid_input", label, **more)
    raise ValueError(f"invalid quantity for {label}: -1")


@shared_task
def missing_row(label: str) -> None:
    note("missing_row", label)
    Order.objects.get(name=f"no such order {label}")


@shared_task
def missing_setting(label: str) -> None:
    note("missing_setting", label)
    os.environ[f"SHOP_KEY_{label}"]


@shared_task
def disk_full(label: str) -> None:
    note("disk_full", label)
    with open("/dev/full", "wb", buffering=0) as full:
        full.write(b"a report")


@shared_task
def connection_refused(label: str) -> None:
    """Transient, not declared safe to run again."""
    note("connection_refused", label)
    refused()


@shared_task(redrive=Options(retry_safe=True))
def recovers(label: str, failures: int = 1) -> str:
    """Declared safe to run again: fails `failures` times with a refused connection, then works."""
    if note("recovers", label) <= failures:
        refused()
    return label


@shared_task
def recovers_undeclared(label: str, failures: int = 1) -> str:
    if note("recovers_undeclared", label) <= failures:
        refused()
    return label


@shared_task(redrive=Options(retry_safe=True))
def fails_until(label: str, path: str) -> str:
    """Declared safe: fails with a refused connection until the file exists."""
    note("fails_until", label)
    if not Path(path).exists():
        refused()
    return label


@shared_task
def invalid_until(label: str, path: str) -> str:
    """Fails for good until the file exists, as a bug does until it is fixed."""
    note("invalid_until", label)
    if not Path(path).exists():
        raise ValueError(f"cannot read {label}")
    return label


@shared_task(redrive=Options(retry_safe=True))
def deadlock(label: str, first: str, second: str, mine: str, theirs: str) -> str:
    """Lock two orders.

    Two of these with the names swapped, each waiting for the other's file, deadlock for real.
    """
    run = note("deadlock", label)
    with transaction.atomic():
        Order.objects.select_for_update().get(name=first)
        Path(mine).touch()
        if run == 1:
            wait_for(theirs)
        Order.objects.select_for_update().get(name=second)
    return label


@shared_task
def fails_in_transaction(label: str) -> None:
    """Leaves nothing behind: the row is rolled back before anyone hears of the failure."""
    note("fails_in_transaction", label)
    with transaction.atomic():
        Order.objects.create(name=label)
        raise ValueError(f"rolled back {label}")


@shared_task
def leaves_autocommit_off(label: str) -> None:
    """The host's connection is left in a transaction that is never committed."""
    note("leaves_autocommit_off", label)
    connection.set_autocommit(False)
    Order.objects.create(name=label)
    raise ValueError(f"left a transaction open for {label}")


class TwoArguments(Exception):  # noqa: N818 - named for what makes it unpicklable
    """Does not survive pickling, like the errors of many vendors' libraries."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")


@shared_task
def unpicklable_error(label: str) -> None:
    note("unpicklable_error", label)
    raise TwoArguments(402, f"card declined for {label}")


@shared_task
def unserializable_result(label: str) -> object:
    note("unserializable_result", label)
    return object()


class NotAnException(BaseException):
    """Leaves a task by a door that `except Exception` does not watch."""


@shared_task
def base_exception(label: str) -> None:
    note("base_exception", label)
    raise NotAnException(label)


@shared_task(soft_time_limit=1)
def soft_limit(label: str) -> None:
    note("soft_limit", label)
    wait_for("/nonexistent")


@shared_task(time_limit=1)
def hard_limit(label: str) -> None:
    note("hard_limit", label)
    wait_for("/nonexistent")


@shared_task
def killed(label: str) -> None:
    note("killed", label)
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def killed_and_requeued(label: str) -> None:
    """A poison message: kills its process, goes back to the queue, kills the next."""
    note("killed_and_requeued", label)
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(bind=True, acks_late=True, redrive=Options(retry_safe=True))
def dies_before_its_chord_hears(self: Task[Any, Any], label: str, failures: int = 0) -> str:
    """Succeeds after its failures. Its process is killed when the result is stored, and the chord not yet told."""
    note("dies_before_its_chord_hears", label)
    if self.request.retries < failures:
        refused()
    self.app.backend.on_chord_part_return = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
    return label


@shared_task
def exits(label: str) -> None:
    note("exits", label)
    sys.exit(3)


@shared_task(bind=True, acks_late=True)
def wait_late(self: Task[Any, Any], label: str, path: str) -> str:
    """Acknowledged when done: comes back when its worker is killed."""
    note("wait_late", label)
    wait_for(path)
    return label


@shared_task(bind=True, max_retries=3)
def retry_by_hand(self: Task[Any, Any], label: str, failures: int = 1, countdown: float = 0) -> str:
    if note("retry_by_hand", label) <= failures:
        try:
            refused()
        except OSError as error:
            raise self.retry(exc=error, countdown=countdown) from error
    return label


@shared_task(autoretry_for=(OSError,), max_retries=2, default_retry_delay=0)
def autoretry(label: str, failures: int = 1) -> str:
    if note("autoretry", label) <= failures:
        refused()
    return label


@shared_task
def ignored(label: str) -> None:
    note("ignored", label)
    raise Ignore


@shared_task(acks_late=True)
def rejected(label: str) -> None:
    note("rejected", label)
    raise Reject(f"not wanted: {label}", requeue=False)


@shared_task
def rejected_with_requeue_after_ack(label: str) -> None:
    """Silently lost by Celery: acknowledged before it ran, so that there is nothing left to put back."""
    note("rejected_with_requeue_after_ack", label)
    raise Reject(f"later: {label}", requeue=True)


class OwnBase(Task):  # type: ignore[type-arg] # the run-time class takes no type arguments here
    """A host's own base class, not derived from ours."""

    abstract = True


@shared_task(base=OwnBase)
def own_base_class(label: str) -> None:
    note("own_base_class", label)
    raise ValueError(f"from a task with its own base class: {label}")


@shared_task(base=IdempotentTask, bind=True)
def documented_style(self: Task[Any, Any], label: str, failures: int, kind: str) -> str:
    """The hand-written style of the documentation, with a real failure: a deadlock's or a refused connection."""
    if note("documented_style", label, retries=self.request.retries) > failures:
        return label
    try:
        if kind == "deadlock":
            deadlock_with_myself(label)
        refused()
    except Exception as exc:
        policy = retry_engine.get_retry_policy(self.name, exc, {"retry_count": self.request.retries})
        if policy.max_retries > 0:
            raise self.retry(
                exc=exc, countdown=retry_engine.calculate_next_retry(policy, self.request.retries)
            ) from exc
        raise
    return label


def deadlock_with_myself(label: str) -> None:
    """A real deadlock: two connections of this process lock two rows in opposite order."""
    names = [f"{label} left", f"{label} right"]
    for name in names:
        Order.objects.get_or_create(name=name)
    locked = threading.Barrier(2, timeout=10)

    def lock(first: str, second: str) -> None:
        with transaction.atomic():
            Order.objects.select_for_update().get(name=first)
            locked.wait()
            Order.objects.select_for_update().get(name=second)

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(lock, *names), pool.submit(lock, *reversed(names))]
    for one in waiting:
        one.result()


@shared_task(base=IdempotentTask)
def once(label: str, path: str = "") -> str:
    """Idempotent: the same call runs once; with a path it waits for that file first."""
    note("once", label)
    if path:
        wait_for(path)
    return f"result of {label}"


@shared_task
def calls_once(label: str) -> None:
    """Publishes another task."""
    once.delay(label)


@shared_task(bind=True, redrive=Options(retry_safe=True), acks_late=True)
def slow_on_retry(self: Task[Any, Any], label: str, path: str) -> str:
    """Declared safe: fails at first, and waits for a file when it runs again."""
    note("slow_on_retry", label)
    if not self.request.retries:
        refused()
    wait_for(path)
    return label


@shared_task(redrive=Options(retry_safe=True))
def completes_once_open(label: str, path: str, gate: str) -> str:
    """Declared safe: fails until the file exists, then waits for the gate; its run is noted when it is complete."""
    if not Path(path).exists():
        refused()
    wait_for(gate)
    note("completes_once_open", label)
    return label


@shared_task(bind=True, base=OwnBase)
def own_base_retry(self: Task[Any, Any], label: str, failures: int) -> str:
    """A host's own base class that retries by Celery's own means."""
    if note("own_base_retry", label) <= failures:
        raise self.retry(exc=ValueError(f"not yet: {label}"), countdown=1, max_retries=5)
    return label


@shared_task(bind=True, redrive=Options(retry_safe=True))
def changes_its_arguments(self: Task[Any, Any], label: str, number: int = 1) -> int:
    """Retries itself with another argument."""
    note("changes_its_arguments", label, number=number)
    if number == 1:
        raise self.retry(args=[label, 2], exc=ValueError("again with two"), countdown=0)
    return number


@shared_task
def expires_soon(label: str) -> str:
    note("expires_soon", label)
    return label


@shared_task(base=IdempotentTask)
def leaves_by_system_exit(label: str) -> None:
    """Ends the process under its own claim, the first time."""
    if note("leaves_by_system_exit", label) == 1:
        sys.exit(1)


@shared_task(redrive=Options(retry_safe=True))
def wait_then_succeed_safely(label: str, path: str) -> str:
    note("wait_then_succeed_safely", label)
    wait_for(path)
    return label


@shared_task
def mark(label: str) -> None:
    """Note a moment, and nothing else."""
    note("mark", label)


@shared_task
def nothing() -> None:
    """The least that a task can do."""


@shared_task
def fails_quickly(number: int) -> None:
    raise ValueError(f"no such quantity: {number}")


@shared_task(redrive=Options(retry_safe=True, downstream="bank"))
def pay(label: str, url: str) -> str:
    """Ask the bank at `url`; its answer decides."""
    note("pay", label)
    with urllib.request.urlopen(url, timeout=25) as answer:
        answer.read()
    return label
