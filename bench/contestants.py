"""The same tasks for Redrive, celery-singleton and celery-once, and the cases that a stranger can see from outside.

Imported by the workers of ``bench/idempotency.py`` and by its publishing process; ``CONTESTANT`` says which package.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import Task
from shop.celery import app
from shop.runs import note, read

CONTESTANT = os.environ["CONTESTANT"]
WAIT_SECONDS = 30


def base() -> dict[str, Any]:
    """What a task declares with this contestant, as its documentation says."""
    if CONTESTANT == "redrive":
        from redrive.celery import IdempotentTask

        return {"base": IdempotentTask, "idempotency_lease": 2}
    if CONTESTANT == "celery-singleton":
        from celery_singleton import Singleton

        app.conf.singleton_backend_url = os.environ["LOCK_URL"]
        return {"base": Singleton}
    if CONTESTANT == "celery-once":
        from celery_once import QueueOnce

        url = os.environ["LOCK_URL"]
        app.conf.ONCE = {
            "backend": "celery_once.backends.Redis",
            "settings": {"url": url, "default_timeout": 3600},
        }
        return {"base": QueueOnce, "once": {"graceful": True}}
    return {}


OPTIONS = base()


@app.task(**OPTIONS)
def adds(label: str, b: Any = 2, seconds: float = 0) -> str:
    note("adds", label)
    time.sleep(seconds)
    return f"{label} {b}"


@app.task(bind=True, max_retries=3, **OPTIONS)
def retries(self: Task[Any, Any], label: str) -> str:
    if note("retries", label) < 3:
        raise self.retry(countdown=0)
    return label


@app.task(**OPTIONS)
def fails(label: str) -> None:
    note("fails", label)
    raise ValueError(label)


@app.task(**OPTIONS)
def zero(label: str) -> int:
    note("zero", label)
    return 0


@app.task(**OPTIONS)
def takes(label: str, value: Any) -> None:
    note("takes", label)


@app.task(**OPTIONS)
def nothing(number: int) -> None:
    pass


def runs(name: str, label: str) -> int:
    """How often a body ran."""
    found = read(Path(os.environ["RUNS_FILE"]))
    return sum(run["task"] == name and run["label"] == label for run in found)


def wait_for(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def send(task: Any, *args: Any, **kwargs: Any) -> Any:
    """Publish as its package does; None where that refuses."""
    try:
        return task.apply_async(args, kwargs)
    except Exception:
        return None


def settled(name: str, label: str, count: int) -> bool:
    """Whether a body ran that often, and not once more within a second."""
    wait_for(lambda: runs(name, label) >= count)
    time.sleep(1)
    return runs(name, label) == count


def case_1() -> bool:
    first = send(adds, "sequential").get(timeout=WAIT_SECONDS)
    time.sleep(0.5)  # a lock is freed after the result is there
    again = send(adds, "sequential")
    return again is not None and again.get(timeout=WAIT_SECONDS) == first and settled("adds", "sequential", 1)


def case_2() -> bool:
    for _ in range(20):
        send(adds, "together", seconds=1)
    return settled("adds", "together", 1)


def case_3() -> bool:
    send(retries, "retried")
    return wait_for(lambda: runs("retries", "retried") == 3) and settled("retries", "retried", 3)


def case_5() -> bool:
    """Only its second half: after a call has given up, the same call runs."""
    send(fails, "given up")
    wait_for(lambda: runs("fails", "given up") == 1)
    time.sleep(1)
    send(fails, "given up")
    return settled("fails", "given up", 2)


def case_12() -> bool:
    for args, kwargs in (
        (("bound", 2), {}),
        (("bound",), {"b": 2}),
        ((), {"label": "bound", "b": 2}),
        (("bound",), {}),
    ):
        send(adds, *args, **kwargs)
        time.sleep(0.3)
    return settled("adds", "bound", 1)


def case_13() -> bool:
    for value in (True, 1, 1.0, "1", None, "None", [1, 2], [2, 1], {"a": {"b": 1}}, {"a.b": 1}):
        send(takes, "distinct", value)
    return settled("takes", "distinct", 10)


def case_21() -> bool:
    send(zero, "falsy").get(timeout=WAIT_SECONDS)
    time.sleep(0.5)
    again = send(zero, "falsy")
    return again is not None and again.get(timeout=WAIT_SECONDS) == 0 and settled("zero", "falsy", 1)


CASES = {
    "1 sequential duplicate gets the first result": case_1,
    "2 twenty at once run once": case_2,
    "3 retry() twice, then success: three runs": case_3,
    "5, 9 after a failure the same call runs again": case_5,
    "12 however arguments are written, one key": case_12,
    "13 other values, other keys": case_13,
    "21 a falsy result is replayed": case_21,
}


def judge() -> dict[str, bool]:
    """Every case; one that raises is not passed."""
    found = {}
    for name, case in CASES.items():
        try:
            found[name] = case()
        except Exception:
            found[name] = False
    return found


def publish(first: int, count: int) -> None:
    """Publish calls that all differ."""
    for number in range(first, first + count):
        nothing.delay(number)
