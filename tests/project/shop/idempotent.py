"""Idempotent tasks for the conformance cases. Each notes its run; what it says about itself is what a case is about.

Leases are short, so that tests need not wait for a minute.
"""

from __future__ import annotations  # Celery 5.5's Task takes no type arguments at run time

import os
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from celery import shared_task
from django.db import transaction
from shop.models import Order
from shop.runs import note

from redrive import runtime
from redrive.celery import IdempotentTask, Options
from redrive.clock import SystemClock
from redrive.idempotency import ClaimIsLost

RESULTS: dict[str, Any] = {
    "none": None,
    "zero": 0,
    "text": "",
    "list": [],
    "false": False,
    "dict": {"paid": 1, "price": Decimal("9.90")},
    "large": "x" * 5_000_000,
}


class ShiftedClock(SystemClock):
    """A machine whose clock is wrong by so many seconds."""

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=float(os.environ["CLOCK_SHIFT"]))


if "CLOCK_SHIFT" in os.environ:
    runtime.clock = ShiftedClock()


def wait(path: str) -> None:
    from shop.tasks import wait_for

    wait_for(path)


def refused() -> None:
    from shop.tasks import refused

    refused()


@shared_task(base=IdempotentTask)
def returns(label: str, kind: str) -> Any:
    note("returns", label)
    return RESULTS[kind]


@shared_task(base=IdempotentTask, ignore_result=True)
def returns_a_set(label: str) -> set[int]:
    note("returns_a_set", label)
    return {1, 2}


@shared_task(base=IdempotentTask, idempotency_keep_result=False)
def secret(label: str) -> str:
    note("secret", label)
    return "the secret"


@shared_task(base=IdempotentTask, idempotency_ttl=4)
def brief(label: str) -> str:
    note("brief", label)
    return label


def _slow(self: Any, label: str, path: str) -> str:
    note("slow", label, fence=self.idempotency.fence if self.idempotency else None)
    wait(path)
    if self.idempotency is not None:
        try:
            self.idempotency.confirm()
        except ClaimIsLost:
            note("lost", label)
        except Exception as exc:
            note("unsure", label, why=type(exc).__name__)
    note("slow.end", label)
    return f"result of {self.request.id}"


@shared_task(base=IdempotentTask, bind=True, idempotency_lease=2)
def slow(self: Any, label: str, path: str) -> str:
    """Waits for a file; its duplicates wait for it."""
    return _slow(self, label, path)


@shared_task(base=IdempotentTask, bind=True, idempotency_lease=2, redrive=Options(critical=True))
def slow_critical(self: Any, label: str, path: str) -> str:
    return _slow(self, label, path)


@shared_task(base=IdempotentTask, bind=True, idempotency_lease=2, idempotency_on_running="skip")
def slow_skip(self: Any, label: str, path: str) -> str:
    return _slow(self, label, path)


@shared_task(base=IdempotentTask, bind=True, idempotency_lease=2, idempotency_on_running="raise")
def slow_raise(self: Any, label: str, path: str) -> str:
    return _slow(self, label, path)


@shared_task(base=IdempotentTask, bind=True, idempotency_lease=2, acks_late=True)
def slow_late(self: Any, label: str, path: str) -> str:
    """Acknowledged when done, so it comes back when its worker dies, or takes longer than the broker likes."""
    return _slow(self, label, path)


@shared_task(base=IdempotentTask, idempotency_lease=2, time_limit=1)
def hard_limited(label: str) -> str:
    """Killed by its hard time limit in its first run."""
    if note("hard_limited", label) == 1:
        wait("/nonexistent")
    return label


@shared_task(base=IdempotentTask, idempotency_lease=2, redrive=Options(critical=True))
def brief_critical(label: str) -> str:
    """Takes a fifth of a second, so that two runs at once would be seen."""
    import time

    note("brief_critical", label)
    time.sleep(0.2)
    note("brief_critical.end", label)
    return label


@shared_task(base=IdempotentTask, bind=True, max_retries=3)
def retries(self: Any, label: str, failures: int) -> str:
    run = note("retries", label, fence=self.idempotency.fence)
    if run <= failures:
        raise self.retry(exc=OSError(f"not yet: {label}"), countdown=0)
    return label


@shared_task(
    base=IdempotentTask,
    bind=True,
    autoretry_for=(OSError,),
    max_retries=3,
    retry_backoff=True,
    retry_jitter=False,
    idempotency_lease=2,
)
def autoretries(self: Any, label: str, failures: int) -> str:
    run = note("autoretries", label, fence=self.idempotency.fence, key=self.idempotency.claimed.key)
    if run <= failures:
        refused()
    return label


@shared_task(base=IdempotentTask, bind=True, max_retries=1)
def gives_up(self: Any, label: str, path: str) -> str:
    """Fails for good after one retry, until the file exists."""
    note("gives_up", label)
    if not os.path.exists(path):
        raise self.retry(exc=ValueError(f"not yet: {label}"), countdown=4)
    return label


@shared_task(base=IdempotentTask)
def invalid_until(label: str, path: str) -> str:
    note("idempotent_invalid", label)
    if not os.path.exists(path):
        raise ValueError(f"invalid quantity for {label}: -1")
    return label


@shared_task(base=IdempotentTask)
def in_transaction(label: str) -> str:
    """Leaves nothing in its first run: the row is rolled back."""
    run = note("in_transaction", label)
    with transaction.atomic():
        Order.objects.create(name=label)
        if run == 1:
            raise ValueError(f"rolled back {label}")
    return label


@shared_task(base=IdempotentTask, bind=True)
def shows_key(self: Any, label: str, value: Any = None) -> str:
    note("shows_key", label)
    return str(self.idempotency.claimed.key)


@shared_task(base=IdempotentTask, idempotency_scope="user")
def of_user(label: str, user_id: int | None = None) -> str:
    note("of_user", label)
    return label


@shared_task(base=IdempotentTask, idempotency_scope="device")
def of_device(label: str, machine: str = "") -> str:
    """Whose device it is, the setting SCOPES says: ``machine``."""
    note("of_device", label)
    return label


@shared_task(base=IdempotentTask, idempotency_scope="task")
def of_task(label: str) -> str:
    note("of_task", label)
    return label


@shared_task(base=IdempotentTask, idempotency_key=lambda arguments: f"order-{arguments['order']}")
def pay_order(order: str, amount: int) -> int:
    note("pay_order", order, amount=amount)
    return amount


@shared_task(base=IdempotentTask, idempotency_key="order")
def named(order: str, sent_at: str) -> str:
    note("named", order)
    return sent_at


@shared_task(base=IdempotentTask, bind=True, idempotency_lease=2)
def sends_itself(self: Any, label: str) -> str:
    if note("sends_itself", label) == 1:
        Order.objects.create(name=self.apply_async((label,)).id)
    return f"result of {self.request.id}"


@shared_task(base=IdempotentTask, idempotency_on_done="skip")
def skips_done(label: str) -> str:
    note("skips_done", label)
    return label


@shared_task(base=IdempotentTask, idempotency_on_done="raise")
def raises_done(label: str) -> str:
    note("raises_done", label)
    return label


@shared_task(base=IdempotentTask, idempotency_store_away="fail_open")
def fails_open(label: str) -> str:
    note("fails_open", label)
    return label


@shared_task(base=IdempotentTask, idempotency_store_away="fail_closed")
def fails_closed(label: str) -> str:
    note("fails_closed", label)
    return label


@shared_task
def collects(results: Any, label: str) -> Any:
    note("collects", label)
    return {"got": results}
