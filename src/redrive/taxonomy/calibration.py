"""From a rule's trust to a confidence that means what it says.

The table was set on 615 exceptions that had been written down, with their types, before the rules for them were
looked at (tests/taxonomy/data/own_examples.txt holds them): of those decided with a trust of 0.9 to 0.94, 97 % were
right or defensible and 87 % were exactly right. A stated confidence lies between the two.
"""

from __future__ import annotations

from bisect import bisect_right

from redrive.taxonomy.types import FailureType

_TRUST = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.9, 0.95, 1.0)
_CONFIDENCE = (0.05, 0.3, 0.52, 0.6, 0.76, 0.83, 0.88, 0.92, 0.965, 0.98)
_MOST_OF_UNKNOWN = 0.5


def confidence_of(score: float, says: FailureType) -> float:
    """0..1. ``score`` is the deciding rule's weighed trust; above 1 it belongs to a project rule.

    UNKNOWN is never stated with more than 0.5: it is the absence of an answer, not an answer.
    """
    if score > 1.0:
        return min(score - 1.0, 0.99)
    index = min(max(bisect_right(_TRUST, score) - 1, 0), len(_TRUST) - 2)
    low, high = _TRUST[index], _TRUST[index + 1]
    share = min(max((score - low) / (high - low), 0.0), 1.0)
    confidence = _CONFIDENCE[index] + share * (_CONFIDENCE[index + 1] - _CONFIDENCE[index])
    return min(confidence, _MOST_OF_UNKNOWN) if says is FailureType.UNKNOWN else confidence
