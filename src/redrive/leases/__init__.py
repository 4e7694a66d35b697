"""Leases: who holds what, until when.

A lease is one small document: a kind and a key name it, an owner holds it, a fence number grows with every
new holder, and it ends by itself at ``expires_at``, by the store's clock. Claims of idempotent tasks, breaker
probes, keeper duties and heartbeats are all leases, so all of them survive ``kill -9`` in the same way:
nobody has to clean up, the lease simply runs out.

The rules are pure functions (`acquire`, `renew`, `release`) from the stored lease and the store's ``now`` to
the new lease and an answer. A `LeaseStore` applies such a function atomically:

    store.transact("duty", "purge", lambda lease, now: acquire(
        lease, now, kind="duty", key="purge", owner=me, ttl=timedelta(seconds=30)))
    # -> Acquired(fence=1767225600000, ...) or Busy(owner="keeper-2", until=...)

or, shorter, ``Leases(store).acquire("duty", "purge", owner=me, ttl=...)``.

What a lease cannot do: stop a paused process that wakes up after its lease has ended. That is what the fence
is for: pass it along with each write and refuse writes with a lower one.
"""

from redrive.leases.decisions import acquire, is_live, next_fence, release, renew
from redrive.leases.guessing import Outline, outline
from redrive.leases.service import Leases
from redrive.leases.store import Change, Guess, LeaseStore, StoreUnavailable
from redrive.leases.types import FREE, HELD, Acquired, Busy, JsonValue, Lease, Lost, Released

__all__ = [
    "FREE",
    "HELD",
    "Acquired",
    "Busy",
    "Change",
    "Guess",
    "JsonValue",
    "Lease",
    "LeaseStore",
    "Leases",
    "Lost",
    "Outline",
    "Released",
    "StoreUnavailable",
    "acquire",
    "is_live",
    "next_fence",
    "outline",
    "release",
    "renew",
]
