"""Documented paths of services."""
