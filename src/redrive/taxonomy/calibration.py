"""From a rule's trust to a confidence that means what it says.

The table was set between two measurements. On 1,315 exceptions written down with their types in five rounds, each
before the rules were run on it (most of tests/taxonomy/data/own_examples.txt), 92 to 95 % of the first answers were
right or defensible and 84 to 86 % exactly right; these are exotic on purpose. On the labelled real failures with each
case's own library unknown to the class rules it was 98 and 94 % (bench/taxonomy_report.py prints this table again).
"""

from __future__ import annotations

from bisect import bisect_right

from redrive.taxonomy.types import FailureType

_TRUST = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.86, 0.9, 0.95, 1.0)
_CONFIDENCE = (0.05, 0.3, 0.52, 0.6, 0.76, 0.84, 0.89, 0.932, 0.972, 0.985)
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
