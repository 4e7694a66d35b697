"""What a newcomer types: `startproject`, Celery's first steps with Django, then Redrive's."""

import os
import subprocess
import sys
from pathlib import Path

from tests.servers.django_project import Project

# Celery's documentation, "First steps with Django", with the one argument that Redrive asks for.
_CELERY = """\
import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bakery.settings")

app = Celery("bakery", task_cls="redrive.celery:RedriveTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
"""

_PACKAGE = """\
from .celery import app as celery_app

__all__ = ("celery_app",)
"""

_URLS = """\
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/tasks/", include("redrive.urls")),
    path("admin/", admin.site.urls),
]
"""

_TASKS = """\
import socket
from pathlib import Path

from celery import shared_task

from redrive.options import Options


def note(name):
    with open("runs.txt", "a") as file:
        file.write(name + "\\n")


@shared_task
def bake(bread, loaves):
    note(f"bake {bread}")
    if loaves < 1:
        raise ValueError(f"cannot bake {loaves} loaves")


def deliver_to(shop):
    note(f"deliver {shop}")
    if not Path(f"{shop}.open").exists():
        socket.create_connection(("127.0.0.1", 1), timeout=2)  # nobody listens there


@shared_task(redrive=Options(retry_safe=True))
def deliver(shop):
    deliver_to(shop)


@shared_task
def deliver_carefully(shop):
    deliver_to(shop)


@shared_task
def order_flour(mill):
    note(f"order_flour {mill}")
    if not Path(f"{mill}.known").exists():
        raise ValueError(f"no mill is called {mill}")
"""

LOGIN = {"username": "ada", "password": "correct horse"}


def make_project(
    directory: Path, database: str, database_url: str, broker_url: str, redrive: dict[str, object]
) -> Project:
    """A new project named bakery in `directory`: migrated, checked, with a superuser who can `LOGIN`."""
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "bakery", str(directory)],
        check=True,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
    )
    project = Project(
        directory,
        "bakery",
        directory,
        {
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "RUNS_FILE": str(directory / "runs.txt"),
            "HOME": str(directory),
        },
    )
    project.manage("startapp", "ovens")
    (directory / "ovens" / "tasks.py").write_text(_TASKS)
    (directory / "bakery" / "celery.py").write_text(_CELERY)
    (directory / "bakery" / "__init__.py").write_text(_PACKAGE)
    (directory / "bakery" / "urls.py").write_text(_URLS)
    with (directory / "bakery" / "settings.py").open("a") as settings:
        settings.write(f"\nCELERY_BROKER_URL = {broker_url!r}\nINSTALLED_APPS += ['ovens']\n")
        settings.write(f"\nINSTALLED_APPS += ['redrive']\nREDRIVE = {redrive!r}\n{database}\n")
    project.manage("migrate", "--verbosity", "0")
    project.manage("check", "--fail-level", "ERROR")
    project.extra |= {"DJANGO_SUPERUSER_PASSWORD": LOGIN["password"]}
    project.manage(
        "createsuperuser", "--noinput", "--username", LOGIN["username"], "--email", "ada@example.com"
    )
    return project
