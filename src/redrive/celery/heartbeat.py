"""One thread per process that renews the claims of running tasks."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from redrive.leases import StoreUnavailable
from redrive.process import leave_signals_to_main_thread

logger = logging.getLogger("redrive")

RENEWALS_PER_LEASE = 3
"""A claim is renewed this often before it would end, so that two renewals may fail."""
LATE_SECONDS = 2.0
"""Pause before a result that could not be recorded is tried again."""


class Renewable(Protocol):
    """A claim, as far as it has to be kept alive. Both methods raise StoreUnavailable."""

    claimed: Any

    @property
    def lease(self) -> timedelta: ...

    @property
    def task_id(self) -> str: ...

    def renew(self) -> None: ...

    def finish(self) -> None: ...


@dataclass(slots=True)
class _Entry:
    held: Renewable
    due: float
    finish_until: float | None = None
    """Set when the task is done and only its result is still to be recorded: when to give that up."""


@dataclass
class Heartbeat:
    """Keeps claims alive while their tasks run. The thread starts with the first claim and ends when none is left
    by the time the next renewal would be due. Where it cannot start, the next claim tries again. Thread-safe; a forked
    child begins with nothing."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    entries: dict[str, _Entry] = field(default_factory=dict)
    wake: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    next_due: float = 0.0
    """When the thread wakes up by itself; only those in a hurry wake it."""

    def add(self, held: Renewable) -> None:
        """Renew the claim from now on."""
        due = time.monotonic() + held.lease.total_seconds() / RENEWALS_PER_LEASE
        self._put(held, _Entry(held, due))

    def finish_later(self, held: Renewable) -> None:
        """The task is done, and its result could not be recorded: try again until its claim has long ended."""
        now = time.monotonic()
        patience = 60.0 + 2 * held.lease.total_seconds()
        self._put(held, _Entry(held, now + LATE_SECONDS, finish_until=now + patience))

    def remove(self, held: Renewable) -> None:
        """Stop renewing the claim."""
        with self.lock:
            self.entries.pop(held.claimed.token, None)

    def forget(self) -> None:
        """In a forked child: what was copied, the lock included, belongs to the parent."""
        self.lock, self.wake, self.entries, self.thread = threading.Lock(), threading.Event(), {}, None

    def _put(self, held: Renewable, entry: _Entry) -> None:
        with self.lock:
            self.entries[held.claimed.token] = entry
            if self.thread is None or not self.thread.is_alive():
                self._start(entry.due)
            elif entry.due < self.next_due:
                self.next_due = entry.due
                self.wake.set()

    def _start(self, due: float) -> None:
        self.next_due = min(due, *(entry.due for entry in self.entries.values()))
        self.thread = threading.Thread(target=self._run, name="redrive-claims", daemon=True)
        try:
            self.thread.start()
        except Exception:
            self.thread = None
            logger.exception(
                "redrive: claims are not renewed, no thread can be started; they end with their leases"
            )

    def _run(self) -> None:
        leave_signals_to_main_thread()
        while True:
            self.wake.wait(max(0.0, self.next_due - time.monotonic()))
            now = time.monotonic()
            with self.lock:
                self.wake.clear()
                if not self.entries:
                    self.thread = None
                    return
                due = [entry for entry in self.entries.values() if entry.due <= now]
            away: set[str] = set()
            for entry in due:
                self._try(entry, away)
            with self.lock:
                self.next_due = min((entry.due for entry in self.entries.values()), default=now)

    def _try(self, entry: _Entry, away: set[str]) -> None:
        """Renew or finish one claim. Results do not ask for a store that is ``away``: one of them has this time."""
        held = entry.held
        store: str = held.claimed.store
        pause = held.lease.total_seconds() / RENEWALS_PER_LEASE
        try:
            if entry.finish_until is None:
                held.renew()
            elif store in away:
                pause = LATE_SECONDS
            else:
                held.finish()
                self.remove(held)
        except StoreUnavailable as exc:
            what = "renewed" if entry.finish_until is None else "completed"
            logger.warning("redrive: the claim of %s could not be %s: %s", held.task_id, what, exc)
            pause = min(pause, LATE_SECONDS)
            away.add(store)
        except Exception:
            logger.exception("redrive: the claim of %s could not be renewed", held.task_id)
        entry.due = time.monotonic() + pause
        if entry.finish_until is not None and entry.due > entry.finish_until:
            self.remove(held)


heartbeat = Heartbeat()
os.register_at_fork(after_in_child=heartbeat.forget)
