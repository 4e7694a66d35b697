"""Acquire, renew, release: pure functions for `LeaseStore.transact`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard

from redrive.leases.types import FREE, HELD, Acquired, Busy, JsonValue, Lease, Lost, Released

REMEMBER_FREE: Final = timedelta(seconds=60)
"""How long a released lease is remembered, so that its fence keeps growing: see `next_fence`."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def is_live(lease: Lease | None, now: datetime) -> TypeGuard[Lease]:
    """Return whether somebody holds the lease at ``now``. It ends at ``expires_at``: at that moment it is
    over."""
    if lease is None or lease.state == FREE:
        return False
    return lease.expires_at is None or now < lease.expires_at


def next_fence(lease: Lease | None, now: datetime) -> int:
    """Return the fence of the next holder: above the last one, and at least ``now`` in milliseconds since
    1970.

    The millisecond seed makes it grow even after the store has lost the document. 1767225600000 is
    2026-01-01.
    """
    milliseconds = (now - _EPOCH) // _MILLISECOND
    return max(milliseconds, lease.fence + 1 if lease is not None else 0)


def acquire(
    lease: Lease | None,
    now: datetime,
    *,
    kind: str,
    key: str,
    owner: str,
    ttl: timedelta,
    data: dict[str, JsonValue] | None = None,
) -> tuple[Lease | None, Acquired | Busy]:
    """Take the lease for ``owner`` unless somebody else holds it.

    Its present holder may ask again: it keeps its fence and gets a new end. ``owner`` must therefore be
    unique per process and run, never a mere host name.
    """
    if is_live(lease, now):
        if lease.owner != owner:
            return lease, Busy(owner=lease.owner, until=lease.expires_at)
        fence = lease.fence
    else:
        fence = next_fence(lease, now)
    expires_at = now + ttl
    taken = Lease(
        kind=kind, key=key, owner=owner, fence=fence, state=HELD, expires_at=expires_at, data=data or {}
    )
    return taken, Acquired(fence=fence, expires_at=expires_at)


def renew(
    lease: Lease | None, now: datetime, *, owner: str, fence: int, ttl: timedelta
) -> tuple[Lease | None, Acquired | Lost]:
    """Move the end of a lease that ``owner`` still holds under ``fence``.

    A lease that has ended is lost even if nobody took it: a store may have dropped it, and then nobody could
    tell.
    """
    if (why := _not_held(lease, now, owner, fence)) is not None:
        return lease, Lost(why)
    assert lease is not None  # noqa: S101  # _not_held said so
    expires_at = now + ttl
    return replace(lease, expires_at=expires_at), Acquired(fence=fence, expires_at=expires_at)


def release(
    lease: Lease | None, now: datetime, *, owner: str, fence: int
) -> tuple[Lease | None, Released | Lost]:
    """Give the lease back if ``owner`` still holds it under ``fence``; anybody else's stays untouched."""
    if (why := _not_held(lease, now, owner, fence)) is not None:
        return lease, Lost(why)
    assert lease is not None  # noqa: S101  # _not_held said so
    return freed(lease, now), Released()


def freed(lease: Lease, now: datetime) -> Lease:
    """Return what is left of a lease that was given back: its fence, for `REMEMBER_FREE`.

    Deleting it would let the next holder within the same millisecond get the same fence.
    """
    return Lease(
        kind=lease.kind, key=lease.key, fence=lease.fence, state=FREE, expires_at=now + REMEMBER_FREE
    )


def _not_held(lease: Lease | None, now: datetime, owner: str, fence: int) -> str | None:
    if not is_live(lease, now):
        return "the lease has ended"
    if lease.owner != owner:
        return f"the lease is held by {lease.owner}"
    if lease.fence != fence:
        return f"the lease is held under fence {lease.fence}, not {fence}"
    return None
