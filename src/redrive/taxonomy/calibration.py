"""From a rule's trust to a confidence that means what it says."""

from __future__ import annotations

from collections.abc import Sequence

from redrive.taxonomy.types import FailureType


def confidence_of(score: float, says: FailureType, others: Sequence[FailureType]) -> float:
    """0..1. ``score`` is the deciding rule's weighed trust, ``others`` what the next findings say."""
    if score > 1.0:  # a project rule
        return min(score - 1.0, 0.99)
    return max(0.05, min(score, 0.99))
