"""Settings, URLs, and the Celery and WSGI applications of the reference project."""

# Django loads this package before any app, so that @shared_task finds the project's Celery app.
from config.celery import app as celery_app

__all__ = ["celery_app"]
