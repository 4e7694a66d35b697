"""In a storm of failures, one full traceback per kind of failure and minute; the others are shortened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from redrive.dead_letters import Ending

EVERY = timedelta(minutes=1)
"""How often a process stores the full traceback of failures with one fingerprint."""
SHORT = 1_000
"""Characters of a shortened traceback, at most."""
MOST_REMEMBERED = 1_000
"""Fingerprints remembered; when there are more, the process forgets them all and stores full tracebacks again."""
_NOTE = "(Shortened: this minute's first failure with the fingerprint {fingerprint} has the full traceback.)"


class TracebackLimit:
    """Shortens the tracebacks of what fails again and again. Not shared between processes, and needs no lock.

    A process decides by itself, so that a failure asks nobody: a worker with four children stores at most four full
    tracebacks per fingerprint and minute.
    """

    def __init__(self) -> None:
        self._last: dict[str, datetime] = {}

    def apply(self, ending: Ending) -> Ending:
        """The ending, with its traceback shortened if one of its fingerprint was stored less than a minute before."""
        fingerprint, at = ending.fingerprint, ending.ended_at
        if not fingerprint or len(ending.traceback) <= SHORT:
            return ending
        last = self._last.get(fingerprint)
        # A moment ahead of this one is a clock that was set back, and says nothing.
        if last is not None and last <= at < last + EVERY:
            return replace(ending, traceback=shortened(ending.traceback, fingerprint))
        if len(self._last) >= MOST_REMEMBERED:
            self._last.clear()
        self._last[fingerprint] = at
        return ending


def shortened(text: str, fingerprint: str) -> str:
    """The end of a traceback, from a frame on: where it failed and with what."""
    note = _NOTE.format(fingerprint=fingerprint)
    room = SHORT - len(note) - 1
    end = text[-room:]
    start = end.find("\n  File ")
    return f"{note}\n{end[start + 1 :] if start >= 0 else end}"
