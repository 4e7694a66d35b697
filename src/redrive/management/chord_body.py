"""Run the body of a chord that a dead member has taken with it."""

from __future__ import annotations

from typing import Any

from redrive import runtime
from redrive.payload import CannotOpen, workflow_of
from redrive.stores.sql.acting import add_event, read_message


class NoChord(LookupError):  # noqa: N818  # reads as what it is
    """The record's task was no member of a chord, or its message cannot be read here."""


def run_chord_body(record_id: int, results: list[Any], *, actor: str, reason: str = "") -> str:
    """Run the body of the chord that a dead task was a member of, with results of one's own.

    The chord itself is lost: its other members have reported to a count that the failure ended. The body runs under its
    own id, so that whoever waits for it sees it succeed.

    Args:
        record_id: Id of the member's record.
        results: What the members would have returned, in their order. An immutable body takes none of it.
        actor: Who wants it (a user name).
        reason: Why, in their words.

    Returns:
        The id it was sent under.

    Raises:
        NoChord: There is no such body; the message says why.
        StoreUnavailable: The database is away.
        kombu.exceptions.OperationalError: The broker is away.
    """
    message = runtime.database().run(lambda cursor: read_message(cursor, record_id))
    if message is None:
        raise NoChord("There is no such record, or its message could not be had.")
    try:
        message = runtime.opened(message)
    except CannotOpen as exc:
        raise NoChord(f"There is no reading it: {exc}.") from exc
    if message.content_type != "application/json":
        raise NoChord(f"Its message is {message.content_type}, which is read by workers only.")
    body = workflow_of(message).chord
    if body is None:
        raise NoChord("Its task was no member of a chord.")
    signature = runtime.celery_app().signature(dict(body))
    sent = signature.apply_async(args=(results,))
    numbers = {"record": record_id, "task": str(signature.task), "results": len(results)}
    runtime.database().run(
        lambda cursor: add_event(
            cursor, actor=actor, kind="chord-body", subject=str(sent.id), reason=reason, numbers=numbers
        )
    )
    return str(sent.id)
