"""Servers, workers and keepers of one run, and everything that can be done to them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
from tests.servers import PostgresServer, RabbitServer, ValkeyServer
from tests.servers.django_project import Project, Worker
from tests.servers.process import Server

from chaos.audit import Row
from chaos.kinds import VISIBILITY_SECONDS
from chaos.popped import popped

SHOP = Path(__file__).resolve().parents[1] / "tests" / "project"
SPILL_BYTES = 8 * 1024 * 1024
SOON = {"initial_delay": 2, "backoff_factor": 1, "max_delay": 2, "max_retries": 30}
"""Retries are counted whatever they are for, and every kill of a child is one."""
REDRIVE: Mapping[str, Any] = {
    "BROKER_TAKE": "atomic",
    "POLICIES": dict.fromkeys(
        ("TRANSIENT_NETWORK", "TRANSIENT_DATABASE", "SYSTEM_WORKER_LOST", "SYSTEM_OUT_OF_MEMORY"), SOON
    ),
    "KEEPER": {"POLL_SECONDS": 0.5, "LEASE_SECONDS": 5, "HEARTBEAT_SECONDS": 5, "REPUBLISH_SECONDS": 10},
}


class Disk:
    """Where the spill lies: a small file system of its own where that may be mounted, else file-size limits."""

    def __init__(self, directory: Path, *, small: bool = True) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700)
        self._limited: list[int] = []
        self.mounted = False
        if not small:
            return
        command = ["mount", "-t", "tmpfs", "-o", f"size={SPILL_BYTES},mode=700", "tmpfs", str(directory)]
        self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    @property
    def kind(self) -> str:
        """How it is made full, for the report."""
        return "tmpfs (ENOSPC)" if self.mounted else "file-size limit of main processes and keepers (EFBIG)"

    def fill(self, pids: Iterator[int]) -> None:
        """Leave no byte free."""
        if not self.mounted:
            self._limited = list(pids)
            self._limit(1)
            return
        with (self.directory / "ballast").open("ab", buffering=0) as ballast:
            for size in (65536, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        ballast.write(b"\0" * size)

    def free(self) -> None:
        """Give the space back."""
        if self.mounted:
            (self.directory / "ballast").unlink(missing_ok=True)
        else:
            self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for pid in self._limited:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def close(self) -> None:
        """Take the file system away."""
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.directory)], capture_output=True, check=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is done to the fleet, and undone after a random part of ``longest`` seconds."""

    name: str
    begin: Callable[[], None]
    end: Callable[[], None]
    longest: float


def _nothing() -> None:
    """For what mends itself."""


