"""The shop's Celery app, set up as the documentation says."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop", task_cls=None if os.environ.get("PLAIN") else "redrive.celery:RedriveTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["shop"], related_name="idempotent")
