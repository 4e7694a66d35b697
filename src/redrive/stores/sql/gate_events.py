"""The history of breakers: every change of state, and every word of an operator, with its numbers."""

from __future__ import annotations

from redrive.gate import Transition
from redrive.stores.sql.acting import add_event
from redrive.stores.sql.connection import Cursor


def note_transition(cursor: Cursor, transition: Transition, *, actor: str, kind: str) -> None:
    """Note a change of state; ``kind`` is empty for one that the breaker made by itself."""
    numbers = {
        "before": transition.before.value,
        "after": transition.after.value,
        "type": transition.failure_type,
        "until": transition.until.isoformat() if transition.until is not None else None,
    }
    kind = kind or f"breaker-{transition.after.value}"
    subject, reason = transition.downstream, transition.reason
    add_event(cursor, actor=actor, kind=kind, subject=subject, reason=reason, numbers=numbers)


def note_probe(cursor: Cursor, downstream: str, task_name: str, task_id: str) -> None:
    """Note that a task goes to find out whether a downstream is back."""
    numbers = {"before": "open", "after": "half_open", "task_id": task_id}
    reason = f"{task_name} goes as the one probe of {downstream}."
    add_event(
        cursor,
        actor="breaker",
        kind="breaker-half_open",
        subject=downstream,
        reason=reason,
        numbers=numbers,
    )
