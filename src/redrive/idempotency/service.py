"""Claims over a primary store, and a second one for when the first is away."""

import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from redrive.clock import Clock, SystemClock
from redrive.idempotency import claims
from redrive.idempotency.types import (
    CLAIM_KIND,
    Claimed,
    ClaimLost,
    Completed,
    Done,
    Mismatch,
    PayloadMismatch,
    Running,
)
from redrive.leases import Change, Lease, LeaseStore, Released, StoreUnavailable, is_live

logger = logging.getLogger(__name__)

T = TypeVar("T")

PRIMARY, FALLBACK = "primary", "fallback"


class Claims:
    """At most one run per key while a store can be reached. Thread-safe.

    A claim is made in the primary store, or in the fallback when the primary is away, and ended where it was
    made. After a process has met an absent primary it looks into the fallback as well until claims made there
    have ended, so that a store that comes back does not let a second run in.

    What no process can see: claims made in the primary just before it went away, and claims made in the
    fallback by others who lost the primary when this process did not. Each is a window of one lease.

    Every method raises `StoreUnavailable` when no store answers: whether to run then is the caller's policy.

    Args:
        primary: Redis where there is one, else SQL.
        fallback: SQL where Redis is first; None: no second store.
        clock: measures how long ago the primary was away. Leases end by their store's clock.
    """

    def __init__(
        self, primary: LeaseStore, fallback: LeaseStore | None = None, *, clock: Clock | None = None
    ) -> None:
        self._stores: dict[str, LeaseStore] = {PRIMARY: primary}
        if fallback is not None:
            self._stores[FALLBACK] = fallback
        self._clock = clock or SystemClock()
        self._watch_fallback_until = 0.0

    def claim(
        self, key: str, *, task_id: str, token: str, ttl: timedelta, fingerprint: str | None = None
    ) -> Claimed | Running | Done:
        """Take the claim, or say what stands against it; see `claims.claim`.

        Raises:
            PayloadMismatch: the explicit key is known with other arguments.
            StoreUnavailable: no store answers.
        """

        def change(lease: Lease | None, now: Any) -> tuple[Lease | None, Claimed | Running | Done | Mismatch]:
            return claims.claim(
                lease, now, key=key, task_id=task_id, token=token, ttl=ttl, fingerprint=fingerprint
            )

        answer: Claimed | Running | Done | Mismatch
        if self._clock.monotonic() < self._watch_fallback_until and self._held_in_fallback(key):
            answer, where = self._transact(FALLBACK, key, change), FALLBACK
        else:
            try:
                answer, where = self._transact(PRIMARY, key, change), PRIMARY
            except StoreUnavailable as exc:
                if FALLBACK not in self._stores:
                    raise
                logger.debug("Claim %s goes to the second store: %s", key, exc)
                self._watch_fallback(ttl)
                answer, where = self._transact(FALLBACK, key, change), FALLBACK
        if isinstance(answer, Mismatch):
            raise PayloadMismatch(
                f"Idempotency key used by task {answer.task_id} with other arguments, now by {task_id}. "
                "Give each call a key of its own, or the same arguments."
            )
        return replace(answer, store=where) if isinstance(answer, Claimed) else answer

    def renew(self, claimed: Claimed, *, ttl: timedelta) -> Claimed | ClaimLost:
        """Move the end of a running claim. Call it at least three times per ``ttl``."""
        answer = self._transact(
            claimed.store,
            claimed.key,
            lambda lease, now: claims.renew(lease, now, token=claimed.token, ttl=ttl),
        )
        return replace(answer, store=claimed.store) if isinstance(answer, Claimed) else answer

    def complete(
        self, claimed: Claimed, *, task_id: str, result: Any, ttl: timedelta, fingerprint: str | None = None
    ) -> Completed | ClaimLost:
        """Record the result for ``ttl``, so that duplicates replay it. Any result is accepted; see
        `keepable`."""
        kept = claims.keepable(result)
        if claimed.store == FALLBACK:
            self._watch_fallback(ttl)
        return self._transact(
            claimed.store,
            claimed.key,
            lambda lease, now: claims.complete(
                lease,
                now,
                key=claimed.key,
                task_id=task_id,
                token=claimed.token,
                result=kept,
                ttl=ttl,
                fingerprint=fingerprint,
            ),
        )

    def release(self, claimed: Claimed) -> Released | ClaimLost:
        """Give the claim up: the task failed for good, the same call may run again."""
        return self._transact(
            claimed.store, claimed.key, lambda lease, now: claims.release(lease, now, token=claimed.token)
        )

    def wait(self, claimed: Claimed, *, ttl: timedelta) -> Running | ClaimLost:
        """Keep the claim for the same task id until its retry; ``ttl`` is the wait and some more."""
        return self._transact(
            claimed.store,
            claimed.key,
            lambda lease, now: claims.wait(lease, now, token=claimed.token, ttl=ttl),
        )

    def _watch_fallback(self, ttl: timedelta) -> None:
        until = self._clock.monotonic() + ttl.total_seconds()
        self._watch_fallback_until = max(self._watch_fallback_until, until)

    def _held_in_fallback(self, key: str) -> bool:
        if FALLBACK not in self._stores:
            return False
        try:
            return self._transact(FALLBACK, key, lambda lease, now: (lease, is_live(lease, now)))
        except StoreUnavailable:
            return False

    def _transact(self, where: str, key: str, change: Change[T]) -> T:
        return self._stores[where].transact(CLAIM_KIND, key, change)
