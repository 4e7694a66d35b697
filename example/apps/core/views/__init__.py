"""Documented paths of views."""
