"""Where Celery calls us.

``RedriveTask`` and ``IdempotentTask`` are base classes for tasks; ``Options`` is what a task says about itself.
Importing this module needs no Django settings and imports no model, so it may stand at the top of a project's
``celery.py``.
"""

from redrive.celery.fencing import guard
from redrive.celery.task import IdempotentTask, RedriveTask
from redrive.options import Options

__all__ = ["IdempotentTask", "Options", "RedriveTask", "guard"]
