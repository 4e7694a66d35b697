"""A small shop: the Django project that tests run real workers on.

Everything about it comes from its environment.
"""

from shop.celery import app as celery_app

__all__ = ["celery_app"]
