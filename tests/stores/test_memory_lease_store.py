"""The memory store passes the contract, both ways of treating expired documents."""

from redrive.leases import LeaseStore
from redrive.testing import FakeClock, LeaseStoreContract, MemoryLeaseStore


class TestMemoryLeaseStore(LeaseStoreContract):
    drops_expired = False
    test_of_many_processes_exactly_one_acquires = None  # type: ignore[assignment]  # one process's memory

    def make_store(self) -> LeaseStore:
        self.clock = FakeClock()
        return MemoryLeaseStore(self.clock, drops_expired=self.drops_expired)

    def let_expire(self, store: LeaseStore, kind: str, key: str) -> None:
        self.clock.advance(self.short)


class TestMemoryLeaseStoreThatForgets(TestMemoryLeaseStore):
    drops_expired = True


def test_an_expired_document_is_kept_or_dropped_as_asked() -> None:
    for drops_expired, expected in ((False, True), (True, False)):
        clock = FakeClock()
        store = MemoryLeaseStore(clock, drops_expired=drops_expired)
        lease = TestMemoryLeaseStore()._put(store, "a")
        clock.advance(lease.expires_at - clock.now())

        assert (store.get("duty", "a") is not None) is expected


def test_stored_data_cannot_be_changed_from_outside() -> None:
    from redrive.leases import Lease

    store = MemoryLeaseStore(FakeClock())
    data = {"list": [1]}
    store.transact("duty", "a", lambda _lease, _now: (Lease(kind="duty", key="a", data=data), None))
    data["list"].append(2)

    stored = store.get("duty", "a")

    assert stored is not None
    assert stored.data == {"list": [1]}
