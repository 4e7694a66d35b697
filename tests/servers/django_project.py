"""A Django project on disk, run as its users do: management commands, workers, a keeper and a web server of
its own.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import psycopg
from celery import Celery
from psycopg.rows import dict_row

from tests.servers.process import Server
from tests.waiting import wait_until

ProgramT = TypeVar("ProgramT", bound="_Program")


class Project:
    """One project with its environment; everything started from it is stopped by `close()`.

    Args:
        directory: where `manage.py` lies.
        app: what `celery -A` and DJANGO_SETTINGS_MODULE (`app.settings`) are given.
        scratch: an existing directory for logs.
        environment: added to this process's own. DATABASE_URL and BROKER_URL are also used by `query()` and `send()`.
    """

    def __init__(self, directory: Path, app: str, scratch: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.app = app
        self.scratch = scratch
        self.extra = dict(environment)
        self._started: list[_Program] = []

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        # The packages under test are imported as installed; the test tree itself must not be importable by
        # accident.
        inherited.pop("PYTHONPATH", None)
        return (
            inherited
            | {"DJANGO_SETTINGS_MODULE": f"{self.app}.settings", "PYTHONUNBUFFERED": "1"}
            | self.extra
        )

    def manage(self, *arguments: str, code: int | None = 0) -> str:
        """Run `manage.py` and return what it printed to both streams.

        Args:
            code: the expected exit code; None accepts any.
        """
        return self._run([sys.executable, "manage.py", *arguments], code)

    def python(self, source: str) -> Any:
        """Run `source` in a fresh process with Django set up and return what it assigned to `result` (JSON)."""
        lines = [
            "import django, json",
            "django.setup()",
            "result = None",
            source,
            "print('\\n' + json.dumps(result))",
        ]
        return json.loads(self._run([sys.executable, "-c", "\n".join(lines)], 0).splitlines()[-1])

    def _run(self, command: list[str], code: int | None) -> str:
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(f"{command} ended with {done.returncode}, not {code}:\n{done.stdout}")
        return done.stdout

    def send(self, task: str, *args: Any, options: Mapping[str, Any] | None = None, **kwargs: Any) -> str:
        """Publish a task by name, as a process that does not know Redrive would, and return its id.

        `options` are those of `apply_async` (queue, task_id, headers, ...).
        """
        with Celery(broker=self.extra["BROKER_URL"], set_as_current=False) as sender:
            # Without the confirmation a broker killed right after may never have had the message.
            sender.conf.broker_transport_options = (
                {"confirm_publish": True} if self.extra["BROKER_URL"].startswith("amqp") else {}
            )
            return str(sender.send_task(task, args, kwargs, **(options or {})).id)

    def query(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows of the project's database, over a connection of their own.

        Placeholders are `%s` on both databases.
        """
        url = self.extra["DATABASE_URL"]
        if url.startswith("sqlite"):
            with sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10) as database:
                database.row_factory = sqlite3.Row
                rows = database.execute(statement.replace("%s", "?"), parameters).fetchall()
            database.close()
            return [dict(row) for row in rows]
        with psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=5) as connection:
            cursor = connection.execute(statement, parameters or None)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def wait_for_rows(self, statement: str, *parameters: Any, seconds: float = 20) -> list[dict[str, Any]]:
        """The rows of `query`, once there are any."""
        return wait_until(
            lambda: self.query(statement, *parameters),
            seconds,
            lambda: f"rows for {statement} {parameters}\n{self.logs()}",
            every=0.1,
        )

    def runs(self, task: str | None = None, label: str | None = None) -> list[dict[str, Any]]:
        """The runs of task bodies so far (see `shop.runs`), of one task and label if given."""
        path = Path(self.extra["RUNS_FILE"])
        found = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
        return [run for run in found if task in (None, run["task"]) and label in (None, run["label"])]

    def wait_for_runs(
        self, count: int, task: str | None = None, label: str | None = None, *, seconds: float = 20
    ) -> None:
        """Return when at least `count` runs are noted."""
        wait_until(
            lambda: len(self.runs(task, label)) >= count,
            seconds,
            lambda: f"{count} runs of {task} {label}, there are {len(self.runs(task, label))}\n{self.logs()}",
        )

    def worker(
        self,
        *,
        concurrency: int = 2,
        pool: str = "prefork",
        queues: Sequence[str] = (),
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        greets: bool = False,
    ) -> "Worker":
        """Start a Celery worker and return when it consumes; one that greets others first takes a second longer."""
        return self._start(Worker(self, concurrency, pool, queues, arguments, environment or {}, greets))

    def web(self) -> "WebServer":
        """Start Django's own web server and return when it answers; `.url` is its address."""
        return self._start(WebServer(self))

    def command(self, *arguments: str, ready: str) -> "Command":
        """Start a `manage.py` command that stays (a keeper, beat) and return when its log holds the pattern
        `ready`.
        """
        return self._start(Command(self, arguments, ready))

    def _start(self, program: ProgramT) -> ProgramT:
        self._started.append(program)
        program.start()
        return program

    def logs(self, last: int = 4000) -> str:
        """The ends of all logs, for messages of failing tests."""
        return "\n".join(f"--- {program.log_path.name}\n{program.log()[-last:]}" for program in self._started)

    def close(self) -> None:
        for program in reversed(self._started):
            program.kill()


