"""The state machine of a record.

::

    PENDING --redrive--> RETRYING --fails for good--> PENDING
       |                    |
       |                    +--succeeds--> RESOLVED
       +--abandon--> ABANDONED <--abandon-- RETRYING (waiting)
    ABANDONED --redrive--> RETRYING        RESOLVED is final
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What becomes of the task next (documented names)."""

    PENDING = "PENDING"
    RETRYING = "RETRYING"
    RESOLVED = "RESOLVED"
    ABANDONED = "ABANDONED"
