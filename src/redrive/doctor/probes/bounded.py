"""Ask, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from redrive.doctor.facts import Away
from redrive.leases import StoreUnavailable

T = TypeVar("T")

WAIT_SECONDS = 2.0
"""Longest wait for a connection or an answer."""
PROBE_SECONDS = 10.0
"""Longest time for a probe as a whole, which waits a few times; name servers know no time limit of ours."""


class Asked(Generic[T]):
    """A question that is being answered in a thread of its own.

    The thread is a daemon: one that hangs (a name server, a disk) does not keep the command from ending.

    Args:
        question: Asks; whatever it raises becomes the reason of an ``Away``.
    """

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._answer: T | Away | None = None
        self._thread = threading.Thread(target=self._run, name="redrive-doctor", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._answer = self._question()
        except Exception as exc:
            # Whatever a client library raises, it is the finding.
            self._answer = Away(reason_of(exc))

    def answer(self, seconds: float = PROBE_SECONDS) -> T | Away:
        """The answer, or why there is none after so many seconds."""
        self._thread.join(seconds)
        if self._thread.is_alive() or self._answer is None:
            return Away(f"no answer within {seconds:.0f} s")
        return self._answer


class Unanswered(Exception):  # noqa: N818  # reads as what happened
    """Something did not answer; the text says what and why."""


def reason_of(exc: BaseException) -> str:
    """An exception in one line, with its type if the text does not say it."""
    text = " ".join(str(exc).split())
    if isinstance(exc, Unanswered | StoreUnavailable):
        return text
    kind = type(exc).__name__
    return text if kind in text else f"{kind}: {text}".rstrip(": ")
