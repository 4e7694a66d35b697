"""Documented paths of what tasks use."""
