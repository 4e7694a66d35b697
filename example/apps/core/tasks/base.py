"""Documented path of the idempotent task class."""

from redrive.celery import IdempotentTask

__all__ = ["IdempotentTask"]
