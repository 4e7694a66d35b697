"""What a place that keeps leases must do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, TypeVar

from redrive.leases.types import Lease

T = TypeVar("T")

Change: TypeAlias = Callable[[Lease | None, datetime], tuple[Lease | None, T]]
"""From the stored lease (or None) and the store's ``now`` to the lease to store (None: delete it) and an
answer.

Must be pure: on a conflict it is called again with what the other writer stored."""


class StoreUnavailable(Exception):  # noqa: N818  # the word used in prose everywhere
    """The store cannot be reached or does not answer in time.

    After a write whose answer got lost, the change may or may not have been made: leases end by themselves,
    so that the worst case is one that runs out unused.
    """


@dataclass(frozen=True, slots=True)
class Guess:
    """What is probably stored: ``None`` for nothing live, else a live document exactly as it was written last.

    A store may try a change on it in one round trip. Right or wrong, the outcome is the same; only the cost differs.
    Allowed for changes whose new document depends on ``now`` only by ending a fixed time later and by `next_fence`.
    """

    lease: Lease | None


class LeaseStore(Protocol):
    """Keeps leases, changes one at a time, and owns the clock that ends them.

    `redrive.testing.LeaseStoreContract` is the executable version of this page: a store is right when it
    passes. Safe for use from several threads and processes at once, also after a fork.
    """

    def transact(self, kind: str, key: str, change: Change[T], *, guess: Guess | None = None) -> T:
        """Apply ``change`` to one document atomically and return its answer.

        A document whose ``expires_at`` has passed may be given to ``change`` as it was stored, or as None
        because the store has dropped it already. A decision must treat both the same. When ``change`` raises,
        nothing is written and the exception comes through. Returning the lease unchanged costs no write.
        ``guess`` saves round trips where it is right; see `Guess`.

        Raises:
            StoreUnavailable: the server is away, or the document changed under us too many times in a row.
        """

    def get(self, kind: str, key: str) -> Lease | None:
        """Return one document as stored, or None. An expired one may or may not be there any more."""

    def all(self, kind: str) -> Sequence[Lease]:
        """Return every document of a kind, sorted by key. For pages: it may walk the whole store."""
