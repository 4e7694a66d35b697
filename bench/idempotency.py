"""Idempotent tasks beside celery-singleton and celery-once, in one run.

``python bench/idempotency.py`` prints, per contestant, the cases that can be told from outside, milliseconds per task
from publishing to the end and round trips to the store of locks; then Redrive's claim and save at 200 a second on
Valkey and PostgreSQL, and whether a key is left without a time to live. Cases that need a hand inside a contestant
(paused workers, clocks, stores that go away, scopes) are not compared.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from pathlib import Path

import redis

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.servers import Guard, PostgresServer, ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

CONTESTANTS = ("redrive", "celery-singleton", "celery-once", "plain")
TASKS, TRIPS, KEYS, RATE, SECONDS = 500, 50, 10_000, 200, 10
KILLED = "6, 8 after kill -9 of the worker the same call runs again within 20 s"

P95 = """
import time, uuid
from datetime import timedelta
from redrive import runtime

def percentile(values): return sorted(values)[int(len(values) * 0.95)] * 1000
claims, claim, save = runtime.claims(), [], []
began = time.perf_counter()
for number in range(TOTAL):
    time.sleep(max(0, began + number / RATE - time.perf_counter()))
    token, at = uuid.uuid4().hex, time.perf_counter()
    held = claims.claim(f"bench-{token}", task_id=token, token=token, ttl=timedelta(seconds=60))
    between = time.perf_counter()
    claims.complete(held, result={"paid": number}, ttl=timedelta(seconds=3600))
    claim.append(between - at); save.append(time.perf_counter() - between)
rate = TOTAL / (time.perf_counter() - began)
for number in range(MORE):
    token = uuid.uuid4().hex
    held = claims.claim(f"bench-{token}", task_id=token, token=token, ttl=timedelta(seconds=60))
    claims.complete(held, result=None, ttl=timedelta(seconds=3600)) if number % 2 else claims.release(held)
result = [percentile(claim), percentile(save), rate]
"""


class Bench:
    """The servers, and a project per contestant on them."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.broker = ValkeyServer(scratch / "broker")
        self.locks = ValkeyServer(scratch / "locks")
        self.postgres = PostgresServer(scratch / "postgres")
        for server in (self.broker, self.locks, self.postgres):
            server.start()
        self.database = self.postgres.create_database()
        self.root = Path(__file__).resolve().parents[1]

    def project(self, contestant: str, *, with_redis: bool = True) -> Project:
        """A project of its own, with empty broker and store."""
        for server in (self.broker, self.locks):
            redis.Redis.from_url(server.url).flushall()
        own = self.scratch / f"{contestant}-{with_redis}"
        own.mkdir()
        environment = {
            "CONTESTANT": contestant,
            "PYTHONPATH": str(self.root / "bench"),
            "DATABASE_URL": self.database,
            "BROKER_URL": self.broker.url,
            "RESULT_URL": self.broker.database_url(1),
            "LOCK_URL": self.locks.url,
            "RUNS_FILE": str(own / "runs.jsonl"),
            "HOME": str(own),
            "CELERY": json.dumps({"imports": ["contestants"]}),
            "REDRIVE": json.dumps(
                {"SPILL": {"DIRECTORY": str(own / "spill")}, "KEEPER": {"POLL_SECONDS": 0.2}}
            ),
        }
        environment |= {} if contestant == "redrive" else {"PLAIN": "1"}
        environment |= {"REDIS_URL": self.locks.url} if contestant == "redrive" and with_redis else {}
        return Project(self.root / "tests" / "project", "shop", own, environment)

    def stop(self) -> None:
        for server in (self.broker, self.locks, self.postgres):
            server.kill()


class Trips:
    """Counts commands that clients send to a server; those that a script makes inside it are none."""

    def __init__(self, server: ValkeyServer) -> None:
        self.count = 0
        self._client = redis.Redis.from_url(server.url, socket_timeout=None)
        self._ready = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()
        self._ready.wait(10)

    def _listen(self) -> None:
        with contextlib.suppress(redis.ConnectionError), self._client.monitor() as monitor:
            self._ready.set()
            for command in monitor.listen():
                word = command["command"].split(" ", 1)[0].upper()
                if command["client_type"] != "lua" and word not in (
                    "HELLO",
                    "CLIENT",
                    "SELECT",
                    "PING",
                    "INFO",
                ):
                    self.count += 1


