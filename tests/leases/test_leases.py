"""Who holds a lease, until when, and under which fence."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.leases import Acquired, Busy, Lease, Leases, Lost, Released, is_live, next_fence
from redrive.testing import FakeClock, MemoryLeaseStore

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
NOON_MS = 1_767_268_800_000
TTL = timedelta(seconds=30)


class Shelf:
    def __init__(self, drops_expired: bool) -> None:
        self.clock = FakeClock(NOON)
        self.leases = Leases(MemoryLeaseStore(self.clock, drops_expired=drops_expired))

    def acquire(self, owner: str) -> Acquired | Busy:
        return self.leases.acquire("duty", "purge", owner=owner, ttl=TTL)

    def take(self, owner: str) -> Acquired:
        answer = self.acquire(owner)
        assert isinstance(answer, Acquired)
        return answer


@pytest.fixture(params=[False, True], ids=["keeps expired", "drops expired"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    return Shelf(request.param)


def test_a_free_lease_is_acquired_with_a_fence_of_the_moment_in_milliseconds(shelf: Shelf) -> None:
    assert shelf.take("one") == Acquired(fence=NOON_MS, expires_at=NOON + TTL)


def test_a_held_lease_is_busy_until_its_end_and_not_longer(shelf: Shelf) -> None:
    shelf.take("one")
    shelf.clock.advance(seconds=29.999)
    assert shelf.acquire("two") == Busy(owner="one", until=NOON + TTL)
    shelf.clock.advance(seconds=0.001)

    assert shelf.take("two").fence == NOON_MS + 30_000


def test_the_holder_may_ask_again_and_keeps_its_fence(shelf: Shelf) -> None:
    shelf.take("one")
    shelf.clock.advance(seconds=20)

    assert shelf.take("one") == Acquired(fence=NOON_MS, expires_at=NOON + timedelta(seconds=50))


def test_fences_grow_even_within_one_millisecond(shelf: Shelf) -> None:
    first = shelf.take("one")
    assert shelf.leases.release("duty", "purge", owner="one", fence=first.fence) == Released()

    assert shelf.take("two").fence == NOON_MS + 1


def test_renewing_moves_the_end(shelf: Shelf) -> None:
    first = shelf.take("one")
    shelf.clock.advance(seconds=10)

    renewed = shelf.leases.renew("duty", "purge", owner="one", fence=first.fence, ttl=TTL)

    assert renewed == Acquired(fence=NOON_MS, expires_at=NOON + timedelta(seconds=40))


def test_what_one_does_not_hold_one_can_neither_renew_nor_release(shelf: Shelf) -> None:
    first = shelf.take("one")

    def try_both(owner: str, fence: int) -> list[object]:
        return [
            shelf.leases.renew("duty", "purge", owner=owner, fence=fence, ttl=TTL),
            shelf.leases.release("duty", "purge", owner=owner, fence=fence),
        ]

    assert try_both("two", first.fence) == [Lost("the lease is held by one")] * 2
    assert try_both("one", 7) == [Lost(f"the lease is held under fence {NOON_MS}, not 7")] * 2
    shelf.clock.advance(seconds=30)
    assert try_both("one", first.fence) == [Lost("the lease has ended")] * 2


def test_a_lease_without_an_end_is_live_for_ever() -> None:
    assert is_live(Lease(kind="k", key="a", owner="one"), NOON)
    assert not is_live(None, NOON)


@given(
    st.integers(0, 2**62),
    st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1)),  # noqa: DTZ001  # made aware below
)
def test_the_next_fence_is_above_the_last_and_never_below_the_clock(last: int, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)

    fence = next_fence(Lease(kind="k", key="a", fence=last), now)

    assert fence > last
    assert fence >= now.timestamp() * 1000 - 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["acquire", "renew", "release", "wait"]), st.integers(0, 2)), max_size=40
    )
)
def test_stores_that_keep_and_stores_that_drop_expired_leases_answer_the_same(
    steps: list[tuple[str, int]],
) -> None:
    shelves = [Shelf(False), Shelf(True)]
    fences: dict[int, int] = {}
    for step, who in steps:
        owner, fence = f"owner-{who}", fences.get(who, 0)
        answers: list[object] = []
        for shelf in shelves:
            if step == "wait":
                shelf.clock.advance(seconds=11)
            elif step == "acquire":
                answers.append(shelf.acquire(owner))
            elif step == "renew":
                answers.append(shelf.leases.renew("duty", "purge", owner=owner, fence=fence, ttl=TTL))
            else:
                answers.append(shelf.leases.release("duty", "purge", owner=owner, fence=fence))
        assert len(set(answers)) <= 1
        if answers and isinstance(answers[0], Acquired):
            fences[who] = answers[0].fence
