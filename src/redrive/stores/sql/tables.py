"""Names, versions and limits that the statements share."""

from __future__ import annotations

from redrive.payload import clean_text

ROW_VERSION = 1
"""Version of the row's format. A keeper leaves rows of a newer one to newer keepers."""
SETTLE_SECONDS = 2
"""A task is sent again no sooner than this after its attempt ended: its state must be stored and its message acked."""
CELERY = "celery"
"""Lease owner of a record whose retry Celery itself has sent."""

REVOKED = "celery.exceptions.TaskRevokedError"
"""``exception_type`` of a task that was revoked or had expired; workers refuse its id from then on."""

TABLE = "redrive_taskfailurerecord"
ATTEMPTS = "redrive_failureattempt"
ITEMS = "redrive_redriveitem"


def bounded(value: str, limit: int) -> str:
    """Text that fits its column and that PostgreSQL takes (no NUL, no lone surrogates)."""
    value = clean_text(value)
    return value if len(value) <= limit else value[: limit - 1] + "…"
