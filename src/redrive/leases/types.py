"""What a lease is, and the answers its decisions give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

JsonValue: TypeAlias = Any
"""Anything `json.dumps` takes: None, bool, number, str, list, dict with str keys."""

HELD: Final = "held"
FREE: Final = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One stored document. Two leases are equal when all their fields are."""

    kind: str
    """What it is for: "claim", "gate", "duty". Letters, digits, "_", "-" and "."."""

    key: str
    """Which one of its kind. Any text up to 200 characters."""

    owner: str = ""
    """Token of the holder; empty when nobody holds it."""

    fence: int = 0
    """Grows with every new holder of this key."""

    state: str = HELD
    """A word of the part that uses it; `HELD` and `FREE` for plain leases."""

    expires_at: datetime | None = None
    """End of the lease by the store's clock, aware UTC. None: kept until deleted, or as long as the store
    keeps documents without an end (Redis: 30 days after the last change)."""

    data: Mapping[str, JsonValue] = field(default_factory=dict)
    """What the part that uses it wants to remember, JSON."""


@dataclass(frozen=True, slots=True)
class Acquired:
    """The lease is held by the asker."""

    fence: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Busy:
    """Someone else holds the lease."""

    owner: str
    until: datetime | None
    """When it ends by itself; None: only when released."""


@dataclass(frozen=True, slots=True)
class Released:
    """The lease was given back."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The asker does not hold the lease (any more)."""

    reason: str
    """One sentence for a log line."""
