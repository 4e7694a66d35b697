"""Whether a chord was given up because a member failed, or because its results could not be read."""

import pytest
from celery.exceptions import ChordError
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import EagerResult

from redrive.celery.chords import is_members_own


def raised_by_reading(result: EagerResult) -> BaseException:
    with pytest.raises(ValueError, match="three") as caught:
        result.get()
    return caught.value


def test_what_a_member_failed_with_is_its_own() -> None:
    failed = EagerResult("one", ValueError("three"), "FAILURE")

    assert is_members_own(raised_by_reading(failed))
    assert is_members_own(ChordError("Dependency one raised ValueError('three')"))


@pytest.mark.parametrize("problem", [ConnectionError("refused"), ValueError("no JSON"), CeleryTimeoutError()])
def test_what_reading_them_failed_with_is_not(problem: Exception) -> None:
    with pytest.raises(type(problem)) as caught:
        raise problem

    assert not is_members_own(caught.value)
