"""How much goes through: the ramp's rate, the moments at which held calls come back, the retry budget.

All in calls per second. The measure is what was usual before the trouble (``expected``).

The ramp grows by the CUBIC curve of TCP (RFC 9438), as botocore's adaptive mode does for send rates: quickly
up to the ceiling, level around it, then ever faster beyond, so that a limit that still holds costs little and
one that is gone is left behind soon. After an outage of a downstream that bears 10/s it goes from 2.5/s to
10/s in 12 s and to 15/s in another 11 s.
"""

import math
from typing import Final

from redrive.gate import counts
from redrive.gate.document import Document, replace
from redrive.gate.types import BreakerState

SCALE: Final = 4e-4
"""Growth of the curve: share of the expected rate, per cubed second."""

FIRST_SHARE: Final = 0.25
"""Share of the expected rate with which a ramp begins after an outage."""

CUT: Final = 0.85
"""A cut goes to this share of what went well."""

FLOOR: Final = 0.2
"""Slowest rate there is: a ramp must find out something."""

UNKNOWN: Final = 1.0
"""Expected rate while nothing is known."""

LEAST_EXTRA: Final = 0.75
MOST_EXTRA: Final = 1.0
LONG_SECONDS: Final = 800.0
"""What waits may add to the usual rate: three quarters after a short outage, as much again after
one of a quarter of an hour. So five minutes' worth of work is through in eight, twenty minutes' worth in twenty-two."""

HASTE: Final = 1.1
"""The row brings a tenth more than may be added, so that no allowed call is left unused in a second in which few fresh
ones come. So some come in vain: see `AGAIN_SECONDS`."""

BURST_SECONDS: Final = 1.2
FRESH_SHARE: Final = 0.2
"""The bucket's size, and the part of it that those who waited leave to fresh calls. Little,
or the rate swings by it."""

AGAIN_SECONDS: Final = 10.0
AGAIN_SHARE: Final = 0.9
"""At the ramp's full rate, which is more than the row needs, one whose turn came in a busy second asks again within
ten, nine times of ten. The tenth goes to the row's end: if the full rate is too little, few ask in vain."""

LONGEST_SPACE: Final = 30.0
"""Held calls come back at least this close to each other."""

DEPOSIT: Final = 0.2
RESERVE: Final = 1.0
RESERVE_SHARE: Final = 0.1
SMALLEST_BUDGET: Final = 20.0
BUDGET_SECONDS: Final = 10.0
"""The retry budget: each success allows a fifth of a retry (Finagle's ``RetryBudget``, 20 %), each second one more or a
tenth of the usual rate; ten seconds' worth of the usual rate, 20 at least, can be saved up."""


def expected_rate(document: Document, moment: float) -> float:
    """Return the calls per second to measure a ramp by: the usual ones, else those that asked meanwhile."""
    known = counts.usual_rate(document)
    if known is not None:
        return max(known, FLOOR)
    since = document.opened_at
    asked = document.asked / max(10.0, moment - since) if since is not None else 0.0
    return max(asked, UNKNOWN)


def extra(document: Document) -> float:
    """Return what share of the usual rate may be added for what waits."""
    seconds = document.backlog / max(document.expected, FLOOR)
    return LEAST_EXTRA + (MOST_EXTRA - LEAST_EXTRA) * min(1.0, seconds / LONG_SECONDS)


def cap(document: Document) -> float:
    """Return the highest rate of the ramp."""
    return max(document.expected, FLOOR) * (1 + extra(document))


def rate(document: Document, moment: float) -> float:
    """Return the calls per second that may go now."""
    since = document.ramp_since if document.ramp_since is not None else moment
    scale = SCALE * max(document.expected, FLOOR)
    plateau = math.cbrt(max(0.0, document.ramp_ceiling - document.ramp_from) / scale)
    value = document.ramp_ceiling + scale * (max(0.0, moment - since) - plateau) ** 3
    return max(FLOOR, min(value, cap(document)))


def begin_ramp(document: Document, *, at: float, start: float, ceiling: float) -> Document:
    """Return the document with a ramp that begins at a moment, from a rate, towards a ceiling."""
    return replace(
        document,
        ramp_from=max(FLOOR, min(start, ceiling)),
        ramp_ceiling=max(FLOOR, ceiling),
        ramp_since=at,
        tokens=1.0,
        tokens_at=at,
    )


