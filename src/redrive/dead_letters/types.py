"""The ending of an attempt, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from redrive.payload import MessageSource, StoredMessage

VERSION = 1
"""Version of the JSON form. A reader refuses a newer one and leaves it for a newer keeper."""


class NewerVersion(ValueError):  # noqa: N818  # reads as what it is
    """The data was written by a newer release, which alone can read it."""


class Outcome(StrEnum):
    """How an attempt ended."""

    FAILED = "failed"
    """It raised, or its worker died under it."""
    SUCCEEDED = "succeeded"
    HELD = "held"
    """A gate or another run of the same idempotency key did not let it start. Not an attempt."""
    REVOKED = "revoked"
    """It was cancelled or expired before or while it ran."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What the one who saw the ending wants done. The row has the last word on the number of retries."""

    retry: bool
    delay_seconds: float = 0.0
    max_retries: int = 0
    reason: str = ""
    explain: Mapping[str, Any] = field(default_factory=dict)
    hint_seconds: float | None = None
    """How long the server itself asked to be left alone (Retry-After), if it did."""
    native: bool = False
    """Celery itself has already sent the retry; nobody else may send it."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Proposal:
        """The proposal from :meth:`to_dict`'s form; keys this release does not know are left out."""
        return cls(**{f.name: data[f.name] for f in fields(cls) if f.name in data})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How one attempt of one task ended, and all that is needed to run it again.

    ``attempt`` is the number the message claims (1 is the first run). ``classification``, ``fingerprint`` and
    ``proposal`` are empty where whoever saw the ending could not decide (the worker's main process); the keeper
    then decides when it records it.
    """

    outcome: Outcome
    task_id: str
    task_name: str
    attempt: int
    ended_at: datetime
    source: str
    delivery: int = 0
    app_name: str = ""
    worker: str = ""
    queue: str = ""
    business_unit: str = ""
    correlation_id: str = ""
    release: str = ""
    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)
    message: StoredMessage | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    exception_type: str = ""
    exception_message: str = ""
    traceback: str = ""
    classification: Mapping[str, Any] | None = None
    fingerprint: str = ""
    proposal: Proposal | None = None
    hold_reason: str = ""
    started: bool = False
    """Whether the message came from a record and was marked as started there."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        data = {f.name: getattr(self, f.name) for f in fields(self)}
        data["version"] = VERSION
        data["outcome"] = self.outcome.value
        data["ended_at"] = self.ended_at.isoformat()
        data["message"] = self.message.to_dict() if self.message else None
        data["proposal"] = self.proposal.to_dict() if self.proposal else None
        for name in ("options", "context"):
            data[name] = dict(data[name])
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ending:
        """The ending from :meth:`to_dict`'s form. Raises ValueError, KeyError or TypeError on anything else.

        Keys this release does not know are left out.

        Raises:
            NewerVersion: The form is of a newer version.
        """
        if data["version"] > VERSION:
            raise NewerVersion(f"written by a newer version ({data['version']}) of redrive")
        values = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        values["outcome"] = Outcome(values["outcome"])
        values["ended_at"] = datetime.fromisoformat(values["ended_at"])
        values["message"] = StoredMessage.from_dict(values["message"]) if values.get("message") else None
        values["proposal"] = Proposal.from_dict(values["proposal"]) if values.get("proposal") else None
        return cls(**values)

    @property
    def has_message(self) -> bool:
        """Whether there is a message that could be sent again."""
        return self.message is not None and self.message.source is not MessageSource.NONE

    @property
    def due_at(self) -> datetime | None:
        """When the next attempt is due, by the clock of whoever saw the ending; None if there is none."""
        if self.proposal is None or not (self.proposal.retry or self.outcome is Outcome.HELD):
            return None
        return self.ended_at + timedelta(seconds=self.proposal.delay_seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a message goes instead of where it went before."""

    label: str
    """The priority's name, for the record's decision ("HIGH")."""
    queue: str
    priorities: Mapping[str, int] = field(default_factory=dict)
    """Message priority by transport (``amqp``, ``redis``); another transport gets none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of recording an ending.

    ``where`` is ``sql``, ``spill`` or ``nowhere``; ``retry`` says whether the task will run again.
    """

    where: str
    retry: bool
    new: bool = True
    status: str = ""
    record_id: int | None = None
