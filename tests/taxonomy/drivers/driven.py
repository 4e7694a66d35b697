"""One failure that a real library is driven into, and what must be said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redrive.taxonomy import Classification, FailureTaxonomy


@dataclass(frozen=True)
class Driven:
    """A failure to provoke.

    Attributes:
        name: What happens, for the test's id.
        types: The type it must get; after commas those that are also right by the labelling rules.
        retry: Whether the same call, unchanged, plausibly succeeds later.
        provoke: Raises. Takes what its test file gives to all of its cases.
    """

    name: str
    types: str
    retry: bool
    provoke: Callable[..., object]

    def __str__(self) -> str:
        return self.name


def failure_of(provoke: Callable[..., object], *given: Any) -> BaseException:
    """What ``provoke`` raises."""
    try:
        answer = provoke(*given)
    except Exception as problem:
        return problem
    raise AssertionError(f"nothing was raised; it returned {answer!r}")


def check(case: Driven, *given: Any) -> Classification:
    """Provoke the failure and assert its type and retry advice."""
    problem = failure_of(case.provoke, *given)

    answer = FailureTaxonomy.classify(problem, {"task_name": "shop.tasks.driven", "retry_count": 0})

    told = f"{type(problem).__module__}.{type(problem).__qualname__}: {problem} -> {answer.evidence[:2]}"
    assert answer.failure_type.value in case.types.split(","), told
    assert answer.retry_recommended is case.retry, told
    return answer
