"""The words of the taxonomy: what kinds of failure there are and what a classification carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, NamedTuple

Scalar = str | int | float | bool | None


class FailureCategory(Enum):
    """The coarse filter operators use; every failure type belongs to exactly one."""

    TRANSIENT = "TRANSIENT"
    PERMANENT = "PERMANENT"
    CONFIGURATION = "CONFIGURATION"
    EXTERNAL = "EXTERNAL"
    SYSTEM = "SYSTEM"
    UNKNOWN = "UNKNOWN"


class FailureType(Enum):
    """What went wrong. The value equals the name, because records and URLs store the value."""

    TRANSIENT_DATABASE = "TRANSIENT_DATABASE"
    TRANSIENT_NETWORK = "TRANSIENT_NETWORK"
    TRANSIENT_RATE_LIMIT = "TRANSIENT_RATE_LIMIT"
    PERMANENT_VALIDATION = "PERMANENT_VALIDATION"
    PERMANENT_NOT_FOUND = "PERMANENT_NOT_FOUND"
    PERMANENT_PERMISSION = "PERMANENT_PERMISSION"
    PERMANENT_LOGIC = "PERMANENT_LOGIC"
    CONFIG_MISSING_SETTING = "CONFIG_MISSING_SETTING"
    CONFIG_INVALID_SETTING = "CONFIG_INVALID_SETTING"
    CONFIG_MISSING_SERVICE = "CONFIG_MISSING_SERVICE"
    EXTERNAL_API_DOWN = "EXTERNAL_API_DOWN"
    EXTERNAL_API_ERROR = "EXTERNAL_API_ERROR"
    EXTERNAL_TIMEOUT = "EXTERNAL_TIMEOUT"
    SYSTEM_OUT_OF_MEMORY = "SYSTEM_OUT_OF_MEMORY"
    SYSTEM_DISK_FULL = "SYSTEM_DISK_FULL"
    SYSTEM_WORKER_LOST = "SYSTEM_WORKER_LOST"
    UNKNOWN = "UNKNOWN"

    @property
    def category(self) -> FailureCategory:
        """The category this type is filed under."""
        return _CATEGORIES[self]


_PREFIXES = {
    "TRANSIENT": FailureCategory.TRANSIENT,
    "PERMANENT": FailureCategory.PERMANENT,
    "CONFIG": FailureCategory.CONFIGURATION,
    "EXTERNAL": FailureCategory.EXTERNAL,
    "SYSTEM": FailureCategory.SYSTEM,
    "UNKNOWN": FailureCategory.UNKNOWN,
}
_CATEGORIES = {member: _PREFIXES[member.value.split("_")[0]] for member in FailureType}


class RemediationAction(Enum):
    """What to do about it."""

    AUTO_RETRY = "AUTO_RETRY"
    MANUAL_RETRY = "MANUAL_RETRY"
    FIX_DATA = "FIX_DATA"
    FIX_CONFIG = "FIX_CONFIG"
    SCALE_RESOURCES = "SCALE_RESOURCES"
    ALERT_TEAM = "ALERT_TEAM"
    CHECK_EXTERNAL = "CHECK_EXTERNAL"
    INVESTIGATE = "INVESTIGATE"


class AlertLevel(StrEnum):
    """How loud to be about it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Evidence(NamedTuple):
    """One thing that was read and what it says. (A tuple: several are made per failure, in a third of the time.)

    Attributes:
        rule: Identifier of the rule that fired, such as ``sqlstate.40P01``.
        reads: What the rule reads: ``code``, ``class``, ``text``, ``frame``, ``context`` or ``project``.
        where: Which exception of the chain: ``exception``, ``cause 1``, ``context 2``, ``reason``, ``member 1``.
        found: The text or value that matched, at most 200 characters, secrets masked.
        says: The failure type this piece of evidence points at.
        trust: 0..1, how much this kind of evidence counts.
        source: Where the rule comes from (documentation, RFC, library source).
    """

    rule: str
    reads: str
    where: str
    found: str
    says: FailureType
    trust: float
    source: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; ``says`` is the type's name."""
        return {
            "rule": self.rule,
            "reads": self.reads,
            "where": self.where,
            "found": self.found,
            "says": self.says.value,
            "trust": round(self.trust, 4),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Classification:
    """What an exception means and what to do about it.

    Attributes:
        failure_type: The type; ``UNKNOWN`` where nothing tells.
        confidence: 0..1; of many answers given with 0.9, nine in ten are right.
        remediation_action: The first of ``remediation_actions``.
        remediation_actions: What to do, most useful first, never empty.
        remediation_details: A sentence an operator can act on.
        retry_recommended: Whether the same call, unchanged, would plausibly succeed later.
        retry_delay_seconds: Advised wait before the next attempt; a server's own Retry-After where it
            sent one (capped at 24 hours); 0 when no retry is recommended and no server said otherwise.
        alert_level: How loud to be.
        context: The scalar entries of the caller's ``task_context``.
        evidence: What was read, strongest first. The first entry decided.
        exception_type: Dotted class name of the exception itself.
    """

    failure_type: FailureType
    confidence: float
    remediation_action: RemediationAction
    remediation_actions: tuple[RemediationAction, ...]
    remediation_details: str
    retry_recommended: bool
    retry_delay_seconds: float
    alert_level: AlertLevel
    context: Mapping[str, Scalar] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    exception_type: str = ""

    @property
    def category(self) -> FailureCategory:
        """The category of ``failure_type``."""
        return self.failure_type.category

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form: enums by value, evidence as a list of dicts."""
        return {
            "failure_type": self.failure_type.value,
            "category": self.category.value,
            "confidence": round(self.confidence, 4),
            "remediation_action": self.remediation_action.value,
            "remediation_actions": [action.value for action in self.remediation_actions],
            "remediation_details": self.remediation_details,
            "retry_recommended": self.retry_recommended,
            "retry_delay_seconds": self.retry_delay_seconds,
            "alert_level": self.alert_level.value,
            "context": dict(self.context),
            "evidence": [item.to_dict() for item in self.evidence],
            "exception_type": self.exception_type,
        }