def done(bench: Bench) -> int:
    """Results in the backend so far."""
    return sum(
        1 for _ in redis.Redis.from_url(bench.broker.database_url(1)).scan_iter("celery-task-meta-*", 1000)
    )


def run_all(bench: Bench, project: Project, first: int, count: int) -> float:
    """Milliseconds per task, from the first publish to the last result."""
    before = done(bench)
    publishing = project.python(
        "import contestants, time\nat = time.perf_counter()\n"
        f"contestants.publish({first}, {count})\nresult = time.perf_counter() - at"
    )
    published = time.perf_counter()
    wait_until(lambda: done(bench) >= before + count, 120, project.logs)
    return (time.perf_counter() - published + publishing) / count * 1000


def survives_kill(project: Project) -> bool:
    """Whether a call can be made again after its worker was killed in the middle of it."""
    send = "import contestants\ncontestants.send(contestants.adds, 'killed', seconds=%s)"
    worker = project.worker(concurrency=1)
    project.python(send % 30)
    project.wait_for_runs(1, "adds", "killed")
    worker.kill()
    project.worker(concurrency=1)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        # A package that refuses a duplicate when it is published has to be asked again.
        project.python(send % 30)
        if len(project.runs("adds", "killed")) > 1:
            return True
        time.sleep(1)
    return False


def contest(bench: Bench, name: str) -> tuple[dict[str, bool], float, float]:
    """Cases, milliseconds per task, round trips per task."""
    project = bench.project(name)
    try:
        worker = project.worker(concurrency=4)
        cases = {} if name == "plain" else project.python("import contestants\nresult = contestants.judge()")
        run_all(bench, project, 0, TRIPS)
        milliseconds = run_all(bench, project, 100, TASKS)
        trips = Trips(bench.locks)
        before = trips.count
        run_all(bench, project, 1000, TRIPS)
        time.sleep(0.5)
        per_task = (trips.count - before) / TRIPS
        if name != "plain":
            worker.kill()
            cases[KILLED] = survives_kill(project)
        return cases, milliseconds, per_task
    finally:
        project.close()


def p95(bench: Bench, where: str) -> str:
    """One line: claim and save at the rate, in milliseconds."""
    project = bench.project("redrive", with_redis=where == "Valkey")
    source = (
        P95.replace("TOTAL", str(RATE * SECONDS))
        .replace("RATE", str(RATE))
        .replace("MORE", str(KEYS - RATE * SECONDS if where == "Valkey" else 0))
    )
    claim, save, rate = project.python(source)
    return f"{where:<12} claim {claim:6.2f} ms   save {save:6.2f} ms   at {rate:.0f} calls a second"


def main() -> int:
    """Print everything; exit code 0."""
    guard = Guard()
    scratch = guard.directory / "bench"
    scratch.mkdir()
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    bench = Bench(scratch)
    try:
        bench.project("migrates", with_redis=False).manage("check")
        setup = bench.project("redrive")
        setup.manage("migrate", "-v", "0")
        os.rename(setup.scratch, scratch / "setup")
        found = {name: contest(bench, name) for name in CONTESTANTS}
        print(f"{'':<70}" + "".join(f"{name:>18}" for name in CONTESTANTS))
        for case in found["redrive"][0]:
            marks = (
                "" if name == "plain" else "yes" if found[name][0][case] else "no" for name in CONTESTANTS
            )
            print(f"{case:<70}" + "".join(f"{mark:>18}" for mark in marks))
        print(f"{'milliseconds per task':<70}" + "".join(f"{found[n][1]:>18.2f}" for n in CONTESTANTS))
        print(
            f"{'round trips to the store of locks per task':<70}"
            + "".join(f"{found[n][2]:>18.2f}" for n in CONTESTANTS)
        )
        print("\n95th percentile of Redrive's claim and save")
        os.rename(scratch / "redrive-True", scratch / "contest")
        print(p95(bench, "Valkey"))
        store = redis.Redis.from_url(bench.locks.url)
        os.rename(scratch / "redrive-True", scratch / "p95")
        keys = list(store.scan_iter(count=1000))
        eternal = sum(1 for key in keys if store.ttl(key) == -1)
        print(
            f"{'':<12} after {KEYS:,} calls {len(keys):,} keys are left, {eternal} of them without a time to live"
        )
        print(p95(bench, "PostgreSQL"))
    finally:
        bench.stop()
        guard.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
