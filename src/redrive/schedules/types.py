"""The words of schedules: entries, when they fire, what is known of their tasks, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Interval:
    """Every so many seconds since it last fired; its phase is not known."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Crontab:
    """The parsed sets of Celery's crontab: a time fires if every set holds it (Celery ANDs both day fields)."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """0 is Sunday."""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Clocked:
    """Once, at that moment."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Solar:
    """At an event of the sun, such as ``sunrise``: once a day or less."""

    event: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """When it fires cannot be told, and why."""

    why: str


Timing: TypeAlias = Interval | Crontab | Clocked | Solar | Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One enabled or disabled line of a schedule. ``arguments`` is canonical JSON of ``[args, kwargs]``."""

    name: str
    task: str
    timing: Timing
    words: str = ""
    """When it fires, as its schedule prints itself."""
    arguments: str = "[[],{}]"
    source: str = "settings"
    """``settings`` (``beat_schedule``) or ``database`` (django-celery-beat)."""
    id: int | None = None
    """Its number in the database."""
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTask:
    """What a task of a schedule says about itself. ``ttl_seconds`` and ``scope`` count if it is idempotent."""

    name: str
    idempotent: bool = False
    ttl_seconds: float = 3600.0
    scope: str = "global"
    key_is_computed: bool = False
    """A function makes its key, so that two calls with the same arguments may differ."""
    retry_safe: bool = False
    acks_late: bool = False
    critical: bool = False


class Severity(StrEnum):
    """How bad a finding is."""

    FAULT = "fault"
    """Runs are lost or doubled: the command exits with 1."""
    ADVICE = "advice"
    """Worth a declaration."""
    UNKNOWN = "unknown"
    """It could not be judged. Never taken for a pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing found about one entry, or about several together."""

    kind: str
    """``period-below-ttl``, ``not-idempotent``, ``duplicate``, ``similar`` or ``not-judged``."""
    severity: Severity
    entries: tuple[str, ...]
    task: str
    words: str
    fix: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "kind": self.kind,
            "severity": self.severity.value,
            "entries": list(self.entries),
            "task": self.task,
            "words": self.words,
            "fix": self.fix,
            "evidence": dict(self.evidence),
        }
