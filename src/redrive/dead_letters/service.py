"""The one way in which people (and programs for them) change what becomes of a record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from redrive.dead_letters.store import RecordStore
from redrive.dead_letters.types import Route


@dataclass(slots=True)
class Acted:
    """What came of an act: ids it changed, and the others with the reason."""

    done: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


class DeadLetters:
    """Send records back to work, or give them up. Every act is an Event with actor and reason.

    An act on many records changes each on its own: one that cannot be changed does not keep the others from it.
    """

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def retry(
        self,
        record_ids: Iterable[int],
        *,
        actor: str,
        reason: str = "",
        route: Route | None = None,
        errbacks: bool = False,
    ) -> Acted:
        """Make each record due now: dead and abandoned ones begin a new round, waiting ones stop waiting.

        The keeper sends them; ``done`` means that the record says so, not that the task has run.

        Args:
            record_ids: Ids of records.
            actor: Who wants it (a user name).
            reason: Why, in their words.
            route: Another queue and priority for the message; None keeps its own.
            errbacks: Let the errbacks that have fired fire again if the task fails again.

        Raises:
            StoreUnavailable: The database is away.
        """
        suffix = f", {route.label} priority" if route else ""
        return self._act(
            record_ids,
            "retry",
            actor,
            reason,
            f"Redriven by {actor}{suffix}. {reason}".strip(),
            route,
            errbacks,
        )

    def abandon(self, record_ids: Iterable[int], *, actor: str, reason: str = "") -> Acted:
        """Give each record up. Raises StoreUnavailable."""
        return self._act(record_ids, "abandon", actor, reason, f"Abandoned by {actor}. {reason}".strip())

    def _act(
        self,
        record_ids: Iterable[int],
        act: str,
        actor: str,
        reason: str,
        decision: str,
        route: Route | None = None,
        errbacks: bool = False,
    ) -> Acted:
        acted = Acted()
        for record_id in record_ids:
            refused = self._store.act(
                record_id, act, actor=actor, reason=reason, decision=decision, route=route, errbacks=errbacks
            )
            if refused:
                acted.refused[record_id] = refused
            else:
                acted.done.append(record_id)
        return acted
