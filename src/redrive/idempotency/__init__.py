"""Idempotency: the same call does not run twice at once, nor again while its result is remembered.

    call = identify("shop.pay", declared, inspect.signature(body), args, kwargs, task_id=task_id, headers={})
    answer = claims.claim(call.key, task_id=task_id, token=run_token, ttl=timedelta(seconds=60))

`Claimed`: run, then `Claims.complete` with the result, or `Claims.release`, or `Claims.wait` before a retry.
`Running`: the same call runs elsewhere or waits for its retry; ask again at ``until``.
`Done`: replay ``result`` if it was ``kept``.

A claim is a lease: a worker that dies loses it when it ends, nobody has to clean up. What this promises is at
most one run per key at a time while the store can be reached, and one recorded result per key and window. It
cannot promise that a paused worker does not wake up after its claim has ended; for that each claim carries a
``fence`` to write along with.
"""

from redrive.idempotency.calls import Call, identify
from redrive.idempotency.declared import Declared, Source, read_declared
from redrive.idempotency.keys import bound_call, call_key, explicit_key, payload_fingerprint, scope_value
from redrive.idempotency.service import Claims
from redrive.idempotency.types import (
    CLAIM_KIND,
    Claimed,
    ClaimIsLost,
    ClaimLost,
    Completed,
    Done,
    DuplicateCall,
    MissingScopeValue,
    OnDone,
    OnRunning,
    PayloadMismatch,
    Running,
    Scope,
    StoreAway,
    UnsupportedArgument,
)

__all__ = [
    "CLAIM_KIND",
    "Call",
    "ClaimIsLost",
    "ClaimLost",
    "Claimed",
    "Claims",
    "Completed",
    "Declared",
    "Done",
    "DuplicateCall",
    "MissingScopeValue",
    "OnDone",
    "OnRunning",
    "PayloadMismatch",
    "Running",
    "Scope",
    "Source",
    "StoreAway",
    "UnsupportedArgument",
    "bound_call",
    "call_key",
    "explicit_key",
    "identify",
    "payload_fingerprint",
    "read_declared",
    "scope_value",
]
