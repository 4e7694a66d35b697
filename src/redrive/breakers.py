"""What breakers do and what operators do with them, written down as events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redrive import runtime
from redrive.gate import Override, Transition
from redrive.stores.sql.acting import add_event

GATE_VERBS: Mapping[str, Override | None] = {
    "force-open": Override.FORCED_OPEN,
    "force-closed": Override.FORCED_CLOSED,
    "observe": Override.OBSERVE,
    "release": None,
    "reset": None,
}
"""What an operator may do. An override lapses after four hours; ``release`` takes it back, ``reset`` also closes the
breaker and forgets what was counted."""


def note_transition(transition: Transition) -> None:
    """Write down that a breaker has changed its state. Never raises: it has changed all the same."""
    event = _event(transition, "breaker", f"breaker-{transition.after.value}")
    runtime.recorder().note(event, transition.at)


def note_probe(downstream: str, task_name: str, task_id: str) -> None:
    """Write down that a breaker let its probe through. Never raises: the probe must go, and report."""
    event = {
        "actor": "breaker",
        "kind": "breaker-half_open",
        "subject": downstream,
        "reason": f"{task_name} goes as the one probe of {downstream}.",
        "numbers": {"before": "open", "after": "half_open", "task_id": task_id},
    }
    runtime.recorder().note(event, runtime.clock.now())


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
    event = _event(transition, actor, f"gate-{verb}")
    runtime.database().run(lambda cursor: add_event(cursor, **event))
    return transition


def _event(transition: Transition, actor: str, kind: str) -> dict[str, Any]:
    numbers = {
        "before": transition.before.value,
        "after": transition.after.value,
        "type": transition.failure_type,
        "until": transition.until.isoformat() if transition.until is not None else None,
    }
    subject, reason = transition.downstream, transition.reason
    return {"actor": actor, "kind": kind, "subject": subject, "reason": reason, "numbers": numbers}
