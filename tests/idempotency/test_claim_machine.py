"""Whatever happens in whatever order, on every store: one live owner per key, and a stale one changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from redrive.idempotency import CLAIM_KIND, Claimed, ClaimLost, Claims, Completed, Done, Running
from redrive.leases import Lease, LeaseStore
from redrive.stores.redis import RedisConnection, RedisLeaseStore
from redrive.stores.sql.connection import Database
from redrive.stores.sql.leases import SqlLeaseStore
from redrive.testing import FakeClock, MemoryLeaseStore
from tests.servers import ValkeyServer
from tests.waiting import wait_until

OWNERS = st.integers(0, 3)


class World:
    """A store, and how its leases are brought to an end."""

    def __init__(self, store: LeaseStore, lease: timedelta, expire: Callable[[str], None]) -> None:
        self.store = store
        self.lease = lease
        self.expire = expire


def machine_for(make: Callable[[], World]) -> type[RuleBasedStateMachine]:
    class ClaimMachine(RuleBasedStateMachine):
        """Four runs that claim one key. ``holder`` is whose live claim it is, as the answers so far say."""

        def __init__(self) -> None:
            super().__init__()
            self.world = make()
            self.claims = Claims(self.world.store)
            self.key = uuid.uuid4().hex
            self.mine: dict[int, Claimed] = {}
            self.holder: int | None = None
            self.waiting: int | None = None
            self.done: Any = None
            self.is_done = False
            self.highest = 0
            self.runs = 0

        @rule(who=OWNERS)
        def claim(self, who: int) -> None:
            self.runs += 1
            answer = self.claims.claim(
                self.key, task_id=f"task-{who}", token=f"run-{self.runs}", ttl=self.world.lease
            )
            if self.is_done:
                assert isinstance(answer, Done)
                assert answer.result == self.done
            elif self.holder is not None or self.waiting not in (None, who):
                assert isinstance(answer, Running)
            else:
                assert isinstance(answer, Claimed)
                assert answer.fence > self.highest
                self.mine[who], self.holder, self.waiting, self.highest = answer, who, None, answer.fence

        @rule(who=OWNERS)
        def renew(self, who: int) -> None:
            if who in self.mine:
                answer = self._as(who, lambda mine: self.claims.renew(mine, ttl=self.world.lease))
                if isinstance(answer, Claimed):
                    self.mine[who] = answer

        @rule(who=OWNERS, result=st.integers())
        def complete_or_save_late(self, who: int, result: int) -> None:
            """A run whose claim ended may still say that the work is done, unless somebody holds or did it since."""
            if who not in self.mine:
                return
            mine = self.mine.pop(who)
            nobody = self.holder is None and self.waiting is None and not self.is_done
            before = self.world.store.get(CLAIM_KIND, self.key)
            answer = self.claims.complete(mine, result=result, ttl=timedelta(hours=1))
            if self.holder == who or nobody:
                assert answer == Completed(kept=True, claim_lost=self.holder != who)
                self.holder, self.done, self.is_done = None, result, True
            else:
                assert isinstance(answer, ClaimLost)
                assert self.world.store.get(CLAIM_KIND, self.key) == before

        @rule(who=OWNERS)
        def release(self, who: int) -> None:
            if who in self.mine and not isinstance(self._as(who, self.claims.release), ClaimLost):
                self.holder = None
                del self.mine[who]

        @rule(who=OWNERS)
        def wait_for_retry(self, who: int) -> None:
            if who in self.mine:
                answer = self._as(who, lambda mine: self.claims.wait(mine, ttl=self.world.lease))
                if not isinstance(answer, ClaimLost):
                    self.holder, self.waiting = None, who
                    del self.mine[who]

        def _as(self, who: int, change: Callable[[Claimed], Any]) -> Any:
            """What a change answers; it succeeds exactly for the holder, and for others changes nothing."""
            before = self.world.store.get(CLAIM_KIND, self.key)
            answer = change(self.mine[who])
            assert isinstance(answer, ClaimLost) is (self.holder != who)
            if isinstance(answer, ClaimLost):
                assert self.world.store.get(CLAIM_KIND, self.key) == before
            return answer

        @precondition(lambda self: not self.is_done)
        @rule()
        def expire(self) -> None:
            """Holders die or sleep: they keep what they believe to hold."""
            self.world.expire(self.key)
            self.holder = self.waiting = None

        @invariant()
        def the_store_knows_the_one_owner(self) -> None:
            lease = self.world.store.get(CLAIM_KIND, self.key)
            if self.holder is not None:
                assert lease is not None
                assert lease.owner == self.mine[self.holder].token
                assert lease.fence == self.mine[self.holder].fence

    return ClaimMachine


def run(make: Callable[[], World], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine_for(make),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("drops_expired", [False, True], ids=["keeps expired", "drops expired"])
def test_claims_in_memory(drops_expired: bool) -> None:
    def make() -> World:
        clock = FakeClock()
        store = MemoryLeaseStore(clock, drops_expired=drops_expired)
        return World(store, timedelta(seconds=60), lambda _key: clock.advance(seconds=60))

    run(make, examples=100, steps=40)


def on_a_server(store: LeaseStore) -> World:
    """Leases of a minute, ended early by moving their end into the past, as if the minute were over."""

    def end(lease: Lease | None, now: datetime) -> tuple[Lease | None, bool]:
        return lease, lease is None or (lease.expires_at is not None and lease.expires_at <= now)

    def shorten(lease: Lease | None, now: datetime) -> tuple[Lease | None, None]:
        from dataclasses import replace

        if lease is None or lease.expires_at is None or lease.expires_at <= now:
            return lease, None
        return replace(lease, expires_at=now + timedelta(milliseconds=1)), None

    def expire(key: str) -> None:
        store.transact(CLAIM_KIND, key, shorten)
        wait_until(lambda: store.transact(CLAIM_KIND, key, end), 10, "the lease has ended", every=0.002)

    return World(store, timedelta(seconds=60), expire)


def test_claims_on_valkey(valkey: ValkeyServer) -> None:
    store = RedisLeaseStore(RedisConnection(valkey.url, timeout_seconds=10))

    run(lambda: on_a_server(store), examples=20, steps=25)


def test_claims_in_sql(database_alias: str) -> None:
    store = SqlLeaseStore(Database(database_alias))

    run(lambda: on_a_server(store), examples=15, steps=20)