class _Program(Server):
    """A program of a project, with a log of its own. The port only names it, except for the web server."""

    def __init__(self, project: Project) -> None:
        super().__init__(project.scratch)
        self.project = project
        self.log_path = project.scratch / f"{self.name}-{self.port}.log"

    def start(self) -> None:
        self._log_offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        super().start()

    def environment(self) -> dict[str, str]:
        return self.project.environment

    def working_directory(self) -> Path:
        return self.project.directory

    def says(self, pattern: str) -> bool:
        """Whether the log since the last start holds the regular expression `pattern`."""
        return re.search(pattern, self.log()) is not None

    def log(self) -> str:
        return (
            self.log_path.read_bytes()[self._log_offset :].decode(errors="replace")
            if self.log_path.exists()
            else ""
        )


class Worker(_Program):
    """A real `celery worker`."""

    name = "worker"
    seconds_to_start = 90
    seconds_to_stop = 30

    def __init__(
        self,
        project: Project,
        concurrency: int,
        pool: str,
        queues: Sequence[str],
        arguments: Sequence[str],
        environment: Mapping[str, str],
        greets: bool,
    ) -> None:
        super().__init__(project)
        self._concurrency = concurrency
        self._pool = pool
        self._queues = queues
        self._arguments = arguments
        self._environment = environment
        self._greets = greets

    def environment(self) -> dict[str, str]:
        return super().environment() | self._environment

    def command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "celery", "-A", self.project.app, "worker", "--loglevel", "INFO"),
            *(
                "--hostname",
                f"worker-{self.port}@%h",
                "--pool",
                self._pool,
                "--concurrency",
                str(self._concurrency),
            ),
            # No other worker is on these brokers to be greeted, and waiting for its answer takes a second.
            *(() if self._greets else ("--without-mingle", "--without-gossip")),
            *(("--queues", ",".join(self._queues)) if self._queues else ()),
            *self._arguments,
        ]

    def answers(self) -> bool:
        return self.says(r"worker-\d+@\S+ ready\.")

    def children(self) -> list[int]:
        """The pids of the pool's processes, without a keeper that the worker may have started."""
        # A forked child has its parent's command line; whatever the worker executes has another.
        worker = psutil.Process(self.pid)
        line = worker.cmdline()
        return [child.pid for child in worker.children() if _command_line(child) == line]


def _command_line(process: psutil.Process) -> list[str]:
    """A process's command line; empty for one that has just ended."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie is one too
        return []


class WebServer(_Program):
    """`manage.py runserver` without its reloader."""

    name = "web"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{self.port}"]

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/admin/login/", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


class Command(_Program):
    """A management command that runs until it is told to end."""

    name = "command"

    def __init__(self, project: Project, arguments: Sequence[str], ready: str) -> None:
        super().__init__(project)
        self._arguments = arguments
        self._ready = ready

    def command(self) -> list[str]:
        return [sys.executable, "manage.py", *self._arguments]

    def answers(self) -> bool:
        return self.says(self._ready)
