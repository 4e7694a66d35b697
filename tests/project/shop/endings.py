"""Tasks for the endings that `shop.tasks` has no task for: one per row of the table of endings.

Loaded by the Celery setting `imports`, in the tests of that table only.
"""

from __future__ import annotations  # Celery 5.5's Task takes no type arguments at run time

import ctypes
import os
import signal
from typing import Any

from celery import Task, shared_task
from celery.exceptions import Ignore, Reject
from celery.signals import task_failure, task_postrun, task_prerun
from kombu import Connection
from shop.runs import note
from shop.tasks import OwnBase, refused, wait_for

from redrive.celery import Options, RedriveTask


class BeforeStartRaises(RedriveTask):
    abstract = True

    def before_start(self, *_: Any) -> None:
        raise LookupError("before_start found nothing")


class OnFailureRaises(RedriveTask):
    abstract = True

    def on_failure(self, *_: Any) -> None:
        raise RuntimeError("the hook's own fault")


class OwnOnFailureRaises(OwnBase):
    abstract = True

    def on_failure(self, *_: Any) -> None:
        raise RuntimeError("the hook's own fault")


class OnSuccessRaises(RedriveTask):
    abstract = True

    def on_success(self, *_: Any) -> None:
        raise RuntimeError("on_success could not tell the shop")


class AfterReturnRaises(RedriveTask):
    abstract = True

    def after_return(self, *_: Any) -> None:
        raise RuntimeError("after_return could not tidy up")


@shared_task(base=BeforeStartRaises)
def before_start_raises(label: str) -> None:
    note("before_start_raises", label)


@shared_task(base=OnFailureRaises)
def on_failure_raises(label: str) -> None:
    raise ValueError(f"invalid quantity for {label}")


@shared_task(base=OwnOnFailureRaises)
def own_on_failure_raises(label: str) -> None:
    raise ValueError(f"invalid quantity for {label}")


@shared_task(base=OnSuccessRaises)
def on_success_raises(label: str) -> None:
    note("on_success_raises", label)


@shared_task(base=AfterReturnRaises)
def after_return_raises(label: str) -> None:
    note("after_return_raises", label)


@shared_task(bind=True, max_retries=0)
def retries_without_exc(self: Task[Any, Any], label: str) -> None:
    try:
        refused()
    except OSError:
        self.retry()


@shared_task(bind=True, base=OwnBase, max_retries=0)
def own_retries_without_exc(self: Task[Any, Any], label: str) -> None:
    try:
        refused()
    except OSError:
        self.retry()


@shared_task(bind=True, max_retries=0)
def retries_with_exc(self: Task[Any, Any], label: str) -> None:
    try:
        refused()
    except OSError as exc:
        self.retry(exc=exc)


def nowhere() -> Connection:
    """A broker that refuses the connection."""
    return Connection("amqp://127.0.0.1:1//", connect_timeout=1)


def _retry_without_broker(self: Task[Any, Any], label: str, name: str) -> str:
    if note(name, label) > 1:
        return label
    try:
        refused()
    except OSError as exc:
        raise self.retry(exc=exc, countdown=0, connection=nowhere(), retry=False) from exc
    return label


@shared_task(bind=True)
def retry_without_broker(self: Task[Any, Any], label: str) -> str:
    return _retry_without_broker(self, label, "retry_without_broker")


@shared_task(bind=True, base=OwnBase)
def own_retry_without_broker(self: Task[Any, Any], label: str) -> str:
    return _retry_without_broker(self, label, "own_retry_without_broker")


@shared_task(acks_late=True)
def requeues_itself(label: str, times: int) -> None:
    """Puts its message back so many times, on purpose, as one does that waits for something."""
    if note("requeues_itself", label) <= times:
        raise Reject(f"not yet: {label}", requeue=True)


@shared_task
def leaves_by_os_exit(label: str) -> None:
    os._exit(7)


@shared_task
def segfaults(label: str) -> None:
    ctypes.string_at(0)


@shared_task(bind=True, retry_on_worker_lost=True, max_retries=1, default_retry_delay=0)
def killed_and_sent_again(self: Task[Any, Any], label: str, times: int) -> str:
    if note("killed_and_sent_again", label) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return label


@shared_task(base=OwnBase, acks_late=True, reject_on_worker_lost=True)
def own_killed_and_requeued(label: str) -> None:
    """A poison message of a task with a base class of its own."""
    note("own_killed_and_requeued", label)
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(time_limit=1, acks_late=True)
def hard_limit_late(label: str) -> None:
    wait_for("/nonexistent")


@shared_task
def interrupts(label: str) -> None:
    raise KeyboardInterrupt


@shared_task
def memory_error(label: str) -> None:
    raise MemoryError("no memory for the report")


@shared_task
def gives_up(label: str) -> None:
    note("gives_up", label)
    raise Ignore


@shared_task(redrive=Options(critical=True))
def wait_ledgered(label: str, path: str) -> None:
    """Acknowledged early, and in the ledger because it is critical."""
    note("wait_ledgered", label)
    wait_for(path)


@shared_task
def receivers_raise(label: str) -> None:
    raise ValueError(f"invalid quantity for {label}")


@task_prerun.connect
@task_postrun.connect
@task_failure.connect
def broken_receiver(sender: Any = None, **_: Any) -> None:
    """A host's receiver with a bug."""
    if sender is not None and sender.name == "shop.endings.receivers_raise":
        raise RuntimeError("a receiver of the host")


@shared_task
def outgrows_its_memory(label: str) -> int:
    """Takes memory until somebody ends the process."""
    kept = []
    while True:
        kept.append(bytearray(b"x") * (16 * 1024 * 1024))
