"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class RedriveConfig(AppConfig):
    """Label ``redrive`` is constant for ever: it is in migrations, tables and permissions."""

    name = "redrive"
    label = "redrive"
    verbose_name = "Redrive"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register system checks and connect Celery's signals (in the worker's main process, before it forks)."""
        from redrive import checks, runtime
        from redrive.celery import signals

        checks.register_all()
        runtime.configure_taxonomy()
        signals.connect()
