"""What else hangs on a task: the rest of its chain, its chord, its callbacks. Read from its message, for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redrive.payload.types import ERRBACKS, StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """The canvas around one task, by the names of its tasks."""

    chain: tuple[str, ...] = ()
    """Tasks that follow when it succeeds, the next one first."""
    callbacks: tuple[str, ...] = ()
    """Tasks linked to its success."""
    errbacks: tuple[str, ...] = ()
    """Tasks linked to its failure that have fired."""
    chord: Mapping[str, Any] | None = None
    """The signature of its chord's body."""

    @property
    def body(self) -> str:
        """The name of its chord's body; empty outside a chord."""
        return _name(self.chord) if self.chord is not None else ""

    def words(self, record_id: int) -> list[str]:
        """What a retry of a dead task does to the rest, and what it can no longer repair; a sentence each."""
        said = []
        if self.chain:
            said.append(f"After it succeeds its chain goes on: {', '.join(self.chain)}.")
        if self.callbacks:
            said.append(f"After it succeeds these are called: {', '.join(self.callbacks)}.")
        if self.errbacks:
            said.append(
                f"These were called when it failed, and are not called again: {', '.join(self.errbacks)}."
                f" If they should be: manage.py redrive retry {record_id} --errbacks"
            )
        if self.chord is not None:
            said.append(
                "It was a member of a chord, which failed with it for good: a retry runs this member only, and its"
                f" body {self.body} does not run. To run that with results of your own:"
                f" manage.py redrive chord-body {record_id} --results '[...]'"
            )
        return said


def workflow_of(message: StoredMessage) -> Workflow:
    """The canvas around a message's task; empty where the body is not JSON, for nothing is unpickled here."""
    if message.content_type != "application/json":
        return Workflow()
    try:
        embed = json.loads(message.body)[2]
        chord = embed.get("chord")
        return Workflow(
            chain=_names(reversed(embed.get("chain") or ())),
            callbacks=_names(embed.get("callbacks") or ()),
            errbacks=_names(message.properties.get(ERRBACKS) or ()),
            chord=chord if isinstance(chord, Mapping) else None,
        )
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError):
        return Workflow()


def _names(signatures: Any) -> tuple[str, ...]:
    return tuple(_name(signature) for signature in signatures)


def _name(signature: Any) -> str:
    return str(signature.get("task") or "?") if isinstance(signature, Mapping) else "?"
