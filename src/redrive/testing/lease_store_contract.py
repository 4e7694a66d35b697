"""What every `LeaseStore` must do, as tests to subclass."""

# ruff: noqa: S101  # a suite of tests

import base64
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from redrive.leases import Acquired, Busy, Change, Guess, Lease, Leases, LeaseStore, acquire

T = TypeVar("T")

MINUTE = timedelta(minutes=1)
DEADLINE_SECONDS = 10.0


class LeaseStoreContract:
    """Subclass it as ``TestMyStore`` and give it `make_store`; run it with pytest.

    A store with an injected clock also overrides `let_expire`, so that nothing waits; `short` is the life of
    the leases that are made to expire.
    """

    short = timedelta(milliseconds=80)
    """Long enough that a slow machine sees the lease alive, short enough to wait for."""

    def make_store(self) -> LeaseStore:
        """Return an empty store, or a store with a namespace that nothing else uses."""
        raise NotImplementedError

    def store_factory(self) -> Callable[[], LeaseStore] | None:
        """Return a picklable callable that opens the same store in another process; None if it cannot be
        shared.

        Called after `make_store`, and must reach the same documents.
        """
        return None

    def let_expire(self, store: LeaseStore, kind: str, key: str) -> None:
        """Return once the lease has ended by the store's clock. The default waits for real."""
        wait_until(lambda: store.transact(kind, key, _has_ended))

    def test_reads_back_what_was_stored(self) -> None:
        store = self.make_store()
        until = datetime(2100, 1, 1, 12, 30, 15, 123000, tzinfo=UTC)
        data = {"count": 3, "ratio": 0.5, "nothing": None, "yes": True, "nested": {"list": [1, "zwei", "三"]}}
        lease = Lease(
            kind="duty", key="a", owner="me", fence=1767225600001, state="x", expires_at=until, data=data
        )

        store.transact("duty", "a", lambda _stored, _now: (lease, None))

        assert store.get("duty", "a") == lease
        assert store.transact("duty", "a", lambda stored, _now: (stored, stored)) == lease

    def test_a_document_without_an_end_is_kept(self) -> None:
        store = self.make_store()
        lease = Lease(kind="duty", key="a", owner="me", fence=1)

        store.transact("duty", "a", lambda _stored, _now: (lease, None))

        assert store.get("duty", "a") == lease

    def test_a_missing_document_is_none(self) -> None:
        store = self.make_store()

        assert store.get("duty", "nobody") is None
        assert store.transact("duty", "nobody", lambda stored, _now: (stored, stored)) is None

    def test_returning_none_deletes(self) -> None:
        store = self.make_store()
        self._put(store, "a")

        store.transact("duty", "a", lambda _stored, _now: (None, None))

        assert store.get("duty", "a") is None
        assert list(store.all("duty")) == []

    def test_lists_one_kind_sorted_by_key(self) -> None:
        store = self.make_store()
        for key in ("b", "c*[x]", "a"):
            self._put(store, key)
        store.transact("gate", "d", lambda _stored, _now: (Lease(kind="gate", key="d"), None))

        assert [lease.key for lease in store.all("duty")] == ["a", "b", "c*[x]"]
        assert [lease.key for lease in store.all("gate")] == ["d"]
        assert list(store.all("dut")) == []

    def test_keys_are_taken_literally(self) -> None:
        store = self.make_store()
        odd = "{a}:b*?[c] 'd' \"e\" ünï /%s\\"
        self._put(store, odd)

        found = store.get("duty", odd)

        assert found is not None
        assert found.key == odd
        assert store.get("duty", "{a}:b*?[c]") is None

    def test_a_guess_changes_the_cost_and_never_the_outcome(self) -> None:
        """Nothing there, guessed right; somebody there, guessed wrong; one's own, guessed right; long gone."""
        store = self.make_store()
        nothing = Guess(None)

        first = store.transact("duty", "a", _take("first", MINUTE), guess=nothing)
        assert isinstance(first, Acquired)
        stored = store.get("duty", "a")
        assert stored is not None
        assert (stored.owner, stored.fence, stored.expires_at) == ("first", first.fence, first.expires_at)
        busy = store.transact("duty", "a", _take("second", MINUTE), guess=nothing)
        assert busy == Busy(owner="first", until=first.expires_at)
        again = store.transact("duty", "a", _take("first", 2 * MINUTE), guess=Guess(stored))
        assert isinstance(again, Acquired)
        assert (again.fence, again.expires_at > first.expires_at) == (first.fence, True)
        outdated = store.transact("duty", "a", _take("second", MINUTE), guess=Guess(stored))
        assert outdated == Busy(owner="first", until=again.expires_at)

    def test_a_guess_that_nothing_is_there_holds_for_what_has_ended(self) -> None:
        store = self.make_store()
        first = store.transact("duty", "a", _take("first", self.short), guess=Guess(None))
        assert isinstance(first, Acquired)
        self.let_expire(store, "duty", "a")

        second = store.transact("duty", "a", _take("second", MINUTE), guess=Guess(None))

        assert isinstance(second, Acquired)
        assert second.fence > first.fence
        stored = store.get("duty", "a")
        assert stored is not None
        assert (stored.owner, stored.fence) == ("second", second.fence)

    def test_an_exception_in_the_change_writes_nothing_and_comes_through(self) -> None:
        store = self.make_store()
        before = self._put(store, "a")

        def explode(_lease: Lease | None, _now: datetime) -> tuple[Lease | None, None]:
            raise ZeroDivisionError("on purpose")

        caught = ""
        try:
            store.transact("duty", "a", explode)
        except ZeroDivisionError as exc:
            caught = str(exc)

        assert caught == "on purpose"
        assert store.get("duty", "a") == before
        assert self._put(store, "a") is not None

    def test_now_is_aware_utc_and_never_goes_back(self) -> None:
        store = self.make_store()

        first = store.transact("duty", "a", lambda lease, now: (lease, now))
        second = store.transact("duty", "b", lambda lease, now: (lease, now))

        assert first.utcoffset() == timedelta(0)
        assert first <= second

    def test_a_held_lease_is_busy_for_others_and_free_at_its_end(self) -> None:
        store = self.make_store()
        leases = Leases(store)

        first = leases.acquire("duty", "a", owner="one", ttl=self.short)
        second = leases.acquire("duty", "a", owner="two", ttl=MINUTE)
        self.let_expire(store, "duty", "a")
        third = leases.acquire("duty", "a", owner="two", ttl=MINUTE)

        assert isinstance(first, Acquired)
        assert second == Busy(owner="one", until=first.expires_at)
        assert isinstance(third, Acquired)
        assert third.fence > first.fence

    def test_the_fence_grows_over_release_and_deletion(self) -> None:
        store = self.make_store()
        leases = Leases(store)
        fences = []

        for owner in ("one", "two", "three"):
            taken = leases.acquire("duty", "a", owner=owner, ttl=MINUTE)
            assert isinstance(taken, Acquired)
            fences.append(taken.fence)
            leases.release("duty", "a", owner=owner, fence=taken.fence)

        assert fences == sorted(set(fences))

    def test_of_many_threads_exactly_one_acquires(self) -> None:
        leases = Leases(self.make_store())
        barrier = threading.Barrier(12)
        answers: list[Acquired | Busy] = []

        def ask(name: str) -> None:
            barrier.wait(DEADLINE_SECONDS)
            answers.append(leases.acquire("duty", "race", owner=name, ttl=MINUTE))

        _run_threads(ask, 12)

        assert sum(isinstance(answer, Acquired) for answer in answers) == 1
        assert len(answers) == 12

    def test_no_update_is_lost_between_threads(self) -> None:
        store = self.make_store()

        _run_threads(lambda _name: [store.transact("duty", "counter", _count_up) for _ in range(10)], 4)

        counted = store.get("duty", "counter")
        assert counted is not None
        assert counted.data == {"count": 40}

    def test_of_many_processes_exactly_one_acquires(self) -> None:
        self.make_store()
        factory = self.store_factory()
        if factory is None:
            import pytest

            pytest.skip("this store is not shared between processes")
        request = base64.b64encode(pickle.dumps(factory)).decode()
        workers = [_start_process(request, f"process-{n}") for n in range(4)]

        ready = [_read_line(worker) for worker in workers]
        for worker in workers:
            _write_line(worker, "go")
        outcomes = sorted(_read_line(worker) for worker in workers)
        for worker in workers:
            worker.communicate(timeout=60)

        assert ready == ["ready"] * 4
        assert outcomes == ["Acquired", "Busy", "Busy", "Busy"]

    def _put(self, store: LeaseStore, key: str) -> Lease:
        lease = Lease(kind="duty", key=key, owner="me", fence=7, expires_at=datetime(2100, 1, 1, tzinfo=UTC))
        store.transact("duty", key, lambda _stored, _now: (lease, None))
        return lease


