"""From a rule's trust to a confidence that means what it says.

The table was set on 804 exceptions that had been written down with their types in three rounds, each before the
rules were run on it (tests/taxonomy/data/own_examples.txt holds them). In those first runs 93 to 94 % were right or
defensible and 83 % exactly right; a stated confidence lies between the two shares of its band. On the labelled
failures with each case's own library unknown, which are less exotic, the answers are a little better than stated.
"""

from __future__ import annotations

from bisect import bisect_right

from redrive.taxonomy.types import FailureType

_TRUST = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.9, 0.95, 1.0)
_CONFIDENCE = (0.05, 0.3, 0.52, 0.6, 0.74, 0.8, 0.86, 0.9, 0.95, 0.97)
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
