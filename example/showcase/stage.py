"""One run of the demo: starts everything in order, lets the day go by, and sums it up."""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import httpx

from showcase import servers
from showcase.memory_guard import MemoryGuard
from showcase.processes import RANK_FRONT, RANK_SERVICE, RANK_WORKER, Child, Processes, environment
from showcase.terminal import Terminal

if TYPE_CHECKING:
    from showcase.board import Board
    from showcase.director import Director

T = TypeVar("T")

EXAMPLE = Path(__file__).resolve().parent.parent
PROJECT = EXAMPLE.parent
QUEUES = "critical,high_priority,reports,maintenance,celery"
GENERAL_CONCURRENCY = 4
HEAVY_MEMORY_BYTES = 260 * 1024 * 1024
LOGIN = "demo"
LOOK_EVERY_SECONDS = 0.5


class Stage:
    """Everything that runs, and the terminal that tells of it.

    Args:
        data: a directory of the demo's own; emptied first, as every demo begins afresh.
        first_port: first choice for the web server.
    """

    def __init__(self, terminal: Terminal, processes: Processes, data: Path, first_port: int) -> None:
        self._terminal = terminal
        self._processes = processes
        self._data = data
        self._password = secrets.token_urlsafe(9)
        self._control_url = ""
        self._base_url = f"http://127.0.0.1:{servers.free_port(first_port)}"

    def run(self, seconds: float | None) -> None:
        """Start, run until Ctrl-C or for so many seconds from now, and print the summary as the last lines."""
        deadline = time.monotonic() + seconds if seconds else float("inf")
        self._terminal.print(
            "Redrive demo: a facility-management company, its Celery tasks, and what goes wrong.\n"
        )
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir(parents=True)
        self._step("Valkey and PostgreSQL", self._start_servers)
        self._step("payment gateway, sensor hub, mail server", self._start_services)
        self._step("tables, company data, staff login", self._set_up_django)
        general, heavy = self._step("workers, beat, web server", self._start_fronts)
        self._live(general, heavy, deadline)

    def _step(self, what: str, do: Callable[[], T]) -> T:
        began = time.monotonic()
        result = do()
        self._terminal.print(f"  started  {what:<42}{time.monotonic() - began:5.1f} s")
        return result

    def _start_servers(self) -> None:
        """Start what the environment does not name; what was given is used as it is."""
        os.environ["VAR_DIR"] = str(self._data)
        os.environ["SHORT_DELAYS"] = "1"
        if not os.environ.get("DATABASE_URL"):
            os.environ["DATABASE_URL"] = servers.start_postgres(self._processes, self._data)
        if not os.environ.get("REDIS_URL"):
            given = os.environ.get("BROKER_URL", "")
            is_redis = given.startswith(("redis://", "rediss://"))
            os.environ["REDIS_URL"] = given if is_redis else servers.start_valkey(self._processes, self._data)
        if not os.environ.get("BROKER_URL"):
            os.environ["BROKER_URL"] = os.environ["REDIS_URL"]

    def _start_services(self) -> None:
        ports = {name: servers.free_port() for name in ("gateway", "hub", "mail", "control")}
        arguments = [word for name, port in ports.items() for word in (f"--{name}", str(port))]
        child = self._processes.start(
            "services",
            [sys.executable, "-m", "services", *arguments],
            env=environment(),
            cwd=EXAMPLE,
            rank=RANK_SERVICE,
        )
        self._processes.wait_until(child, lambda: all(servers.answers(port) for port in ports.values()))
        self._control_url = f"http://127.0.0.1:{ports['control']}"
        os.environ["PAYMENT_GATEWAY_URL"] = f"http://127.0.0.1:{ports['gateway']}"
        os.environ["SENSOR_HUB_URL"] = f"http://127.0.0.1:{ports['hub']}"
        os.environ["MAIL_HOST"], os.environ["MAIL_PORT"] = "127.0.0.1", str(ports["mail"])

    def _set_up_django(self) -> None:
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ["DEBUG"] = "0"
        migrate = [sys.executable, "manage.py", "migrate", "--no-input"]
        self._processes.run("migrate", migrate, env=environment(), cwd=EXAMPLE)
        import django

        django.setup()
        from django.contrib.auth import get_user_model
        from django.utils import timezone

        from apps.facilities import seed
        from showcase import workload

        seed.fill(timezone.now())
        workload.prepare()
        user, _is_new = get_user_model().objects.get_or_create(
            username=LOGIN, defaults={"is_staff": True, "is_superuser": True}
        )
        user.set_password(self._password)
        user.save()

    def _start_fronts(self) -> tuple[Child, Child]:
        """Beat, the web server, and what is returned: the general worker and one for the memory-hungry queue."""
        general = self._celery(
            "worker", "worker", "-n", "general@%h", "-Q", QUEUES, "-c", str(GENERAL_CONCURRENCY)
        )
        heavy = self._celery("heavy-worker", "worker", "-n", "heavy@%h", "-Q", "heavy_reports", "-c", "1")
        beat = self._celery("beat", "beat", "--pidfile", "", rank=RANK_FRONT)
        web = self._web()
        for child in (general, heavy, beat):
            self._processes.wait_until(child, partial(_is_at_work, child.log), seconds=60)
        self._processes.wait_until(web, self._web_answers, seconds=60)
        return general, heavy

    def _celery(self, name: str, *arguments: str, rank: int = RANK_WORKER) -> Child:
        return self._processes.start(
            name,
            [sys.executable, "-m", "celery", "-A", "config", *arguments, "--loglevel", "INFO"],
            env=environment(),
            cwd=EXAMPLE,
            rank=rank,
            grace=8.0,
        )

    def _web(self) -> Child:
        address = self._base_url.removeprefix("http://")
        return self._processes.start(
            "web",
            # --insecure: runserver serves the admin's style sheets although DEBUG is off
            [sys.executable, "manage.py", "runserver", "--noreload", "--insecure", address],
            env=environment(),
            cwd=EXAMPLE,
            rank=RANK_FRONT,
        )

    def _web_answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self._base_url}/admin/login/", timeout=5).status_code == httpx.codes.OK
        return False

    def _things_to_try(self, general: Child) -> list[str]:
        wish = """'{"fault": "unavailable"}'"""
        return [
            "  To break more of it:",
            f"    curl -X PUT {self._control_url}/payments -d {wish}    (also: none, error, hang, reset, rate_limited)",
            f"    kill -9 {general.pid}    (the worker: it is started again, and what waits runs all the same)",
            "",
        ]

    def _live(self, general: Child, heavy: Child, deadline: float) -> None:
        from showcase.board import Board
        from showcase.director import Director
        from showcase.repairs import Operator

        memory_guard = MemoryGuard(lambda: heavy.pid, HEAVY_MEMORY_BYTES)
        operator = Operator(EXAMPLE, memory_guard)
        director = Director(self._control_url, operator, self._terminal.say)
        board = Board(self._base_url, (LOGIN, self._password), deadline)
        for line in (*board.introduction(), *self._things_to_try(general)):
            self._terminal.print(line)
        memory_guard.start()
        director.start()
        try:
            self._watch(board, director, deadline)
        except (KeyboardInterrupt, SystemExit):
            pass
        finally:
            self._terminal.leave()
        director.stop()
        memory_guard.stop()
        self._terminal.print("\nEnding the demo ...")
        summary = board.summary()
        self._processes.close()
        for line in summary:
            self._terminal.print(line)

    def _watch(self, board: "Board", director: "Director", deadline: float) -> None:
        self._terminal.go_live()
        while time.monotonic() < deadline:
            for line in self._processes.revive():
                self._terminal.say(line)
            self._terminal.show(*board.look(director.faults))
            time.sleep(LOOK_EVERY_SECONDS)


def _is_at_work(log: Path) -> bool:
    """Whether a Celery process has said in its log that it works."""
    text = log.read_text(errors="replace")
    return " ready." in text or "beat: Starting" in text
