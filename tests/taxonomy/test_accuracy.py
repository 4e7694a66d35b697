"""How right the classifier is on real exceptions.

The floors lie just below what is reached; a fall under one is a regression.
"""

from collections import Counter

import pytest

from tests.taxonomy.cases import Case, labelled, own_examples, score

LABELLED = labelled()
OWN = own_examples()


def test_labelled_failures_are_all_there() -> None:
    assert len(LABELLED) == 330
    assert len(Counter(case.label for case in LABELLED)) == 16


def test_labelled_failures_get_a_right_or_defensible_type() -> None:
    result = score(LABELLED)

    assert result.lenient >= 0.99, result.misses
    assert result.strict >= 0.97
    assert result.macro_lenient >= 0.98


def test_retry_advice_agrees_on_labelled_failures() -> None:
    assert score(LABELLED).retry >= 0.98


def test_a_retry_is_rarely_advised_where_none_helps() -> None:
    wrong = [case.id for case in LABELLED if case.classify().retry_recommended and not case.retryable]

    assert len(wrong) <= 2, wrong


def test_confidence_is_calibrated_on_labelled_failures() -> None:
    # The rules have seen these cases, so they are more often right here than they claim for unseen ones.
    assert score(LABELLED).calibration_error <= 0.08


def test_own_examples_get_a_right_or_defensible_type() -> None:
    result = score(OWN)

    assert result.lenient >= 0.99, result.misses
    assert result.strict >= 0.93
    assert result.retry >= 0.98


@pytest.mark.parametrize("case", [case for case in LABELLED if case.facts.frames], ids=lambda case: case.id)
def test_traceback_frames_help_but_are_rarely_needed(case: Case) -> None:
    """A classification may use the place; only reads of the environment and of settings depend on it."""
    answer = case.classify()

    assert answer.failure_type.value in case.acceptable
