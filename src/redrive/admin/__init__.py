"""The Django admin of failed tasks: a list to act on, a page per record that explains, the log of acts.

Nothing is added or edited here. Retrying and abandoning go through the dead-letter service and need the permission
``redrive.change_taskfailurerecord``; reading and exporting need ``redrive.view_taskfailurerecord``; deleting needs
``redrive.delete_taskfailurerecord`` and is possible for finished records (RESOLVED, ABANDONED) only: an unfinished one
is the only copy of a task.
"""

from redrive.admin.events import EventAdmin
from redrive.admin.records import TaskFailureRecordAdmin

__all__ = ["EventAdmin", "TaskFailureRecordAdmin"]
