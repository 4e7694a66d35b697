"""Documented path of the priority service."""

from redrive.priority import TaskPriority
from redrive.runtime import priority_service

__all__ = ["TaskPriority", "priority_service"]
