"""Documented path of the failure record."""

from redrive.models import TaskFailureRecord

__all__ = ["TaskFailureRecord"]
