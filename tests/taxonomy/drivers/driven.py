"""One failure that a real library is driven into, and what must be said of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

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


def let_go(problem: BaseException) -> None:
    """Close what the exception and the frames below it hold, here and now.

    A socket left in them is closed whenever the garbage collector comes by, and the test that runs then pays for it.
    """
    link: BaseException | None = problem
    while link is not None:
        if isinstance(link, HTTPError):
            link.close()
        traceback.clear_frames(link.__traceback__)
        link = link.__cause__ or link.__context__


def check(case: Driven, *given: Any) -> Classification:
    """Provoke the failure and assert its type and retry advice."""
    problem = failure_of(case.provoke, *given)

    answer = FailureTaxonomy.classify(problem, {"task_name": "shop.tasks.driven", "retry_count": 0})

    told = f"{type(problem).__module__}.{type(problem).__qualname__}: {problem} -> {answer.evidence[:2]}"
    let_go(problem)
    assert answer.failure_type.value in case.types.split(","), told
    assert answer.retry_recommended is case.retry, told
    return answer
