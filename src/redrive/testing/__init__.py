"""For tests: a clock that stands still, stores in memory, and the contract suites of the store protocols.

    clock = FakeClock()
    store = MemoryLeaseStore(clock)
    clock.advance(minutes=5)

A store of your own is right when a subclass of its contract suite passes under pytest:

    class TestMyStore(LeaseStoreContract):
        def make_store(self) -> LeaseStore:
            return MyStore(...)
"""

from redrive.stores.memory import MemoryLearningStore, MemoryLeaseStore
from redrive.testing.clock import FakeClock
from redrive.testing.lease_store_contract import LeaseStoreContract

__all__ = ["FakeClock", "LeaseStoreContract", "MemoryLearningStore", "MemoryLeaseStore"]
