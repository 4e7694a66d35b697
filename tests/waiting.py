"""Waiting for a condition with a deadline: what tests use where others would sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T], seconds: float, what: str | Callable[[], str], *, every: float = 0.05
) -> T:
    """Return the first true value of `condition`, asked every `every` seconds.

    Raises:
        TimeoutError: `condition` was not true within `seconds`; the message says `what` was awaited (a
        string, or a
            function called at that moment, for messages that quote a log).
    """
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what() if callable(what) else what}")
        time.sleep(every)
