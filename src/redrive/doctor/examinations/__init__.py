"""Pure decisions: facts in, findings out.

Nothing here asks a server, a setting or the clock: what is not in :class:`~redrive.doctor.facts.Facts` is not known.
``EXAMINATIONS`` is the table of all of them, in the order in which their findings are printed. To add one: write a
function, enter it in its module's table with every id it may give, and explain those ids in ``docs/doctor.md``.
"""

from redrive.doctor.examinations import (
    backlog,
    database,
    project,
    queues,
    redelivery,
    redis_server,
    spill,
    tasks,
    workers,
)
from redrive.doctor.types import Examination

__all__ = ["EXAMINATIONS", "IDS"]

EXAMINATIONS: tuple[Examination, ...] = (
    *project.EXAMINATIONS,
    *tasks.EXAMINATIONS,
    *workers.EXAMINATIONS,
    *redelivery.EXAMINATIONS,
    *queues.EXAMINATIONS,
    *redis_server.EXAMINATIONS,
    *database.EXAMINATIONS,
    *spill.EXAMINATIONS,
    *backlog.EXAMINATIONS,
)

IDS: tuple[str, ...] = tuple(id for examination in EXAMINATIONS for id in examination.ids)
"""Every id that a finding may have."""
