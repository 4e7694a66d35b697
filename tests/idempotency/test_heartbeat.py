"""The thread that keeps claims alive: it renews in time, and is gone when there is nothing to renew."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from redrive.celery.heartbeat import Heartbeat, _Entry
from redrive.leases import StoreUnavailable
from tests.waiting import wait_until


@dataclass
class Token:
    token: str
    store: str = "primary"


@dataclass
class Claim:
    token: str = "run"
    lease: timedelta = timedelta(seconds=0.06)
    store: str = "primary"
    task_id: str = "t"
    renewals: int = 0
    away: int = 0
    finished: list[str] = field(default_factory=list)

    @property
    def claimed(self) -> Token:
        return Token(self.token, self.store)

    def renew(self) -> None:
        self.renewals += 1

    def finish(self) -> None:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("away")
        self.finished.append(self.token)


def test_a_claim_is_renewed_until_it_is_removed_and_the_thread_ends() -> None:
    """Case 10 of the conformance list: no thread is left of a task that is over."""
    heartbeat, claim = Heartbeat(), Claim()

    heartbeat.add(claim)

    wait_until(lambda: claim.renewals >= 3, 10, "three renewals")
    thread = heartbeat.thread
    assert thread is not None
    heartbeat.remove(claim)
    wait_until(lambda: not thread.is_alive(), 10, "the thread has ended")
    assert heartbeat.thread is None


def test_a_shorter_lease_does_not_wait_for_a_longer_one() -> None:
    heartbeat, slow, quick = Heartbeat(), Claim("slow", timedelta(hours=1)), Claim("quick")
    heartbeat.add(slow)

    heartbeat.add(quick)

    wait_until(lambda: quick.renewals >= 2, 10, "renewals of the shorter lease")
    assert slow.renewals == 0
    heartbeat.remove(slow)
    heartbeat.remove(quick)
    wait_until(lambda: heartbeat.thread is None, 10, "the thread has ended")


def test_after_its_end_the_thread_starts_again_with_the_next_claim() -> None:
    heartbeat, first, second = Heartbeat(), Claim("first"), Claim("second")
    heartbeat.add(first)
    heartbeat.remove(first)
    wait_until(lambda: heartbeat.thread is None, 10, "the thread has ended")

    heartbeat.add(second)

    wait_until(lambda: second.renewals >= 1, 10, "a renewal")
    heartbeat.remove(second)
    wait_until(lambda: heartbeat.thread is None, 10, "the thread has ended")


def test_a_result_that_could_not_be_recorded_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redrive.celery.heartbeat.LATE_SECONDS", 0.02)
    heartbeat, claim = Heartbeat(), Claim(away=2)

    heartbeat.finish_later(claim)

    wait_until(lambda: claim.finished == ["run"], 10, "the result is recorded")
    wait_until(lambda: heartbeat.thread is None, 10, "the thread has ended")


def test_where_a_store_refuses_one_result_the_others_do_not_ask_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands may wait for a store that is away, and each would ask the database as well."""
    monkeypatch.setattr("redrive.celery.heartbeat.LATE_SECONDS", 0.02)
    heartbeat, away = Heartbeat(), set[str]()
    first, second, other = Claim("first", away=99), Claim("second", away=99), Claim("other", store="durable")
    for claim in (first, second, other):
        heartbeat.entries[claim.token] = _Entry(claim, 0.0, finish_until=float("inf"))

    for entry in list(heartbeat.entries.values()):
        heartbeat._try(entry, away)

    assert (first.away, second.away, other.finished) == (98, 99, ["other"])
    assert list(heartbeat.entries) == ["first", "second"]


def test_a_thread_that_cannot_start_raises_nothing_and_the_next_claim_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    heartbeat, first, second = Heartbeat(), Claim("first"), Claim("second")
    with monkeypatch.context() as limit:
        limit.setattr(threading.Thread, "start", refuse)
        heartbeat.add(first)

    heartbeat.add(second)

    wait_until(lambda: first.renewals and second.renewals, 10, "both are renewed")
    heartbeat.remove(first)
    heartbeat.remove(second)
    wait_until(lambda: heartbeat.thread is None, 10, "the thread has ended")


def test_a_thread_that_has_died_is_replaced() -> None:
    heartbeat, claim = Heartbeat(), Claim()
    heartbeat.thread = threading.Thread(target=str)

    heartbeat.add(claim)

    wait_until(lambda: claim.renewals, 10, "a renewal")
    heartbeat.remove(claim)
    wait_until(lambda: heartbeat.thread is None, 10, "the thread has ended")


def test_a_forked_child_has_nothing_of_its_parent() -> None:
    heartbeat = Heartbeat()
    heartbeat.entries["x"] = None  # type: ignore[assignment]  # whatever it is, it is the parent's
    heartbeat.thread = threading.current_thread()

    heartbeat.forget()

    assert (heartbeat.entries, heartbeat.thread) == ({}, None)
