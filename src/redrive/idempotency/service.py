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
    made. Each renewal follows the primary: a claim of the fallback is held in the primary too once that answers,
    and a claim of the primary is held in the fallback while it does not. After a process has met an absent
    primary it looks into the fallback as well until claims held there have ended.

    What no process can see: results in the primary while that is away; until their next renewal, claims in the
    primary while that is away, and claims made in the fallback by others who lost the primary when this process
    did not. A ``durable`` claim is only ever made in SQL, whatever becomes of Redis, and has no such window.

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
        if self._watches_fallback() and self._live_in_fallback(key):
            return self._transact(FALLBACK, key, change, _NOTHING), FALLBACK
        try:
            return self._transact(PRIMARY, key, change, _NOTHING), PRIMARY
        except StoreUnavailable as exc:
            logger.debug("Claim %s goes to the second store: %s", key, exc)
            self._watch_fallback(ttl)
            return self._transact(FALLBACK, key, change, _NOTHING), FALLBACK

    def renew(self, claimed: Claimed, *, ttl: timedelta) -> Claimed | ClaimLost:
        """Move the end of a running claim. Call it at least three times per ``ttl``.

        With the primary away its claim is held in the fallback, and `StoreUnavailable` says that it was not renewed
        in the primary. `ClaimLost` also where the other store knows another run.
        """
        try:
            answer = self._settle(
                claimed, lambda lease, now: claims.renew(lease, now, claimed=claimed, ttl=ttl)
            )
        except StoreUnavailable:
            if claimed.store == PRIMARY and isinstance(
                lost := self._mirror(FALLBACK, claimed, ttl), ClaimLost
            ):
                return lost
            raise
        if claimed.store == FALLBACK and isinstance(answer, Claimed):
            lost = self._mirror(PRIMARY, claimed, ttl)
            return lost if isinstance(lost, ClaimLost) else answer
        if claimed.store == PRIMARY and isinstance(answer, ClaimLost) and self._mirrored(claimed):
            # The primary was away for longer than the claim lasts there, or came back without it.
            return self._mirror(PRIMARY, claimed, ttl) or answer
        return answer

    def complete(self, claimed: Claimed, *, result: Any, ttl: timedelta) -> Completed | ClaimLost:
        """Record the result for ``ttl``, so that duplicates replay it. Any result is accepted; see
        `keepable`.

        With the primary away the record is made in the fallback, where those look who know that, and
        `StoreUnavailable` says that it is still missing in the primary: ask again later, with what is then left of
        ``ttl``. That holds for a claim made in the fallback too.
        """
        kept = claims.keepable(result)

        def change(lease: Lease | None, now: Any) -> tuple[Lease | None, Completed | ClaimLost]:
            return claims.complete(lease, now, claimed=claimed, result=kept, ttl=ttl)

        if claimed.store == DURABLE or FALLBACK not in self._stores:
            return self._settle(claimed, change)
        if claimed.store == FALLBACK:
            answer = self._settle(claimed, change)
            if isinstance(answer, ClaimLost):
                return answer
            self._watch_fallback(ttl)
            noted = self._transact(PRIMARY, claimed.key, change, _NOTHING)
            return noted if isinstance(noted, ClaimLost) else answer
        try:
            answer = self._settle(claimed, change)
        except StoreUnavailable:
            self._watch_fallback(ttl)
            with suppress(StoreUnavailable):
                self._transact(FALLBACK, claimed.key, change, _NOTHING)
            raise
        self._in_other(claimed, lambda lease, now: claims.release(lease, now, token=claimed.token))
        return answer

    def release(self, claimed: Claimed) -> Released | ClaimLost:
        """Give the claim up: the task failed for good, the same call may run again."""
        return self._settle_both(claimed, lambda lease, now: claims.release(lease, now, token=claimed.token))

    def wait(self, claimed: Claimed, *, ttl: timedelta) -> Running | ClaimLost:
        """Keep the claim for the same task id until its retry; ``ttl`` is the wait and some more."""
        try:
            return self._settle_both(
                claimed, lambda lease, now: claims.wait(lease, now, token=claimed.token, ttl=ttl)
            )
        except StoreUnavailable:
            self._watch_fallback(ttl)
            raise

    def _mirror(self, where: str, claimed: Claimed, ttl: timedelta) -> Claimed | ClaimLost | None:
        """Hold a claim in the store that it was not made in as well; None if that does not answer."""
        if where not in self._stores:
            return None
        self._watch_fallback(ttl)
        with suppress(StoreUnavailable):
            return self._transact(
                where,
                claimed.key,
                lambda lease, now: claims.mirror(lease, now, claimed=claimed, ttl=ttl),
                None,
            )
        return None

    def _mirrored(self, claimed: Claimed) -> bool:
        """Whether the fallback holds what mirrors a claim of the primary."""
        return (
            FALLBACK in self._stores
            and self._watches_fallback()
            and self._live_in_fallback(claimed.key, claimed.token)
        )

    def _settle_both(self, claimed: Claimed, change: Change[T]) -> T:
        """End a claim where it was made, and what mirrors it."""
        try:
            return self._settle(claimed, change)
        finally:
            self._in_other(claimed, change)

    def _in_other(self, claimed: Claimed, change: Change[Any]) -> None:
        """Change what mirrors a claim, if anything may and its store answers: a mirror ends before the watch does."""
        if claimed.store == DURABLE or FALLBACK not in self._stores or not self._watches_fallback():
            return
        with suppress(StoreUnavailable):
            self._transact(PRIMARY if claimed.store == FALLBACK else FALLBACK, claimed.key, change, None)

    def _watches_fallback(self) -> bool:
        return self._clock.monotonic() < self._watch_fallback_until

    def _watch_fallback(self, ttl: timedelta) -> None:
        until = self._clock.monotonic() + ttl.total_seconds()
        self._watch_fallback_until = max(self._watch_fallback_until, until)

    def _live_in_fallback(self, key: str, owner: str | None = None) -> bool:
        """Whether the key is held in the fallback, by this owner if one is given."""

        def look(lease: Lease | None, now: Any) -> tuple[Lease | None, bool]:
            return lease, is_live(lease, now) and owner in (None, lease.owner)

        with suppress(StoreUnavailable):
            return self._transact(FALLBACK, key, look, None)
        return False

    def _settle(self, claimed: Claimed, change: Change[T]) -> T:
        """Change a claim where it was made, which is probably as this run left it."""
        return self._transact(claimed.store, claimed.key, change, Guess(claims.stored(claimed)))

    def _transact(self, where: str, key: str, change: Change[T], guess: Guess | None) -> T:
        return self._stores[where].transact(CLAIM_KIND, key, change, guess=guess)