class Fleet:
    """Everything that runs. :meth:`close` ends it."""

    def __init__(
        self,
        scratch: Path,
        *,
        broker: ValkeyServer | RabbitServer,
        broker_url: str,
        store: ValkeyServer,
        database: PostgresServer,
        database_url: str,
        rng: random.Random,
        workers: int = 2,
        claim_seconds: float = 60,
        migrate: bool = False,
        claims_in_redis: bool = False,
        small_disk: bool = True,
        redrive: Mapping[str, Any] = REDRIVE,
    ) -> None:
        self._rng = rng
        self.disk = Disk(scratch / "spill", small=small_disk)
        self.done: Counter[str] = Counter()
        self.broker, self.store, self.database = broker, store, database
        on_redis = isinstance(broker, ValkeyServer)
        transport = {"visibility_timeout": VISIBILITY_SECONDS} if on_redis else {"confirm_publish": True}
        celery = {
            "imports": ["shop.chaos"],
            "broker_transport_options": transport,
            "broker_connection_max_retries": None,
            "broker_connection_timeout": 2,
        }
        self.project = Project(
            SHOP,
            "shop",
            scratch,
            {
                "DATABASE_URL": database_url,
                "BROKER_URL": broker_url,
                **({"REDIS_URL": store.database_url(1)} if claims_in_redis else {}),
                "RESULT_URL": store.database_url(2),
                "RUNS_FILE": str(scratch / "runs.jsonl"),
                "HOME": str(scratch),
                "CLAIM_SECONDS": str(claim_seconds),
                "REDRIVE": json.dumps({**redrive, "SPILL": {"DIRECTORY": str(self.disk.directory)}}),
                "CELERY": json.dumps(celery),
            },
        )
        if migrate:
            self.project.manage("migrate", "-v", "0")
        self.workers = [self.project.worker(concurrency=2) for _ in range(workers)]
        self.keeper = self.project.command("redrive", "keeper", ready="is at work")

    def faults(self) -> list[Fault]:
        """What may happen, the more likely the more often it stands here."""
        worker = self._rng.choice(self.workers)
        servers = {"broker": self.broker, "store": self.store, "database": self.database}
        return [
            Fault("worker killed", worker.kill, lambda: _start(worker), 2),
            Fault("worker killed without its children", worker.kill_alone, lambda: _start(worker), 1),
            Fault("worker stopped", worker.stop, lambda: _start(worker), 1),
            Fault("worker paused", lambda: _signal(worker, signal.SIGSTOP), lambda: _wake(worker), 6),
            *[Fault("child killed", lambda: self._kill_child(worker), _nothing, 0)] * 3,
            *[Fault("keeper killed", lambda: self._kill_keeper(worker), _nothing, 0)] * 2,
            Fault("lone keeper killed", self.keeper.kill, lambda: _start(self.keeper), 2),
            *[
                Fault(f"{name} killed", server.kill, lambda server=server: _start(server), 4)  # type: ignore[misc]  # bound at once
                for name, server in servers.items()
            ],
            Fault("spill's disk full", lambda: self.disk.fill(self._keepers_and_mains()), self.disk.free, 4),
        ]

    def disk_full_without_database(self) -> Fault:
        """The worst that can happen to a record: neither place takes it."""

        def begin() -> None:
            self.database.kill()
            self.disk.fill(self._keepers_and_mains())

        def end() -> None:
            self.disk.free()
            _start(self.database)

        return Fault("disk full, database away", begin, end, 4)

    def heal(self) -> None:
        """Start whatever is down."""
        self.disk.free()
        for server in (self.database, self.store, self.broker, *self.workers, self.keeper):
            _start(server)

    def restart_workers(self) -> None:
        """As a supervisor does with a worker that no longer consumes."""
        for worker in self.workers:
            worker.kill()
            _start(worker)

    def events(self) -> list[dict[str, object]]:
        """What the bodies noted."""
        path = Path(self.project.extra["RUNS_FILE"])
        return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []

    def rows(self) -> dict[str, Row]:
        """Records by task id."""
        found = self.project.query(
            "SELECT task_id, status, attempt, decision || ' ' || hold_reason AS why FROM redrive_taskfailurerecord"
        )
        return {row["task_id"]: Row(row["status"], row["attempt"], row["why"]) for row in found}

    def spilled(self) -> int:
        """Endings that still wait in the spill."""
        texts = [
            path.read_text(errors="replace")
            for pattern in ("spill*.jsonl", "drain-*.jsonl")
            for path in self.disk.directory.glob(pattern)
        ]
        return sum(text.count('"kind": "ending"') + text.count('"kind":"ending"') for text in texts)

    def rejected(self) -> list[str]:
        """Lines of the spill that could not be read."""
        path = self.disk.directory / "rejected.jsonl"
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def unnoted(self) -> frozenset[str]:
        """Tasks that ran although their record could not be asked, from the workers' logs."""
        return self._logged(r"\[([0-9a-f-]{36})\] runs without asking")

    def unkept(self) -> frozenset[str]:
        """Idempotent tasks whose completion could not be written down, from the workers' logs."""
        return self._logged(
            r"the result of ([0-9a-f-]{36}) could not be kept|the claim of ([0-9a-f-]{36}) ends"
        )

    def popped(self) -> frozenset[str]:
        """Tasks whose message left the broker and reached no process."""
        return popped(self.broker.directory) if isinstance(self.broker, ValkeyServer) else frozenset()

    def _logged(self, pattern: str) -> frozenset[str]:
        texts = [program.log_path.read_text(errors="replace") for program in self.workers]
        return frozenset(
            match[1] or match[match.re.groups] for text in texts for match in re.finditer(pattern, text)
        )

    def close(self) -> None:
        """End everything but the servers."""
        self.project.close()
        self.disk.close()

    def _keepers_and_mains(self) -> Iterator[int]:
        for worker in self.workers:
            if worker.running:
                yield worker.pid
                yield from _keepers(worker)
        if self.keeper.running:
            yield self.keeper.pid

    def _kill_child(self, worker: Worker) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            children = worker.children()
            if children:
                _kill(self._rng.choice(children))

    def _kill_keeper(self, worker: Worker) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            for pid in _keepers(worker):
                _kill(pid)


def _keepers(worker: Worker) -> list[int]:
    found = []
    for child in psutil.Process(worker.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "redrive.keeper" in child.cmdline():
                found.append(child.pid)
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _signal(worker: Worker, number: signal.Signals) -> None:
    if worker.running:
        os.kill(worker.pid, number)


def _wake(worker: Worker) -> None:
    _signal(worker, signal.SIGCONT)
    _start(worker)


def _start(server: Server) -> None:
    """Start it; a worker that does not get ready now, because its broker is away, is left to go on trying."""
    with contextlib.suppress(TimeoutError, RuntimeError, psycopg.Error):
        server.start()