def take(
    document: Document, moment: float, *, waited: bool, ramping: bool = True, most: float | None = None
) -> tuple[Document, bool]:
    """Take a token of the bucket, if there is one for this call.

    The bucket fills at the ramp's rate, or the declared one (``most``) where that is lower. It holds 1.2 seconds'
    worth. Who waited leaves a fifth of it to fresh calls, so that these go first.
    """
    now = min(rate(document, moment) if ramping else math.inf, most if most is not None else math.inf)
    # At least two while ramping: with one, fresh calls would have no precedence at low rates.
    burst = max(2.0 if ramping else 1.0, now * BURST_SECONDS)
    if document.tokens_at is None:
        tokens = burst
    else:
        tokens = min(burst, document.tokens + max(0.0, moment - document.tokens_at) * now)
    enough = tokens >= 1.0 + ((burst - 1.0) * FRESH_SHARE if waited else 0.0)
    return replace(document, tokens=tokens - enough, tokens_at=moment), enough


def arrived(document: Document, moment: float, *, waited: bool) -> Document:
    """Return the document after a call has gone: one that waited waits no more."""
    if not waited or document.waiting == 0:
        return document
    return replace(document, waiting=max(0, still_waiting(document, moment) - 1))


def still_waiting(document: Document, moment: float) -> int:
    """Return about how many held calls have not come back; none once the row has passed."""
    passed = document.release_at is None or document.release_at <= moment
    return 0 if passed else document.waiting


def book(
    document: Document,
    moment: float,
    *,
    earliest: float,
    waited: bool,
    spread: float,
    most: float | None = None,
) -> tuple[Document, float]:
    """Return when a held call comes back: a place of its own in the row behind those that were held before.

    The row moves at the rate that is allowed for what waits, so that whenever the downstream recovers those who
    come back are spread already; at ``most`` where only a declared rate is in the way.
    """
    passed = document.release_at is None or document.release_at <= moment
    waiting = (0 if passed else document.waiting) + (0 if waited and not passed else 1)
    backlog = max(0 if passed else document.backlog, waiting)
    document = replace(document, waiting=waiting, backlog=backlog, asked=document.asked + (not waited))
    document = replace(document, expected=_measure(document, moment))
    space = (
        min(LONGEST_SPACE, 1 / (document.expected * extra(document) * HASTE)) if most is None else 1 / most
    )
    if waited and spread < AGAIN_SHARE and document.state is BreakerState.RAMP and _is_full(document, moment):
        # The row has not passed before they have asked again: a breaker that closed by then would let them all through.
        until = earliest + spread / AGAIN_SHARE * AGAIN_SECONDS
        return replace(document, release_at=max(until, document.release_at or 0.0)), until
    start = max(earliest, document.release_at or 0.0)
    return replace(document, release_at=start + space), start + spread * space


def _is_full(document: Document, moment: float) -> bool:
    return rate(document, moment) >= cap(document)


def _measure(document: Document, moment: float) -> float:
    """The expected rate; while nothing usual is known, an open breaker learns it from who asks."""
    learning = document.state in (BreakerState.OPEN, BreakerState.HALF_OPEN)
    if document.expected and not (learning and counts.usual_rate(document) is None):
        return document.expected
    return expected_rate(document, moment)


def spend(document: Document, moment: float) -> tuple[Document, bool]:
    """Take one retry from the budget, if there is one; the budget is never negative."""
    budget = _refilled(document, moment)
    enough = budget >= 1.0
    return replace(document, budget=budget - enough, budget_at=moment), enough


def deposit(document: Document, moment: float, successes: int) -> Document:
    """Return the document with the retries that successes allow; nothing to do before the first retry."""
    if document.budget is None:
        return document
    budget = min(largest_budget(document), _refilled(document, moment) + DEPOSIT * successes)
    return replace(document, budget=budget, budget_at=moment)


def largest_budget(document: Document) -> float:
    """Return how many retries can be saved up."""
    return max(SMALLEST_BUDGET, BUDGET_SECONDS * (counts.usual_rate(document) or 0.0))


def _refilled(document: Document, moment: float) -> float:
    full = largest_budget(document)
    if document.budget is None or document.budget_at is None:
        return full
    per_second = max(RESERVE, RESERVE_SHARE * (counts.usual_rate(document) or 0.0))
    return min(full, document.budget + per_second * max(0.0, moment - document.budget_at))
