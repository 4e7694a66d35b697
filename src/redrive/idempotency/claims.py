"""The life of a claim, as pure functions for `LeaseStore.transact`.

    (nothing) --claim--> running --complete--> done --(ttl over)--> (nothing)
                         running --wait--> waiting --claim by the same task--> running
                         running --release--> (nothing)
                         running, waiting --(lease over)--> (nothing)

A claim belongs to a token, one per run, not to the task id: a redelivered message has the same id as the run
it would double. Only between runs, while it waits for its retry, does the id count. Every change compares the
token with the stored one, so that a run that lost its claim changes nothing.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from redrive.idempotency.types import CLAIM_KIND, Claimed, ClaimLost, Completed, Done, Mismatch, Running
from redrive.leases import JsonValue, Lease, Released, is_live, next_fence
from redrive.leases.decisions import freed

RUNNING: Final = "running"
WAITING: Final = "waiting"
DONE: Final = "done"

MAX_RESULT_BYTES: Final = 64 * 1024
"""Larger results are not kept, only that there was one."""


def claim(
    lease: Lease | None,
    now: datetime,
    *,
    key: str,
    task_id: str,
    token: str,
    ttl: timedelta,
    fingerprint: str | None = None,
) -> tuple[Lease | None, Claimed | Running | Done | Mismatch]:
    """Take the claim, or say what stands against it.

    Args:
        key: the idempotency key.
        task_id: Celery's id, the same over retries and redeliveries.
        token: of this very run. Asking again with it renews the claim.
        ttl: how long the claim lasts unless renewed.
        fingerprint: for explicit keys, of the arguments; differing ones are a mismatch.
    """
    if is_live(lease, now):
        known = lease.data.get("fingerprint")
        if fingerprint is not None and known is not None and known != fingerprint:
            return lease, Mismatch(task_id=lease.data.get("task_id", ""))
        if lease.state == DONE:
            return lease, _done(lease, now)
        same_run = lease.state == RUNNING and lease.owner == token
        own_turn = lease.state == WAITING and lease.data.get("task_id") == task_id
        if not same_run and not own_turn:
            until = lease.expires_at or now + ttl
            return lease, Running(until, lease.data.get("task_id", ""), waiting=lease.state == WAITING)
        fence = lease.fence if same_run else next_fence(lease, now)
    else:
        fence = next_fence(lease, now)
    claimed = Claimed(
        key=key, token=token, fence=fence, until=now + ttl, task_id=task_id, fingerprint=fingerprint
    )
    return stored(claimed), claimed


def stored(claimed: Claimed) -> Lease:
    """Return the document of a running claim."""
    return Lease(
        kind=CLAIM_KIND,
        key=claimed.key,
        owner=claimed.token,
        fence=claimed.fence,
        state=RUNNING,
        expires_at=claimed.until,
        data={"task_id": claimed.task_id, "fingerprint": claimed.fingerprint},
    )


def renew(
    lease: Lease | None, now: datetime, *, claimed: Claimed, ttl: timedelta
) -> tuple[Lease | None, Claimed | ClaimLost]:
    """Move the end of a running claim."""
    if (why := _not_running(lease, now, claimed.token)) is not None:
        return lease, ClaimLost(why)
    renewed = replace(claimed, until=now + ttl)
    return stored(renewed), renewed


def mirror(
    lease: Lease | None, now: datetime, *, claimed: Claimed, ttl: timedelta
) -> tuple[Lease | None, Claimed | ClaimLost]:
    """Hold what a run has claimed in another store here too, or say that this store knows another run.

    The fence here is at least the run's own, so that whoever comes next is above it.
    """
    after, answer = claim(
        lease,
        now,
        key=claimed.key,
        task_id=claimed.task_id,
        token=claimed.token,
        ttl=ttl,
        fingerprint=claimed.fingerprint,
    )
    if not isinstance(answer, Claimed):
        return after, ClaimLost(f"a store that was away knows a run of task {answer.task_id}")
    mirrored = replace(answer, fence=max(answer.fence, claimed.fence), store=claimed.store)
    return stored(mirrored), mirrored


def complete(
    lease: Lease | None,
    now: datetime,
    *,
    claimed: Claimed,
    result: tuple[JsonValue, bool],
    ttl: timedelta,
) -> tuple[Lease | None, Completed | ClaimLost]:
    """Record that the call is done, for ``ttl``.

    ``result`` is what `keepable` made of the task's result. Where the claim has ended and nobody holds it
    now, the record is made all the same, because the work is done; the answer says that the claim was lost.
    """
    value, kept = result
    vacant = not is_live(lease, now)
    if not vacant and lease is not None and lease.state == DONE and lease.owner == claimed.token:
        return lease, Completed(kept=kept)  # asked again, because the first answer got lost
    if not vacant and (why := _not_running(lease, now, claimed.token)) is not None:
        return lease, ClaimLost(why)
    fence = next_fence(lease, now) if vacant or lease is None else lease.fence
    done = Lease(
        kind=CLAIM_KIND,
        key=claimed.key,
        owner=claimed.token,
        fence=fence,
        state=DONE,
        expires_at=now + ttl,
        data={
            "task_id": claimed.task_id,
            "fingerprint": claimed.fingerprint,
            "result": value,
            "kept": kept,
            "seconds": ttl.total_seconds(),
        },
    )
    return done, Completed(kept=kept, claim_lost=vacant)


def release(lease: Lease | None, now: datetime, *, token: str) -> tuple[Lease | None, Released | ClaimLost]:
    """Give the claim up without a result: the same call may run again at once."""
    if (why := _not_running(lease, now, token)) is not None:
        return lease, ClaimLost(why)
    assert lease is not None  # noqa: S101  # _not_running said so
    return freed(lease, now), Released()


def wait(
    lease: Lease | None, now: datetime, *, token: str, ttl: timedelta
) -> tuple[Lease | None, Running | ClaimLost]:
    """Keep the claim for the same task id while it waits for its retry; ``ttl`` is the wait and some more."""
    if (why := _not_running(lease, now, token)) is not None:
        return lease, ClaimLost(why)
    assert lease is not None  # noqa: S101  # _not_running said so
    until = now + ttl
    waiting = replace(lease, owner="", state=WAITING, expires_at=until)
    return waiting, Running(until, lease.data.get("task_id", ""), waiting=True)


def keepable(result: Any) -> tuple[JsonValue, bool]:
    """Return the result in its JSON form and True if it can be kept, else None and False.

    It can when it is JSON of at most `MAX_RESULT_BYTES` that every store takes. A tuple is replayed as a list, as
    a JSON result backend would give it.
    """
    try:
        text = json.dumps(result, allow_nan=False)
        if len(text.encode()) <= MAX_RESULT_BYTES:
            value = json.loads(text)
            if "\\u" not in text or _is_jsonb(value):
                return value, True
    except (TypeError, ValueError, RecursionError):
        pass
    return None, False


def _is_jsonb(value: JsonValue) -> bool:
    """Whether PostgreSQL's jsonb takes a value: no character NUL, no half of a surrogate pair.

    https://www.postgresql.org/docs/current/datatype-json.html
    """
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in text.replace("\\\\", "")


def _not_running(lease: Lease | None, now: datetime, token: str) -> str | None:
    if not is_live(lease, now):
        return "the claim has ended"
    if lease.state != RUNNING:
        return f"the claim is {lease.state}"
    if lease.owner != token:
        return f"the claim is held by another run of task {lease.data.get('task_id', '')}"
    return None


def _done(lease: Lease, now: datetime) -> Done:
    stands_for = timedelta(seconds=lease.data.get("seconds", 0.0))
    return Done(
        result=lease.data.get("result"),
        kept=bool(lease.data.get("kept")),
        task_id=lease.data.get("task_id", ""),
        completed_at=(lease.expires_at or now) - stands_for,
    )
