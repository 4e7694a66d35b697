"""The words of idempotency: scopes, and the answers to a claim."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from redrive.leases import JsonValue

CLAIM_KIND: Final = "claim"
"""Kind of the lease that is a claim; its key is the idempotency key."""


class Scope(StrEnum):
    """Among which calls "the same call" is looked for."""

    GLOBAL = "global"
    """Among all."""

    USER = "user"
    """Among those of the same user: the argument ``user_id`` or ``user``."""

    DEVICE = "device"
    """Among those of the same device: the argument ``device_id`` or ``device``."""

    TASK = "task"
    """Among deliveries of the same message: the Celery task id. Guards against redelivery only."""


class UnsupportedArgument(TypeError):  # noqa: N818  # says what it is about, as the message does
    """An argument has no stable encoding. The message names the argument and what to pass instead."""


class MissingScopeValue(ValueError):  # noqa: N818  # as above
    """The call does not say which user or device it is for."""


class PayloadMismatch(ValueError):  # noqa: N818  # as above
    """An explicit key was used again with other arguments: one of the two calls must be a mistake."""


class DuplicateCall(ValueError):  # noqa: N818  # as above
    """The same call runs or is done already, and the task wants to hear of that (``raise``)."""


class ClaimIsLost(RuntimeError):  # noqa: N818  # as above
    """This run does not hold its claim any more: the same call may run elsewhere, so stop before doing more."""


class OnRunning(StrEnum):
    """What a duplicate does while the same call runs, or waits for its retry."""

    WAIT = "wait"
    """Wait in its record until the holder's lease ends, then look again."""

    SKIP = "skip"
    """Succeed without running, with the result None."""

    RAISE = "raise"
    """Fail with `DuplicateCall`."""


class OnDone(StrEnum):
    """What a duplicate does after the same call has succeeded."""

    REPLAY = "replay"
    """Succeed with the recorded result; None if that was not kept."""

    SKIP = "skip"
    """Succeed without running, with the result None."""

    RAISE = "raise"
    """Fail with `DuplicateCall`."""


class StoreAway(StrEnum):
    """What a task does when Redis, where claims are, cannot be reached."""

    SQL = "sql"
    """Claim in the database; with that away too, run without a claim, or wait if critical."""

    FAIL_OPEN = "fail_open"
    """Run without a claim."""

    FAIL_CLOSED = "fail_closed"
    """Wait in its record and look again."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """The asker may run, and nobody else does."""

    key: str
    token: str
    fence: int
    """Grows with every run of this key: refuse writes that carry a lower one than was seen already."""

    until: datetime
    """End of the claim unless renewed."""

    task_id: str = ""
    """Celery's id of the task that runs."""

    fingerprint: str | None = None
    """Of the arguments, where the key is explicit."""

    store: str = "primary"
    """"primary", "fallback" or "durable": where the claim is, and where its end must be told."""


@dataclass(frozen=True, slots=True)
class Running:
    """The same call runs elsewhere, or waits for its retry."""

    until: datetime
    """When its claim ends unless renewed: worth asking again then."""

    task_id: str
    waiting: bool = False
    """It waits for its retry."""


@dataclass(frozen=True, slots=True)
class Done:
    """The same call has succeeded already."""

    result: JsonValue
    """What it returned; None also when not kept, so look at ``kept``."""

    kept: bool
    """False: the result was too large or not JSON that every store takes, so it cannot be replayed."""

    task_id: str
    completed_at: datetime


@dataclass(frozen=True, slots=True)
class Completed:
    """The result is recorded."""

    kept: bool
    """Whether the result itself was, too."""

    claim_lost: bool = False
    """The claim had ended before the run did, so a second run was possible. Worth an alert."""


@dataclass(frozen=True, slots=True)
class ClaimLost:
    """Somebody else holds the claim now; nothing was changed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The key is known with other arguments. The service raises it as `PayloadMismatch`."""

    task_id: str
