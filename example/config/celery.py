"""The Celery application: `task_cls` is the one line that puts every task under Redrive."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("example", task_cls="redrive.celery:RedriveTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
