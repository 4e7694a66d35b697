"""Tasks for `make chaos`: each notes when its body begins, when it is done, and when Celery counts it as a success.

Imported by the worker only where the settings say so (`CELERY_IMPORTS`). What a task does is decided by its name and by
`request.retries`, never by what is in a file: ten thousand of them run.
"""

from __future__ import annotations  # Celery 5.5's Task takes no type arguments at run time

import json
import os
import signal
import socket
import time
from datetime import timedelta
from typing import Any

from celery import Task, current_task, shared_task, signals

from redrive.celery import IdempotentTask, Options, claiming

SAFE = Options(retry_safe=True)
CRITICAL = Options(retry_safe=True, critical=True)

if "CLAIM_SECONDS" in os.environ:
    # The claim of a killed process ends with its lease: a minute, which is longer than a reduced run takes.
    claiming.LEASE = timedelta(seconds=float(os.environ["CLAIM_SECONDS"]))
    claiming.RENEW_SECONDS = float(os.environ["CLAIM_SECONDS"]) / 3


def note(event: str, label: str, task: Any = None) -> None:
    """Append one line to RUNS_FILE, in one write, so that it is whole whatever happens next."""
    request = (task or current_task).request
    line = {
        "event": event,
        "label": label,
        "task_id": request.id,
        "retries": request.retries,
        "pid": os.getpid(),
        "at": time.time(),
    }
    handle = os.open(os.environ["RUNS_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, json.dumps(line).encode() + b"\n")
    os.close(handle)


def run(label: str, seconds: float = 0.0) -> str:
    note("begin", label)
    time.sleep(seconds)
    note("done", label)
    return label


def refused() -> None:
    """A real refused connection."""
    socket.create_connection(("127.0.0.1", 1), timeout=2).close()


@signals.task_success.connect
def _succeeded(sender: Any = None, **_: Any) -> None:
    request = sender.request
    if sender.name.startswith("shop.chaos."):
        replayed = getattr(request, "redrive_replayed", False)
        note("replayed" if replayed else "success", str(request.kwargs.get("label")), sender)


@shared_task(acks_late=True)
def late(*_: Any, label: str) -> str:
    return run(label)


@shared_task(acks_late=True)
def late_permanent(*, label: str) -> None:
    note("begin", label)
    raise ValueError(f"invalid quantity for {label}: -1")


@shared_task(bind=True, acks_late=True, redrive=SAFE)
def late_transient(self: Task[Any, Any], *_: Any, label: str) -> str:
    if self.request.retries < 1:
        note("begin", label)
        refused()
    return run(label)


@shared_task(acks_late=True, redrive=SAFE)
def late_slow(*, label: str, seconds: float) -> str:
    return run(label, seconds)


@shared_task(bind=True, acks_late=True, redrive=SAFE)
def late_killer(self: Task[Any, Any], *, label: str) -> str:
    """Kills its process the first time."""
    if self.request.retries < 1:
        note("begin", label)
        os.kill(os.getpid(), signal.SIGKILL)
    return run(label)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def poison(*, label: str) -> None:
    """Kills its process every time, and goes back to its queue."""
    note("begin", label)
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(base=IdempotentTask, acks_late=True, redrive=CRITICAL)
def idempotent(*, label: str) -> str:
    return run(label, 0.02)


@shared_task(bind=True, base=IdempotentTask, acks_late=True, redrive=CRITICAL)
def idempotent_transient(self: Task[Any, Any], *, label: str) -> str:
    if self.request.retries < 1:
        note("begin", label)
        refused()
    return run(label, 0.02)


@shared_task(redrive=CRITICAL)
def ledgered(*, label: str) -> str:
    """Acknowledged before it runs: only the ledger knows of it when its worker is killed."""
    return run(label, 0.05)


@shared_task
def early(*, label: str) -> str:
    return run(label)


@shared_task
def early_permanent(*, label: str) -> None:
    note("begin", label)
    raise ValueError(f"invalid quantity for {label}: -1")


@shared_task
def deep(*, label: str) -> None:
    """Fails far down, so that its traceback is long: two functions in turn, or Python would fold it."""
    _down(label, 40)


def _down(label: str, left: int) -> None:
    _further(label, left - 1)


def _further(label: str, left: int) -> None:
    if left <= 0:
        raise ValueError(f"invalid quantity for {label}: -1")
    _down(label, left - 1)
