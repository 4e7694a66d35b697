"""The same tasks for Redrive, celery-singleton and celery-once; ``CONTESTANT`` says which package.

Imported by the workers of ``bench/idempotency.py`` and, for its cases, by the publishing process.
"""

from __future__ import annotations

import datetime
import os
import time
from decimal import Decimal
from typing import Any
from uuid import UUID

from celery import Task
from django.db import transaction
from shop.celery import app
from shop.runs import note

CONTESTANT = os.environ["CONTESTANT"]
LEASE, TTL = 2, 4
"""Seconds: how long a lock outlives its holder where a case is about that, and how long a result stands."""
NOON = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.UTC)
RESULTS: dict[str, Any] = {
    "none": None,
    "zero": 0,
    "text": "",
    "list": [],
    "false": False,
    "large": "x" * 5_000_000,
}
PUBLISHED = [(1, 2), {1: "a", 2: "b"}, Decimal("1.50"), UUID(int=7), NOON, NOON.date(), b"\x00\xff"]


def declare(key: str | None = None, *, ends: bool = False, ttl: int = 3600) -> dict[str, Any]:
    """What a task declares with this contestant, as its documentation says.

    Args:
        key: the one argument that counts.
        ends: whether a lock ends after LEASE seconds if nobody renews it; Redrive's always do.
        ttl: seconds for which a result stands, where there is such a thing.
    """
    if CONTESTANT == "redrive":
        from redrive.celery import IdempotentTask

        named = {"idempotency_key": lambda arguments: f"by-{arguments[key]}"} if key else {}
        return {"base": IdempotentTask, "idempotency_lease": LEASE, "idempotency_ttl": ttl, **named}
    if CONTESTANT == "celery-singleton":
        from celery_singleton import Singleton

        app.conf.singleton_backend_url = os.environ["LOCK_URL"]
        return {"base": Singleton, "unique_on": key, "lock_expiry": LEASE if ends else None}
    if CONTESTANT == "celery-once":
        from celery_once import QueueOnce

        url = os.environ["LOCK_URL"]
        app.conf.ONCE = {"backend": "celery_once.backends.Redis", "settings": {"url": url}}
        once = {"graceful": True, "timeout": LEASE if ends else 3600} | ({"keys": [key]} if key else {})
        return {"base": QueueOnce, "once": once}
    return {}


def key_of(task: Any, *args: Any) -> str:
    """The key that the contestant's own function makes of a call."""
    if CONTESTANT == "redrive":
        return str(task.call_key(args))
    if CONTESTANT == "celery-singleton":
        return str(task.generate_lock(task.name, args, {}))
    return str(task.get_key(args, {}))


def send(task: Any, *args: Any, options: dict[str, Any] | None = None, **kwargs: Any) -> Any:
    """Publish as its package does; None where that refuses."""
    try:
        return task.apply_async(args, kwargs, **(options or {}))
    except Exception:
        return None


def _body(name: str, label: str, seconds: float) -> str:
    note(name, label)
    time.sleep(seconds)
    note(f"{name}.end", label)
    return label


@app.task(**declare())
def adds(label: str, b: Any = 2, seconds: float = 0) -> str:
    return f"{_body('adds', label, seconds)} {b}"


@app.task(**declare(ends=True))
def ends(label: str, seconds: float) -> str:
    return _body("ends", label, seconds)


@app.task(acks_late=True, **declare())
def late(label: str, seconds: float) -> str:
    return _body("late", label, seconds)


@app.task(bind=True, max_retries=3, **declare())
def retries(self: Task[Any, Any], label: str) -> str:
    if note("retries", label) < 3:
        raise self.retry(countdown=0)
    return label


@app.task(autoretry_for=(OSError,), default_retry_delay=0, **declare())
def autoretries(label: str) -> str:
    if note("autoretries", label) < 3:
        raise OSError(label)
    return label


@app.task(bind=True, max_retries=1, **declare())
def gives_up(self: Task[Any, Any], label: str) -> None:
    note("gives_up", label)
    raise self.retry(exc=ValueError(label), countdown=4)


@app.task(time_limit=1, **declare())
def hard_limited(label: str) -> None:
    note("hard_limited", label)
    time.sleep(30)


@app.task(**declare())
def fails(label: str) -> None:
    note("fails", label)
    raise ValueError(label)


@app.task(**declare())
def rolled_back(label: str) -> None:
    note("rolled_back", label)
    with transaction.atomic():
        raise ValueError(label)


@app.task(**declare())
def returns(label: str, kind: str) -> Any:
    note("returns", label)
    return RESULTS[kind]


@app.task(ignore_result=True, **declare())
def returns_a_set(label: str) -> set[int]:
    note("returns_a_set", label)
    return {1}


@app.task(**declare())
def takes(label: str, value: Any) -> None:
    note("takes", label)


@app.task(bind=True, **declare())
def shows_key(self: Any, label: str, value: Any) -> str:
    return key_of(self, *self.request.args)


@app.task(**declare("order"))
def pays(order: str, amount: int) -> int:
    note("pays", order)
    time.sleep(2)
    return amount


@app.task(**declare(ttl=TTL))
def stands(label: str) -> str:
    note("stands", label)
    return label


@app.task(bind=True, **declare())
def sends_itself(self: Any, label: str) -> str:
    if note("sends_itself", label) > 1:
        return "ran twice"
    sent = send(self, label)
    return str(sent and sent.id)


@app.task
def collects(results: list[Any]) -> list[Any]:
    return results


@app.task(**declare())
def nothing(number: int) -> None:
    pass


if CONTESTANT == "redrive":

    @app.task(**declare() | {"idempotency_scope": "user"})
    def of_user(label: str, user_id: int | None = None) -> None:
        note("of_user", label)