def wait_until(holds: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Return as soon as ``holds()`` is true; fail with an `AssertionError` after ``seconds``."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not true within {seconds} seconds"
        time.sleep(0.005)


def _take(owner: str, ttl: timedelta) -> Change[Acquired | Busy]:
    return lambda lease, now: acquire(lease, now, kind="duty", key="a", owner=owner, ttl=ttl)


def _has_ended(lease: Lease | None, now: datetime) -> tuple[Lease | None, bool]:
    return lease, lease is None or (lease.expires_at is not None and lease.expires_at <= now)


def _count_up(lease: Lease | None, _now: datetime) -> tuple[Lease | None, None]:
    count = lease.data["count"] if lease is not None else 0
    return Lease(kind="duty", key="counter", data={"count": count + 1}), None


def _run_threads(target: Callable[[str], Any], count: int) -> None:
    failures: list[BaseException] = []

    def run(name: str) -> None:
        try:
            target(name)
        except BaseException as exc:  # handed to the test's own thread below
            failures.append(exc)

    threads = [threading.Thread(target=run, args=(f"thread-{n}",)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]


def _start_process(request: str, name: str) -> subprocess.Popen[str]:
    code = "from redrive.testing import lease_store_contract; lease_store_contract.ask_in_process()"
    return subprocess.Popen(  # noqa: S603  # this very interpreter and module
        [sys.executable, "-c", code, request, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


def _read_line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def _write_line(worker: subprocess.Popen[str], line: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(line + "\n")
    worker.stdin.flush()


def ask_in_process() -> None:
    """Run in each process of the race: connect, say so, wait for the start, ask, say what came out."""
    request, name = sys.argv[1:3]
    leases = Leases(pickle.loads(base64.b64decode(request))())  # noqa: S301  # made by the test itself
    print("ready", flush=True)  # noqa: T201  # read by the test
    sys.stdin.readline()
    print(type(leases.acquire("duty", "race", owner=name, ttl=MINUTE)).__name__, flush=True)  # noqa: T201  # as above
