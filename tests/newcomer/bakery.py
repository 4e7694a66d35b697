"""A fresh project that is open for business: its worker consumes, its web server answers, someone is logged in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from tests.newcomer.admin_pages import Staff
from tests.newcomer.fresh_project import LOGIN, make_project
from tests.servers import PostgresServer, ValkeyServer
from tests.servers.django_project import Project, Worker

# The first delay after a network failure is a minute by default.
_SOON = {"POLICIES": {"TRANSIENT_NETWORK": {"initial_delay": 2}}}


@dataclass
class Bakery:
    """A fresh project with its worker running."""

    project: Project
    worker: Worker

    @cached_property
    def staff(self) -> Staff:
        """Someone logged in at the project's web server, which starts for them."""
        return Staff(self.project.web().url, LOGIN)

    def record(self, task_id: str, status: str) -> dict[str, object]:
        """The record of a task, once it has this status."""
        rows = self.project.wait_for_rows(
            "SELECT * FROM redrive_taskfailurerecord WHERE task_id = %s AND status = %s", task_id, status
        )
        return rows[0]

    def runs(self, line: str) -> int:
        file = self.project.directory / "runs.txt"
        return file.read_text().splitlines().count(line) if file.exists() else 0


@contextmanager
def open_bakery(
    database: str, mode: str, directory: Path, valkey: ValkeyServer, request: pytest.FixtureRequest
) -> Iterator[Bakery]:
    url, setting = f"sqlite:///{directory}/db.sqlite3", ""  # SQLite is what startproject writes
    if database == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        server.start()
        url = server.create_database()
        name = url.rsplit("/", 1)[1]
        setting = (
            "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'HOST': '127.0.0.1', "
            f"'PORT': {server.port}, 'USER': 'redrive', 'NAME': {name!r}}}}}"
        )
    valkey.start()
    valkey.empty()
    redrive = _SOON if mode == "on" else _SOON | {"MODE": mode}  # "on" is the default
    project = make_project(directory, setting, url, valkey.url, redrive)
    try:
        worker = project.worker()
        bakery = Bakery(project, worker)
        yield bakery
        if "staff" in vars(bakery):
            bakery.staff.close()
    finally:
        project.close()
