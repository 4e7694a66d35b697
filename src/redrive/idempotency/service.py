"""Claims over a primary store, and a second one for when the first is away."""

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar

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
from redrive.leases import Change, Guess, Lease, LeaseStore, Released, StoreUnavailable, is_live

logger = logging.getLogger(__name__)

T = TypeVar("T")

PRIMARY, FALLBACK, DURABLE = "primary", "fallback", "durable"

_NOTHING: Final = Guess(None)


class Claims:
    """At most one run per key while a store can be reached. Thread-safe.

    A claim is made in the primary store, or in the fallback when the primary is away, and ended where it was
    made. After a process has met an absent primary it looks into the fallback as well until claims made there
    have ended, so that a store that comes back does not let a second run in.

    What no process can see: claims and results in the primary while that is away, and claims made in the
    fallback by others who lost the primary when this process did not. A ``durable`` claim is only ever made
    in SQL, whatever becomes of Redis, and has no such window.

    Claim and completion take one round trip each where nobody stands against them, on Redis and PostgreSQL.
    Every method raises `StoreUnavailable` when no store answers: whether to run then is the caller's policy.

    Args:
        primary: Redis where there is one, else SQL.
        fallback: SQL where Redis is first; None: no second store.
        clock: measures how long ago the primary was away. Leases end by their store's clock.
    """

    def __init__(
        self, primary: LeaseStore, fallback: LeaseStore | None = None, *, clock: Clock | None = None
    ) -> None:
        self._stores: dict[str, LeaseStore] = {PRIMARY: primary, DURABLE: fallback or primary}
        if fallback is not None:
            self._stores[FALLBACK] = fallback
        self._clock = clock or SystemClock()
        self._watch_fallback_until = 0.0

    def claim(
        self,
        key: str,
        *,
        task_id: str,
        token: str,
        ttl: timedelta,
        fingerprint: str | None = None,
        durable: bool = False,
        fall_back: bool = True,
    ) -> Claimed | Running | Done:
        """Take the claim, or say what stands against it; see `claims.claim`.

        Args:
            durable: claim in the database, never in Redis.
            fall_back: False: only the primary store counts; where it is away, say so.

        Raises:
            PayloadMismatch: the explicit key is known with other arguments.
            StoreUnavailable: no store answers.
        """

        def change(lease: Lease | None, now: Any) -> tuple[Lease | None, Claimed | Running | Done | Mismatch]:
            return claims.claim(
                lease, now, key=key, task_id=task_id, token=token, ttl=ttl, fingerprint=fingerprint
            )

        answer, where = self._ask(key, change, ttl, durable=durable, fall_back=fall_back)
        if isinstance(answer, Mismatch):
            raise PayloadMismatch(
                f"Idempotency key used by task {answer.task_id} with other arguments, now by {task_id}. "
                "Give each call a key of its own, or the same arguments."
            )
        return replace(answer, store=where) if isinstance(answer, Claimed) else answer

    def _ask(
        self, key: str, change: Change[T], ttl: timedelta, *, durable: bool, fall_back: bool
    ) -> tuple[T, str]:
        """The answer to a claim, and the store that gave it."""
        if durable:
            return self._transact(DURABLE, key, change, _NOTHING), DURABLE
        if FALLBACK not in self._stores or not fall_back:
            try:
                return self._transact(PRIMARY, key, change, _NOTHING), PRIMARY
            except StoreUnavailable:
                self._watch_fallback(ttl)
                raise
        if self._clock.monotonic() < self._watch_fallback_until and self._held_in_fallback(key):
            return self._transact(FALLBACK, key, change, _NOTHING), FALLBACK
        try:
            return self._transact(PRIMARY, key, change, _NOTHING), PRIMARY
        except StoreUnavailable as exc:
            logger.debug("Claim %s goes to the second store: %s", key, exc)
            self._watch_fallback(ttl)
            return self._transact(FALLBACK, key, change, _NOTHING), FALLBACK

    def renew(self, claimed: Claimed, *, ttl: timedelta) -> Claimed | ClaimLost:
        """Move the end of a running claim. Call it at least three times per ``ttl``."""
        return self._settle(claimed, lambda lease, now: claims.renew(lease, now, claimed=claimed, ttl=ttl))

    def complete(self, claimed: Claimed, *, result: Any, ttl: timedelta) -> Completed | ClaimLost:
        """Record the result for ``ttl``, so that duplicates replay it. Any result is accepted; see
        `keepable`.

        With the primary away the record is made in the fallback, where those look who know that, and
        `StoreUnavailable` says that it is still missing in the primary: ask again later. The record of a claim
        made in the fallback goes to the primary too, if that is back.
        """
        kept = claims.keepable(result)

        def change(lease: Lease | None, now: Any) -> tuple[Lease | None, Completed | ClaimLost]:
            return claims.complete(lease, now, claimed=claimed, result=kept, ttl=ttl)

        if claimed.store == DURABLE or FALLBACK not in self._stores:
            return self._settle(claimed, change)
        if claimed.store == FALLBACK:
            answer = self._settle(claimed, change)
            self._note_in(PRIMARY, claimed.key, change, ttl)
            return answer
        try:
            return self._settle(claimed, change)
        except StoreUnavailable:
            self._note_in(FALLBACK, claimed.key, change, ttl)
            raise

    def release(self, claimed: Claimed) -> Released | ClaimLost:
        """Give the claim up: the task failed for good, the same call may run again."""
        return self._settle(claimed, lambda lease, now: claims.release(lease, now, token=claimed.token))

    def wait(self, claimed: Claimed, *, ttl: timedelta) -> Running | ClaimLost:
        """Keep the claim for the same task id until its retry; ``ttl`` is the wait and some more."""
        return self._settle(claimed, lambda lease, now: claims.wait(lease, now, token=claimed.token, ttl=ttl))

    def _note_in(self, where: str, key: str, change: Change[Any], ttl: timedelta) -> None:
        """Make a record in the store that the claim is not in, if that answers."""
        self._watch_fallback(ttl)
        with suppress(StoreUnavailable):
            self._transact(where, key, change, _NOTHING)

    def _watch_fallback(self, ttl: timedelta) -> None:
        until = self._clock.monotonic() + ttl.total_seconds()
        self._watch_fallback_until = max(self._watch_fallback_until, until)

    def _held_in_fallback(self, key: str) -> bool:
        with suppress(StoreUnavailable):
            return self._transact(FALLBACK, key, lambda lease, now: (lease, is_live(lease, now)), None)
        return False

    def _settle(self, claimed: Claimed, change: Change[T]) -> T:
        """Change a claim where it was made, which is probably as this run left it."""
        return self._transact(claimed.store, claimed.key, change, Guess(claims.stored(claimed)))

    def _transact(self, where: str, key: str, change: Change[T], guess: Guess | None) -> T:
        return self._stores[where].transact(CLAIM_KIND, key, change, guess=guess)
