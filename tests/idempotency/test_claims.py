"""One live run per key; one remembered result."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.idempotency import (
    Claimed,
    ClaimLost,
    Claims,
    Completed,
    Done,
    PayloadMismatch,
    Running,
)
from redrive.idempotency.claims import keepable
from redrive.leases import Guess, Released, StoreUnavailable
from redrive.stores.sql.connection import Database
from redrive.stores.sql.leases import SqlLeaseStore
from redrive.testing import FakeClock, MemoryLeaseStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LEASE, HOUR = timedelta(seconds=60), timedelta(hours=1)


class World:
    def __init__(self, drops_expired: bool) -> None:
        self.clock = FakeClock(NOON)
        self.claims = Claims(MemoryLeaseStore(self.clock, drops_expired=drops_expired), clock=self.clock)

    def ask(self, task_id: str = "t1", token: str = "run1", fingerprint: str | None = None) -> Any:
        return self.claims.claim("k", task_id=task_id, token=token, ttl=LEASE, fingerprint=fingerprint)

    def take(self, task_id: str = "t1", token: str = "run1") -> Claimed:
        answer = self.ask(task_id, token)
        assert isinstance(answer, Claimed)
        return answer


@pytest.fixture(params=[False, True], ids=["keeps expired", "drops expired"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    return World(request.param)


def test_a_second_call_waits_while_the_first_runs(world: World) -> None:
    world.take()

    assert world.ask("t2", "run2") == Running(NOON + LEASE, "t1")


def test_a_redelivered_message_waits_while_its_first_delivery_runs(world: World) -> None:
    """Same task id, other run: only the token tells them apart."""
    world.take("t1", "run1")

    assert world.ask("t1", "redelivered") == Running(NOON + LEASE, "t1")


def test_asking_again_with_the_same_token_renews(world: World) -> None:
    first = world.take()
    world.clock.advance(seconds=30)

    again = world.take()

    assert again.fence == first.fence
    assert again.until == NOON + timedelta(seconds=90)


def test_a_dead_runs_claim_can_be_taken_when_its_lease_ends_and_not_before(world: World) -> None:
    first = world.take()
    world.clock.advance(seconds=59.999)
    assert isinstance(world.ask("t1", "run2"), Running)
    world.clock.advance(seconds=0.001)

    assert world.take("t1", "run2").fence > first.fence


def test_a_renewed_claim_lives_on(world: World) -> None:
    claimed = world.take()
    world.clock.advance(seconds=50)
    world.claims.renew(claimed, ttl=LEASE)
    world.clock.advance(seconds=50)

    assert isinstance(world.ask("t2", "run2"), Running)


@pytest.mark.parametrize("result", [None, 0, "", [], {}, False, 0.0, {"a": [1, None]}, "x" * 1000])
def test_a_result_is_replayed_exactly_falsy_ones_too(world: World, result: Any) -> None:
    assert world.claims.complete(world.take(), result=result, ttl=HOUR) == Completed(kept=True)

    replayed = world.ask("t2", "run2")

    assert replayed == Done(result=result, kept=True, task_id="t1", completed_at=NOON)
    assert type(replayed.result) is type(result)


@pytest.mark.parametrize("result", ["x" * (64 * 1024), {1, 2}, object(), float("nan"), {"a": b"bytes"}])
def test_a_result_that_cannot_be_kept_still_stops_the_second_run(world: World, result: Any) -> None:
    assert world.claims.complete(world.take(), result=result, ttl=HOUR) == Completed(kept=False)

    assert world.ask("t2", "run2") == Done(result=None, kept=False, task_id="t1", completed_at=NOON)


def test_64_kib_of_json_are_the_most_that_is_kept() -> None:
    assert keepable("x" * (64 * 1024 - 2)) == ("x" * (64 * 1024 - 2), True)
    assert keepable("x" * (64 * 1024 - 1)) == (None, False)


NO_JSONB = ["a\x00b", {"key\x00": 1}, ["\ud800"], "\udc00\ud83d", "\\\x00"]
JSONB = ["\\u0000", "\\\\u0000", "\U0001f600", "\ud83d\ude00", "caf\xe9", "\\ud800", "\x01"]


@pytest.mark.parametrize(
    ("result", "kept"), [(one, False) for one in NO_JSONB] + [(one, True) for one in JSONB]
)
def test_what_a_database_does_not_take_is_not_kept_and_the_rest_is(
    database_alias: str, result: Any, kept: bool
) -> None:
    claims = Claims(SqlLeaseStore(Database(database_alias)))
    claimed = claims.claim("k", task_id="t1", token="run1", ttl=LEASE)
    assert isinstance(claimed, Claimed)

    assert claims.complete(claimed, result=result, ttl=HOUR) == Completed(kept=kept)

    done = claims.claim("k", task_id="t2", token="run2", ttl=LEASE)
    assert isinstance(done, Done)
    assert (done.result, done.kept) == (json.loads(json.dumps(result)) if kept else None, kept)


def test_a_result_is_forgotten_after_its_time_and_not_before(world: World) -> None:
    world.claims.complete(world.take(), result=1, ttl=HOUR)
    world.clock.advance(seconds=3599.999)
    assert isinstance(world.ask("t2", "run2"), Done)
    world.clock.advance(seconds=0.001)

    assert isinstance(world.ask("t2", "run2"), Claimed)


def test_after_release_the_same_call_runs_again_at_once_under_a_higher_fence(world: World) -> None:
    first = world.take()
    assert world.claims.release(first) == Released()

    assert world.take("t2", "run2").fence > first.fence


def test_while_a_task_waits_for_its_retry_only_its_own_id_gets_in(world: World) -> None:
    first = world.take("t1", "run1")
    until = NOON + timedelta(seconds=300)
    assert world.claims.wait(first, ttl=timedelta(seconds=300)) == Running(until, "t1", waiting=True)

    assert world.ask("t2", "run2") == Running(until, "t1", waiting=True)
    retried = world.take("t1", "run3")
    assert retried.fence > first.fence
    assert isinstance(world.ask("t1", "run4"), Running)


def test_a_run_that_lost_its_claim_changes_nothing(world: World) -> None:
    """SIGSTOP for longer than the lease, another takes over, SIGCONT."""
    paused = world.take("t1", "paused")
    world.clock.advance(seconds=60)
    world.take("t1", "other")
    held_by_other = ClaimLost("the claim is held by another run of task t1")

    assert world.claims.renew(paused, ttl=LEASE) == held_by_other
    assert world.claims.release(paused) == held_by_other
    assert world.claims.wait(paused, ttl=LEASE) == held_by_other
    assert world.claims.complete(paused, result=1, ttl=HOUR) == held_by_other
    assert isinstance(world.ask("t2", "run2"), Running)


def test_a_result_of_the_other_run_is_not_overwritten(world: World) -> None:
    paused = world.take("t1", "paused")
    world.clock.advance(seconds=60)
    world.claims.complete(world.take("t1", "other"), result="other", ttl=HOUR)

    assert world.claims.complete(paused, result="late", ttl=HOUR) == ClaimLost("the claim is done")
    assert world.ask("t2", "run2").result == "other"


def test_work_that_finished_after_its_claim_ended_is_recorded_if_nobody_took_over(world: World) -> None:
    slow = world.take()
    world.clock.advance(seconds=61)

    assert world.claims.renew(slow, ttl=LEASE) == ClaimLost("the claim has ended")
    assert world.claims.complete(slow, result=7, ttl=HOUR) == Completed(kept=True, claim_lost=True)
    assert world.ask("t2", "run2").result == 7


def test_an_explicit_key_with_other_arguments_is_an_error_and_leaves_the_first_alone(world: World) -> None:
    claimed = world.ask(fingerprint="1:aa")
    world.claims.complete(claimed, result=1, ttl=HOUR)

    with pytest.raises(PayloadMismatch, match="used by task t1 with other arguments, now by t2"):
        world.ask("t2", "run2", fingerprint="1:bb")
    assert world.ask("t3", "run3", fingerprint="1:aa").result == 1


class Switchable(MemoryLeaseStore):
    away = False

    def transact(self, kind: str, key: str, change: Any, *, guess: Guess | None = None) -> Any:
        if self.away:
            raise StoreUnavailable("switched off")
        return super().transact(kind, key, change, guess=guess)


class TestTwoStores:
    def setup_method(self) -> None:
        self.clock = FakeClock(NOON)
        self.redis, self.sql = Switchable(self.clock), Switchable(self.clock)
        self.claims = Claims(self.redis, self.sql, clock=self.clock)

    def ask(self, token: str) -> Any:
        return self.claims.claim("k", task_id=token, token=token, ttl=LEASE)

    def test_the_second_store_takes_over_when_the_first_is_away(self) -> None:
        self.redis.away = True

        claimed = self.ask("a")

        assert (claimed.store, type(self.ask("b"))) == ("fallback", Running)

    def test_a_store_that_comes_back_does_not_let_a_second_run_in(self) -> None:
        self.redis.away = True
        claimed = self.ask("a")
        self.redis.away = False

        assert isinstance(self.ask("b"), Running)
        assert self.claims.complete(claimed, result=1, ttl=HOUR) == Completed(kept=True)
        assert isinstance(self.ask("b"), Done)

    def test_a_result_kept_in_the_second_store_is_replayed_when_the_first_is_back(self) -> None:
        self.redis.away = True
        with pytest.raises(StoreUnavailable):
            self.claims.complete(self.ask("a"), result=1, ttl=HOUR)
        self.redis.away = False
        self.clock.advance(seconds=3599)
        assert isinstance(self.ask("b"), Done)
        self.clock.advance(seconds=1)

        assert self.ask("b").store == "primary"

    def test_a_result_of_the_second_store_reaches_the_first_when_it_is_asked_to_again(self) -> None:
        self.redis.away = True
        claimed = self.ask("a")
        with pytest.raises(StoreUnavailable):
            self.claims.complete(claimed, result=1, ttl=HOUR)
        self.redis.away = False
        self.clock.advance(seconds=600)

        assert self.claims.complete(claimed, result=1, ttl=HOUR - timedelta(seconds=600)) == Completed(
            kept=True
        )

        assert self.unaware().result == 1
        self.clock.advance(seconds=2999)
        assert isinstance(self.unaware(), Done)
        self.clock.advance(seconds=1)
        assert isinstance(self.unaware(), Claimed)

    def test_a_run_that_lost_its_claim_in_the_second_store_records_nothing_in_the_first(self) -> None:
        self.redis.away = True
        late = self.ask("a")
        self.clock.advance(seconds=60)
        other = self.ask("b")
        self.redis.away = False

        assert isinstance(self.claims.complete(late, result=1, ttl=HOUR), ClaimLost)

        assert self.claims.complete(other, result=2, ttl=HOUR) == Completed(kept=True)
        assert self.unaware().result == 2

    def test_after_one_lease_only_the_first_store_is_asked_again(self) -> None:
        self.redis.away = True
        self.ask("a")
        self.redis.away = False
        self.clock.advance(seconds=60)

        assert self.ask("b").store == "primary"

    def renewed(self, claimed: Claimed, times: int) -> Claimed:
        """The claim after so many renewals; those that the store is away for leave it as it was."""
        for _ in range(times):
            self.clock.advance(seconds=20)
            with suppress(StoreUnavailable):
                answer = self.claims.renew(claimed, ttl=LEASE)
                assert isinstance(answer, Claimed)
                claimed = answer
        return claimed

    def unaware(self, token: str = "other") -> Any:
        """What a process hears that has not noticed any absence."""
        others = Claims(self.redis, self.sql, clock=self.clock)
        return others.claim("k", task_id=token, token=token, ttl=LEASE)

    def test_a_claim_of_the_second_store_is_held_in_the_first_when_that_is_back(self) -> None:
        self.redis.away = True
        claimed = self.ask("a")
        self.redis.away = False

        claimed = self.renewed(claimed, 7)

        assert claimed.store == "fallback"
        assert isinstance(self.ask("b"), Running)
        assert isinstance(self.unaware(), Running)
        assert self.claims.complete(claimed, result=1, ttl=HOUR) == Completed(kept=True)
        assert isinstance(self.unaware(), Done)

    def test_a_running_claim_is_held_in_the_second_store_while_the_first_is_away(self) -> None:
        claimed = self.ask("a")
        self.redis.away = True

        claimed = self.renewed(claimed, 7)

        assert isinstance(self.unaware(), Running)
        assert isinstance(self.ask("b"), Running)
        self.redis.away = False
        claimed = self.renewed(claimed, 1)
        assert (claimed.store, type(self.unaware())) == ("primary", Running)
        assert self.claims.complete(claimed, result=1, ttl=HOUR) == Completed(kept=True)
        assert isinstance(self.ask("b"), Done)

    @pytest.mark.parametrize("made_in", ["primary", "fallback"])
    def test_a_claim_that_is_given_up_is_free_in_both_stores(self, made_in: str) -> None:
        self.redis.away = made_in == "fallback"
        claimed = self.ask("a")
        self.redis.away = made_in == "primary"
        claimed = self.renewed(claimed, 1)
        self.redis.away = False
        claimed = self.renewed(claimed, 1)

        assert self.claims.release(claimed) == Released()

        assert isinstance(self.unaware(), Claimed)
        self.redis.away = True
        assert isinstance(self.unaware("third"), Claimed)

    def test_a_claim_that_waits_for_its_retry_waits_in_both_stores(self) -> None:
        self.redis.away = True
        claimed = self.ask("a")
        self.redis.away = False
        claimed = self.renewed(claimed, 1)

        self.claims.wait(claimed, ttl=HOUR)

        self.clock.advance(seconds=600)
        assert isinstance(self.unaware(), Running)
        assert isinstance(self.unaware("a"), Claimed)

    @pytest.mark.parametrize("end", ["renew", "complete"])
    def test_a_run_that_both_stores_let_in_hears_that_its_claim_is_lost(self, end: str) -> None:
        self.redis.away = True
        claimed = self.ask("a")
        self.redis.away = False
        other = self.unaware()
        assert isinstance(other, Claimed)

        if end == "renew":
            answer: Any = self.claims.renew(claimed, ttl=LEASE)
        else:
            answer = self.claims.complete(claimed, result=1, ttl=HOUR)

        assert isinstance(answer, ClaimLost)
        assert self.claims.complete(other, result=2, ttl=HOUR) == Completed(kept=True)

    def test_whoever_comes_after_a_mirrored_claim_has_a_higher_fence(self) -> None:
        ahead = FakeClock(NOON + timedelta(minutes=5))
        claims = Claims(self.redis, MemoryLeaseStore(ahead), clock=self.clock)
        self.redis.away = True
        first = claims.claim("k", task_id="a", token="a", ttl=LEASE)
        assert isinstance(first, Claimed)
        self.redis.away = False
        claims.renew(first, ttl=LEASE)
        claims.release(first)

        assert self.unaware().fence > first.fence

    def test_with_both_away_the_caller_decides(self) -> None:
        self.redis.away = self.sql.away = True

        with pytest.raises(StoreUnavailable):
            self.ask("a")


@given(
    st.booleans(),
    st.lists(
        st.tuples(
            st.sampled_from(["claim", "complete", "release", "wait", "renew", "time"]),
            st.integers(0, 3),
        ),
        max_size=40,
    ),
)
def test_whatever_happens_at_most_one_run_believes_it_holds_a_live_claim(
    drops_expired: bool, steps: list[tuple[str, int]]
) -> None:
    world = World(drops_expired)
    held: dict[int, Claimed] = {}
    fences: list[int] = []
    for number, (step, who) in enumerate(steps):
        if step == "time":
            world.clock.advance(seconds=25)
        elif step == "claim":
            answer = world.ask(f"t{who}", f"run-{number}")
            if isinstance(answer, Claimed):
                live = [one for one in held.values() if one.until > world.clock.now()]
                assert live == []
                assert not fences or answer.fence > fences[-1]
                held[who] = answer
                fences.append(answer.fence)
        elif who in held:
            claimed = held.pop(who)
            if step == "renew":
                renewed = world.claims.renew(claimed, ttl=LEASE)
                if isinstance(renewed, Claimed):
                    held[who] = renewed
            elif step == "complete":
                world.claims.complete(claimed, result=number, ttl=LEASE)
            elif step == "release":
                world.claims.release(claimed)
            else:
                world.claims.wait(claimed, ttl=LEASE)


def test_stored_claims_are_json() -> None:
    world = World(False)
    world.claims.complete(world.take(), result={"a": (1, 2)}, ttl=HOUR)

    assert world.ask("t2", "run2").result == json.loads('{"a": [1, 2]}')
