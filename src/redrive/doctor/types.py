"""What an examination says, and what an examination is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redrive.doctor.facts import Facts


class Severity(StrEnum):
    """How bad a finding is for the user's tasks. Members stand in the order in which findings are printed."""

    ERROR = "error"
    """Tasks are lost, run twice or wait for ever, or will as soon as something fails."""
    WARNING = "warning"
    """It works now; a restart, a load peak or a crash shows the gap."""
    INFO = "info"
    """Worth knowing; nothing is wrong."""
    OK = "ok"
    """Examined, and well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was seen."""

    id: str
    """``area.what``, constant for ever: pipelines ignore by it and ``docs/doctor.md`` explains it."""
    severity: Severity
    saw: str
    """What was found, with the actual values."""
    means: str = ""
    """What that does to the user's tasks. Empty for ``ok``."""
    remedy: str = ""
    """What to type. Empty where there is nothing to do."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready form."""
        return {
            "id": self.id,
            "severity": self.severity.value,
            "saw": self.saw,
            "means": self.means,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Examination:
    """A pure look at the facts."""

    ids: tuple[str, ...]
    """Every id it may give."""
    look: Callable[[Facts], Iterable[Finding]]
    """Gives findings; none where it does not apply, or where what it needs is away (a finding of its own)."""


def error(id: str, saw: str, means: str, remedy: str) -> Finding:
    """A finding of severity ``error``."""
    return Finding(id=id, severity=Severity.ERROR, saw=saw, means=means, remedy=remedy)


def warning(id: str, saw: str, means: str, remedy: str) -> Finding:
    """A finding of severity ``warning``."""
    return Finding(id=id, severity=Severity.WARNING, saw=saw, means=means, remedy=remedy)


def info(id: str, saw: str, means: str, remedy: str = "") -> Finding:
    """A finding of severity ``info``."""
    return Finding(id=id, severity=Severity.INFO, saw=saw, means=means, remedy=remedy)


def ok(id: str, saw: str) -> Finding:
    """A finding of severity ``ok``."""
    return Finding(id=id, severity=Severity.OK, saw=saw)
