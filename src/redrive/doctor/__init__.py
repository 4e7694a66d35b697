"""``manage.py redrive doctor``: looks at the live system and says what will go wrong before it does.

    facts = gather()                  # ask everything once: settings, app, broker, workers, stores, spill
    findings = examine(facts)         # judge it: pure, no server, no setting, no clock
    exit_code(findings, strict=False)

:mod:`~redrive.doctor.probes` hold the questions: thin, each wait two seconds at most, a server that is away is an
answer (``Away``) and never an exception. Nothing is changed anywhere. :mod:`~redrive.doctor.examinations` hold the
judgements: a table of functions from :class:`Facts` to :class:`Finding`, each with the ids it may give. A finding says
what was seen (with values), what that does to the user's tasks, and what to type. ``docs/doctor.md`` explains every id.

What cannot be known is said: RabbitMQ's ``consumer_timeout`` cannot be read over AMQP, workers may be too busy to
answer, a hosted Redis may refuse ``CONFIG``.
"""

from redrive.doctor.examinations import EXAMINATIONS, IDS
from redrive.doctor.examine import examine, exit_code, to_dict, to_lines
from redrive.doctor.facts import Away, Facts
from redrive.doctor.gather import gather
from redrive.doctor.types import Examination, Finding, Severity

__all__ = [
    "EXAMINATIONS",
    "IDS",
    "Away",
    "Examination",
    "Facts",
    "Finding",
    "Severity",
    "examine",
    "exit_code",
    "gather",
    "to_dict",
    "to_lines",
]
