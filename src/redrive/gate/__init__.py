"""The gate: one question before a call to something that may be down.

    gate = Gate(store)
    answer = gate.admit("shop.pay", "stripe", owner=run_token)
    if isinstance(answer, Hold):
        ...  # park the task until answer.until, because of answer.reason; this uses up no retry
    else:
        ...  # call, then:
        gate.report("shop.pay", "stripe", answer, Outcome.success())

Each downstream has a circuit breaker, shared by the whole fleet. It opens when failures of one type reach
their policy's count within a minute and most calls fail; while it is open everyone is held; when time is up
exactly one call goes as a probe, under a lease, so that a probe that dies is replaced. Success closes the
breaker, failure doubles the wait. A server's "slow down, come back in 30 s" holds everyone for those 30 s
without counting as a failure.

Only what says something about the downstream counts: invalid input, bugs and rate limits do not.
"""

from redrive.gate.downstream import DATABASE, derive_downstream
from redrive.gate.service import Gate
from redrive.gate.types import (
    GATE_KIND,
    BreakerState,
    BreakerStatus,
    GateSettings,
    GateStates,
    Hold,
    Outcome,
    Reported,
    Run,
    Transition,
)

__all__ = [
    "DATABASE",
    "GATE_KIND",
    "BreakerState",
    "BreakerStatus",
    "Gate",
    "GateSettings",
    "GateStates",
    "Hold",
    "Outcome",
    "Reported",
    "Run",
    "Transition",
    "derive_downstream",
]
