"""Documented path of the retry engine."""

from redrive.runtime import retry_engine

__all__ = ["retry_engine"]
