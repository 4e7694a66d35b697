"""What a change will do to a document, worked out before the store's time is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from redrive.leases.store import Change
from redrive.leases.types import Lease

_ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Outline:
    """The document that a change would write, without its times."""

    changed: Lease
    """What to write; its ``expires_at``, and its ``fence`` unless that is kept, are still to be filled in."""

    left: timedelta
    """From the store's ``now`` to the end of the new document."""

    keeps_fence: bool
    """Whether the fence stays the guessed one; else the time in milliseconds, at least ``least_fence``."""

    least_fence: int


def outline(guess: Lease | None, change: Change[Any]) -> Outline | None:
    """Return what ``change`` would do to the guessed document; None if that is not of the kind that can be guessed.

    Any moment at which the guessed document is live gives the same outcome, but for the times.
    """
    if guess is not None and guess.expires_at is None:
        return None
    moment = _ANY_MOMENT if guess is None or guess.expires_at is None else guess.expires_at - _MICROSECOND
    changed, _ = change(guess, moment)
    if changed is None or changed == guess or changed.expires_at is None or changed.expires_at <= moment:
        return None
    return Outline(
        changed=changed,
        left=changed.expires_at - moment,
        keeps_fence=guess is not None and changed.fence == guess.fence,
        least_fence=0 if guess is None else guess.fence + 1,
    )
