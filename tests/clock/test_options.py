"""A task's options are checked when they are written, and travel as JSON."""

import json
from enum import Enum
from typing import Any

import pytest

from redrive.options import PRIORITY_LEVELS, Options
from redrive.priority import TaskPriority
from redrive.retry import RetryPolicy


def choose(policy: Any, exception: Any, context: Any) -> None: ...


def test_defaults_change_nothing() -> None:
    assert Options().to_dict() == {
        "downstream": None,
        "policy": None,
        "priority": None,
        "critical": False,
        "retry_safe": None,
        "max_age_seconds": None,
    }


def test_a_typo_is_a_type_error_when_written() -> None:
    with pytest.raises(TypeError, match="retry_save"):
        Options(retry_save=True)  # type: ignore[call-arg]


def test_options_are_keyword_only_and_frozen() -> None:
    with pytest.raises(TypeError):
        Options("stripe")  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Options().critical = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("downstream", "", "a name such as 'stripe'"),
        ("downstream", 3, "a name such as 'stripe'"),
        ("policy", 3, "a RetryPolicy, a failure type's name, or a function"),
        ("priority", 7, "one of CRITICAL, HIGH, MEDIUM, LOW, DEFERRED"),
        ("priority", "URGENT", "one of CRITICAL, HIGH, MEDIUM, LOW, DEFERRED"),
        ("priority", True, "one of CRITICAL, HIGH, MEDIUM, LOW, DEFERRED"),
        ("critical", "yes", "True or False"),
        ("critical", None, "True or False"),
        ("retry_safe", 1, "True, False or None"),
        ("max_age_seconds", 0, "seconds above 0"),
        ("max_age_seconds", "1h", "seconds above 0"),
    ],
)
def test_a_wrong_value_is_one_clear_sentence(field: str, value: Any, expected: str) -> None:
    with pytest.raises(TypeError) as caught:
        Options(**{field: value})

    assert str(caught.value) == f"Options({field}={value!r}): {field} must be {expected}."


@pytest.mark.parametrize("priority", ["HIGH", "high", 8, TaskPriority.HIGH])
def test_a_priority_may_be_given_by_name_value_or_level(priority: Any) -> None:
    assert Options(priority=priority).priority_name == "HIGH"


def test_levels_are_those_of_the_priority_service() -> None:
    assert {level.name: level.value for level in TaskPriority} == dict(PRIORITY_LEVELS)
    assert issubclass(TaskPriority, Enum)


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        ("EXTERNAL_API_DOWN", "EXTERNAL_API_DOWN"),
        (RetryPolicy(key="patient", max_retries=3), "patient"),
        (choose, "tests.clock.test_options.choose"),
    ],
)
def test_a_policy_travels_as_its_name(policy: Any, name: str) -> None:
    assert Options(policy=policy).to_dict()["policy"] == name


def test_options_survive_the_trip_through_json() -> None:
    options = Options(downstream="stripe", policy="UNKNOWN", priority="LOW", critical=True, retry_safe=False)

    assert Options.from_dict(json.loads(json.dumps(options.to_dict()))) == options


def test_fields_of_a_newer_release_are_left_out() -> None:
    assert Options.from_dict({"downstream": "stripe", "invented_later": 1}) == Options(downstream="stripe")
