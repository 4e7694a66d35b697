"""How a task ended, what becomes of it, and who may change that.

An :class:`Ending` says how one attempt ended, whoever saw it: the wrapper around the task's body, a signal in the
pool child, or the worker's main process. It is plain data: it can wait in a file and be recorded later by somebody
else, and recording it twice changes nothing. :class:`DeadLetters` is how people change what becomes of a record.
"""

from redrive.dead_letters.service import Acted, DeadLetters
from redrive.dead_letters.states import Status
from redrive.dead_letters.store import RecordStore
from redrive.dead_letters.types import Ending, NewerVersion, Outcome, Proposal, Recorded, Route

__all__ = [
    "Acted",
    "DeadLetters",
    "Ending",
    "NewerVersion",
    "Outcome",
    "Proposal",
    "RecordStore",
    "Recorded",
    "Route",
    "Status",
]
