"""Redrive: failure handling for Celery tasks in Django projects.

Imports no part on purpose: ``import redrive.taxonomy`` must work without configured Django settings.
"""

__version__ = "0.1.0"
