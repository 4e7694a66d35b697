"""What breakers do and what operators do with them, written down as events."""

from __future__ import annotations

from collections.abc import Mapping

from redrive import runtime
from redrive.gate import Override, Transition
from redrive.stores.sql import gate_events

GATE_VERBS: Mapping[str, Override | None] = {
    "force-open": Override.FORCED_OPEN,
    "force-closed": Override.FORCED_CLOSED,
    "observe": Override.OBSERVE,
    "release": None,
    "reset": None,
}
"""What an operator may do. An override lapses after four hours; ``release`` takes it back, ``reset`` also closes the
breaker and forgets what was counted."""


def note_transition(transition: Transition, *, actor: str = "breaker", kind: str = "") -> None:
    """Write down that a breaker has changed its state, or what an operator decided. Raises StoreUnavailable."""
    runtime.database().run(
        lambda cursor: gate_events.note_transition(cursor, transition, actor=actor, kind=kind)
    )


def note_probe(downstream: str, task_name: str, task_id: str) -> None:
    """Write down that a breaker let its probe through. Raises StoreUnavailable."""
    runtime.database().run(lambda cursor: gate_events.note_probe(cursor, downstream, task_name, task_id))


def act_on_gate(downstream: str, verb: str, *, actor: str, reason: str = "") -> Transition:
    """Do what an operator says about a downstream's breaker, and write it down.

    Args:
        verb: one of `GATE_VERBS`.

    Raises:
        StoreUnavailable: nothing was changed, or what was changed could not be written down.
    """
    if verb == "reset":
        transition = runtime.gate().reset(downstream, by=actor, reason=reason)
    else:
        transition = runtime.gate().override(downstream, GATE_VERBS[verb], by=actor, reason=reason)
    note_transition(transition, actor=actor, kind=f"gate-{verb}")
    return transition
