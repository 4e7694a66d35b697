"""The gate: one question before a call to something that may be down.

    gate = Gate(store)
    answer = gate.admit("shop.pay", "stripe", owner=run_token)
    if isinstance(answer, Hold):
        ...  # park the task until answer.until, because of answer.reason; this uses up no retry
    else:
        ...  # call, then:
        gate.report("shop.pay", "stripe", answer, Outcome.success())

Each downstream has one document, shared by the whole fleet and changed in one atomic step:

- a circuit breaker. It opens when failures of one type reach their policy's count within a minute, most calls
  fail, and calls fail on two hosts, if two are at work. Open, it holds everyone; when time is up exactly one call
  goes as a probe, under a lease, so that a probe that dies is replaced. A probe that succeeds begins a ramp: a
  quarter of the usual rate, growing; fresh calls go before those that waited, and these come back one after the
  other, each at a moment of its own. The policy's timeout (5, 10, 30 minutes) is the longest the breaker stays
  open between two probes; it probes much sooner.
- a rate. Told to slow down (429, Retry-After), or with more failures than usual, calls go more slowly, at what
  went well before, and faster again by and by.
- a limit of calls at once: declared, or found out where deadlocks show that there is one.
- a budget of retries, for when much fails without the breaker opening.
- what an operator has decided: forced open, forced closed, only observed.

A result of a call that began before the last change of state does not count. What says nothing about the
downstream (invalid input, bugs) does not count either, nor does a task type that fails while its siblings do well.

A failure for which the gate, not the task, is to blame carries ``spends_attempt=False``: the task should wait until
``until`` as if it had been held, and keep its retries. `docs/simulation.md` shows the whole cycle in simulated time.
"""

from redrive.gate.downstream import DATABASE, derive_downstream
from redrive.gate.service import Gate
from redrive.gate.settings import GATE_KEYS, parse_gate
from redrive.gate.types import (
    CONTENTION,
    GATE_KIND,
    BreakerState,
    BreakerStatus,
    GateSettings,
    GateStates,
    Hold,
    Outcome,
    Override,
    Reported,
    Run,
    Transition,
    Window,
)

__all__ = [
    "CONTENTION",
    "DATABASE",
    "GATE_KEYS",
    "GATE_KIND",
    "BreakerState",
    "BreakerStatus",
    "Gate",
    "GateSettings",
    "GateStates",
    "Hold",
    "Outcome",
    "Override",
    "Reported",
    "Run",
    "Transition",
    "Window",
    "derive_downstream",
    "parse_gate",
]
