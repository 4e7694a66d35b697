"""What the service of dead letters needs from where they are kept."""

from __future__ import annotations

from typing import Protocol

from redrive.dead_letters.types import Route


class RecordStore(Protocol):
    """Changes one record at a time, atomically, with its event."""

    def act(
        self,
        record_id: int,
        act: str,
        *,
        actor: str,
        reason: str,
        decision: str,
        route: Route | None,
        errbacks: bool,
    ) -> str:
        """Carry out ``retry`` or ``abandon``; returns "" or, in one sentence, why nothing was changed.

        ``errbacks``: those that have fired fire again.

        Raises StoreUnavailable.
        """
