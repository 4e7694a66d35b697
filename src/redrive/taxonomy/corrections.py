"""What operators say of the classifier's answers: that a failure is of another type, or that the type is right.

What is said of a fingerprint holds for every later failure that has it, until it is revoked. Both kinds of saying
count towards the figure of how often operators agree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from redrive.taxonomy.types import FailureType


class CorrectionStore(Protocol):
    """Keeps one answer per fingerprint; each act is one conditional change and one event, in one transaction."""

    def judge(self, fingerprint: str, says: FailureType, *, actor: str, reason: str) -> str:
        """Keep what an operator says; returns "" or, in one sentence, why nothing changed. Raises StoreUnavailable."""

    def revoke(self, fingerprint: str, *, actor: str, reason: str) -> str:
        """Forget it again; returns "" or why nothing changed. Raises StoreUnavailable."""


class Corrections:
    """Say, confirm and revoke what a failure really is."""

    def __init__(self, store: CorrectionStore) -> None:
        self._store = store

    def judge(self, fingerprint: str, says: FailureType | str, *, actor: str, reason: str = "") -> str:
        """Say that failures with this fingerprint are of type ``says``: another one, or the one they were given.

        Returns "" when it holds from now on, else why not.
        Raises StoreUnavailable.
        """
        kind = says.value if isinstance(says, FailureType) else says
        if kind not in FailureType.__members__:
            return "There is no such failure type."
        if not fingerprint:
            return "It has no fingerprint, so nothing could be learnt from it."
        return self._store.judge(fingerprint, FailureType(kind), actor=actor, reason=reason)

    def revoke(self, fingerprint: str, *, actor: str, reason: str = "") -> str:
        """Let the rules decide again. Returns "" or why nothing changed. Raises StoreUnavailable."""
        return self._store.revoke(fingerprint, actor=actor, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How operators judged one type: groups they judged, and those in which they found it right."""

    failure_type: str
    judged: int
    agreed: int

    @property
    def share(self) -> float:
        """0..1; 1 where nobody has judged."""
        return self.agreed / self.judged if self.judged else 1.0


def overall(rows: Iterable[Agreement]) -> Agreement:
    """Every type in one figure; its ``failure_type`` is empty."""
    known = list(rows)
    return Agreement(
        failure_type="", judged=sum(row.judged for row in known), agreed=sum(row.agreed for row in known)
    )
