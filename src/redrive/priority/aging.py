"""What waiting does to a task's score."""

import math

from redrive.priority.rules import AGE_STEPS, SLA_POINTS
from redrive.priority.types import PriorityAdjustment


def sla_breach(age_hours: float, sla_hours: float | None) -> PriorityAdjustment | None:
    """Return the point for a broken promise, from the promised moment on; None without a promise or in
    time."""
    if sla_hours is None or age_hours < sla_hours:
        return None
    return PriorityAdjustment("sla", "SLA breach", SLA_POINTS)


def aging(age_hours: float, sla_hours: float | None) -> PriorityAdjustment | None:
    """Return the points for age; only the highest step counts.

    The steps are 6, 12 and 24 hours, or 8, 16 and 32 times the promise where that comes sooner: with 15
    minutes promised, 2, 4 and 8 hours.
    """
    limit = math.inf if sla_hours is None else sla_hours
    for hours, times_sla, points in AGE_STEPS:
        if age_hours >= min(hours, times_sla * limit):
            return PriorityAdjustment("age", f"Aged {age_hours:.1f}h", points)
    return None
