"""Plain leases over a store, in one call each."""

from datetime import timedelta

from redrive.leases import decisions
from redrive.leases.store import LeaseStore
from redrive.leases.types import Acquired, Busy, JsonValue, Lost, Released


class Leases:
    """Acquire, renew and release leases. Every call is one atomic change; each may raise
    `StoreUnavailable`."""

    def __init__(self, store: LeaseStore) -> None:
        self._store = store

    def acquire(
        self, kind: str, key: str, *, owner: str, ttl: timedelta, data: dict[str, JsonValue] | None = None
    ) -> Acquired | Busy:
        """Take the lease for ``owner`` unless somebody else holds it; its holder may ask again to extend
        it."""
        return self._store.transact(
            kind,
            key,
            lambda lease, now: decisions.acquire(
                lease, now, kind=kind, key=key, owner=owner, ttl=ttl, data=data
            ),
        )

    def renew(self, kind: str, key: str, *, owner: str, fence: int, ttl: timedelta) -> Acquired | Lost:
        """Move the end of a lease that ``owner`` still holds."""
        return self._store.transact(
            kind, key, lambda lease, now: decisions.renew(lease, now, owner=owner, fence=fence, ttl=ttl)
        )

    def release(self, kind: str, key: str, *, owner: str, fence: int) -> Released | Lost:
        """Give back a lease that ``owner`` still holds."""
        return self._store.transact(
            kind, key, lambda lease, now: decisions.release(lease, now, owner=owner, fence=fence)
        )
