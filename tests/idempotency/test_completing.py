"""A body that has ended is a success, whatever happens while its result is recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded

from redrive import runtime
from redrive.celery import claiming
from redrive.celery.heartbeat import heartbeat
from redrive.idempotency import Claimed, Claims, Declared, Done
from redrive.leases import Guess, StoreUnavailable
from redrive.testing import FakeClock, MemoryLeaseStore
from tests.waiting import wait_until

MINUTE = timedelta(seconds=60)


class Interrupted(MemoryLeaseStore):
    """A store during whose next change the soft time limit strikes."""

    strikes = 0

    def transact(self, kind: str, key: str, change: Any, *, guess: Guess | None = None) -> Any:
        if self.strikes:
            self.strikes -= 1
            raise SoftTimeLimitExceeded
        return super().transact(kind, key, change, guess=guess)


def test_a_soft_time_limit_while_the_result_is_recorded_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("redrive.celery.heartbeat.LATE_SECONDS", 0.02)
    store = Interrupted(FakeClock(datetime(2026, 1, 1, 12, tzinfo=UTC)))
    claims = Claims(store)
    monkeypatch.setattr(runtime, "claims", lambda: claims)
    claimed = claims.claim("k", task_id="t1", token="run1", ttl=MINUTE)
    assert isinstance(claimed, Claimed)
    store.strikes = 1

    claiming.complete(claiming.Held(claimed, "pay", Declared()), {"paid": 1})

    wait_until(lambda: not heartbeat.entries, 10, "the result is recorded after all")
    answer = claims.claim("k", task_id="t2", token="run2", ttl=MINUTE)
    assert isinstance(answer, Done)
    assert answer.result == {"paid": 1}


class Switchable(MemoryLeaseStore):
    away = False

    def transact(self, kind: str, key: str, change: Any, *, guess: Guess | None = None) -> Any:
        if self.away:
            raise StoreUnavailable("switched off")
        return super().transact(kind, key, change, guess=guess)


def test_a_result_made_while_redis_was_away_is_brought_to_it_for_what_is_left_of_its_ttl(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those who did not notice the absence look nowhere else, and would run the call again."""
    monkeypatch.setattr("redrive.celery.heartbeat.LATE_SECONDS", 0.02)
    clock = FakeClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
    redis, sql = Switchable(clock), MemoryLeaseStore(clock)
    claims = Claims(redis, sql, clock=clock)
    monkeypatch.setattr(runtime, "claims", lambda: claims)
    monkeypatch.setattr(runtime, "clock", clock)
    redis.away = True
    claimed = claims.claim("k", task_id="t1", token="run1", ttl=MINUTE)
    assert isinstance(claimed, Claimed)

    claiming.complete(claiming.Held(claimed, "pay", Declared(ttl=3600)), {"paid": 1})
    clock.advance(seconds=1800)
    redis.away = False

    wait_until(lambda: not heartbeat.entries, 10, "the result is brought over")
    unaware = Claims(redis, sql, clock=clock)
    clock.advance(seconds=1799)
    answer = unaware.claim("k", task_id="t2", token="run2", ttl=MINUTE)
    assert isinstance(answer, Done)
    assert answer.result == {"paid": 1}
    clock.advance(seconds=1)
    assert isinstance(unaware.claim("k", task_id="t3", token="run3", ttl=MINUTE), Claimed)
