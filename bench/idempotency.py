"""Idempotent tasks beside celery-singleton and celery-once, in one run.

``python bench/idempotency.py`` prints a row per case of the conformance list (``tests/idempotency/conformance``), with
yes, no, or ``-`` and why it is not compared; milliseconds per task from publishing to the end and round trips to the
store of locks; Redrive's claim and save at 200 a second on Valkey and PostgreSQL; and keys left without a time to live.
Takes five to nine minutes, as busy as the machine is.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import redis

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.servers import Guard, PostgresServer, ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

CONTESTANTS: Final = ("redrive", "celery-singleton", "celery-once", "plain")
TASKS, TRIPS, KEYS, RATE, SECONDS = 500, 50, 10_000, 200, 10
IMPATIENT = {"visibility_timeout": 2, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
"""A broker that delivers again what was not acknowledged for two seconds."""
CASES = {
    1: "a sequential duplicate gets the first result",
    2: "of twenty equal messages one runs",
    3: "retry() twice, then success: three runs",
    4: "autoretry twice, then success: three runs",
    5: "while a call waits for its retry no other runs; afterwards one does",
    6: "kill -9 of the worker, acks_late: delivered again, ends once",
    7: "copies that the broker delivers of a running task never overlap",
    8: "after a hard time limit the call is free within lease + 5 s",
    9: "after a permanent error the same call runs again",
    10: "a body three times as long as its lock lasts runs alone",
    11: "a frozen holder that wakes up frees nothing of who took over",
    12: "however arguments are written, one key",
    13: "calls that look alike have other keys",
    14: "key at publishing = key in the worker; json and pickle, 7 types",
    15: "one instant in two time zones is one key",
    16: "objects, sets, generators, functions are refused, not keyed by repr",
    17: "keys are the same with another PYTHONHASHSEED",
    18: "users are kept apart, a missing user is an error",
    19: "an explicit key with another payload is an error",
    20: "a result stands for its ttl, then the call runs again",
    21: "None, 0, '', [] and False are replayed exactly",
    22: "a call with a result of 5 MB is not run again",
    23: "a call with a result that is no JSON is not run again",
    24: "store away: publishing raises nothing, takes < 1 s, the task runs",
    25: "store away at the end and back: first result, no second run",
    26: "FLUSHALL in a run: one extra run at the most",
    27: "Redis comes and goes for 60 s: critical runs never overlap",
    28: "after a rollback of publisher or body the same call runs",
    29: "a chord with a duplicate among its members finishes",
    30: "direct call, apply() and eager mode run",
    31: "a task that sends itself: the message is not lost, and ends",
    32: "bulk retry of dead letters, two with one key",
    33: "an expired message holds nothing",
    34: f"claim and save in time at {RATE}/s, no key left without ttl",
}
NOT_COMPARED = {
    18: "only Redrive has scopes",
    27: "only Redrive has claims outside Redis; its test runs with REDRIVE_FLIPS=15",
    32: "only Redrive has dead letters; test_case_32",
    34: "the others lock within publishing: see milliseconds and round trips",
}
ALSO = "   kill -9 of the worker, early ack: a new call runs within 20 s"

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
result = [percentile(claim), percentile(save), rate]
"""
MORE = """
import uuid
from datetime import timedelta
from redrive import runtime

claims = runtime.claims()
for number in range(TOTAL):
    token = uuid.uuid4().hex
    held = claims.claim(f"bench-{token}", task_id=token, token=token, ttl=timedelta(seconds=60))
    claims.complete(held, result=None, ttl=timedelta(seconds=3600)) if number % 2 else claims.release(held)
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

    def empty(self) -> None:
        """Nothing in broker and store of locks."""
        for server in (self.broker, self.locks):
            redis.Redis.from_url(server.url).flushall()

    def project(self, contestant: str, *, with_redis: bool = True, impatient: bool = False) -> Project:
        """A project of its own, with empty broker and store."""
        self.empty()
        own = Path(tempfile.mkdtemp(prefix=f"{contestant}-", dir=self.scratch))
        celery: dict[str, object] = {"imports": ["contestants"], "accept_content": ["json", "pickle"]}
        celery |= {"broker_transport_options": IMPATIENT} if impatient else {}
        environment = {
            "CONTESTANT": contestant,
            "PYTHONPATH": str(self.root / "bench"),
            "DATABASE_URL": self.database,
            "BROKER_URL": self.broker.url,
            "RESULT_URL": self.broker.database_url(1),
            "LOCK_URL": self.locks.url,
            "RUNS_FILE": str(own / "runs.jsonl"),
            "HOME": str(own),
            "C_FORCE_ROOT": "1",  # Celery refuses pickle to root
            "CELERY": json.dumps(celery),
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
        "import contestant_cases as cases, time\nat = time.perf_counter()\n"
        f"cases.publish({first}, {count})\nresult = time.perf_counter() - at"
    )
    published = time.perf_counter()
    wait_until(lambda: done(bench) >= before + count, 120, project.logs)
    return (time.perf_counter() - published + publishing) / count * 1000


def send(project: Project, task: str, label: str, **options: float) -> None:
    """Publish a call from a process of its own, whether its package wants that or not."""
    arguments = "".join(f", {name}={value}" for name, value in options.items())
    project.python(f"import contestants as c\nc.send(c.{task}, {label!r}{arguments})")


def runs_within(project: Project, count: int, task: str, label: str, seconds: float) -> bool:
    """Whether a body ran that often in time."""
    with contextlib.suppress(AssertionError):
        project.wait_for_runs(count, task, label, seconds=seconds)
    return len(project.runs(task, label)) >= count


def hashes(project: Project) -> bool:
    """Case 17."""
    found = []
    for seed in ("1", "2"):
        project.extra["PYTHONHASHSEED"] = seed
        found.append(project.python("import contestant_cases as cases\nresult = cases.keys()"))
    del project.extra["PYTHONHASHSEED"]
    return found[0] == found[1]


def store_away(bench: Bench, project: Project) -> dict[int, bool]:
    """Cases 24 and 25: the store of locks is away before a call, and at its end."""
    bench.locks.kill()
    took = project.python(
        "import contestants as c, time\nat = time.perf_counter()\n"
        "sent = c.send(c.adds, 'case 24')\nresult = time.perf_counter() - at if sent else 99"
    )
    found = {24: took < 1 and runs_within(project, 1, "adds", "case 24", 15)}
    bench.locks.start()
    time.sleep(4)  # a client that has met it away may leave it alone for some seconds
    send(project, "adds", "case 25", seconds=4)
    runs_within(project, 1, "adds", "case 25", 15)
    bench.locks.kill()
    runs_within(project, 1, "adds.end", "case 25", 15)
    time.sleep(1)
    bench.locks.start()
    time.sleep(6)
    found[25] = project.python(
        "import contestants as c, contestant_cases as cases\n"
        "answer = cases.outcome(c.send(c.adds, 'case 25', seconds=4))\n"
        "result = answer == ('SUCCESS', 'case 25 2') and cases.settled('adds', 'case 25', 1)"
    )
    return found


def deliveries(bench: Bench, name: str) -> dict[int | str, bool]:
    """Cases 6 and 7, and a killed worker whose message was acknowledged early."""
    project = bench.project(name, impatient=True)
    try:
        worker = project.worker(concurrency=3)
        send(project, "late", "case 7", seconds=7)
        runs_within(project, 1, "late.end", "case 7", 20)
        time.sleep(1)
        began = [run["at"] for run in project.runs("late", "case 7")]
        ends = sorted(run["at"] for run in project.runs("late.end", "case 7"))
        again = worker.log().count("contestants.late") > 1
        found: dict[int | str, bool] = {7: again and bool(ends) and sum(at < ends[0] for at in began) == 1}
        send(project, "adds", "killed", seconds=30)
        runs_within(project, 1, "adds", "killed", 20)
        send(project, "late", "case 6", seconds=5)
        runs_within(project, 1, "late", "case 6", 40)
        cut_short = not project.runs("late.end", "case 6")
        worker.kill()
        project.worker(concurrency=3)
        found[6] = cut_short and runs_within(project, 1, "late.end", "case 6", 40)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and len(project.runs("adds", "killed")) < 2:
            # A package that refuses a duplicate when it is published has to be asked again.
            send(project, "adds", "killed", seconds=30)
        found[6] = found[6] and len(project.runs("late.end", "case 6")) == 1
        found[ALSO] = len(project.runs("adds", "killed")) > 1
        return found
    finally:
        project.close()


def contest(bench: Bench, name: str) -> tuple[dict[int | str, bool | None], float, float]:
    """Cases, milliseconds per task, round trips per task."""
    project = bench.project(name)
    try:
        cases: dict[int | str, bool | None] = {}
        if name != "plain":
            worker = project.worker(concurrency=12)
            judged = project.python("import contestant_cases as cases\nresult = cases.judge()")
            cases = {int(number): passed for number, passed in judged.items()}
            cases |= {17: hashes(project), **store_away(bench, project)}
            worker.kill()
            cases |= deliveries(bench, name)
            bench.empty()
        project.worker(concurrency=4)
        run_all(bench, project, 0, TRIPS)
        milliseconds = run_all(bench, project, 100, TASKS)
        trips = Trips(bench.locks)
        before = trips.count
        run_all(bench, project, 1000, TRIPS)
        time.sleep(0.5)
        return cases, milliseconds, (trips.count - before) / TRIPS
    finally:
        project.close()


def p95(bench: Bench, where: str) -> tuple[float, float]:
    """Claim and save at the rate, in milliseconds; prints them."""
    project = bench.project("redrive", with_redis=where == "Valkey")
    claim, save, rate = project.python(P95.replace("TOTAL", str(RATE * SECONDS)).replace("RATE", str(RATE)))
    for _ in range(RATE * SECONDS, KEYS if where == "Valkey" else 0, RATE * SECONDS):
        project.python(MORE.replace("TOTAL", str(RATE * SECONDS)))
    print(f"{where:<12} claim {claim:6.2f} ms   save {save:6.2f} ms   at {rate:.0f} calls a second")
    return claim, save


def lives(bench: Bench) -> bool:
    """Case 34: claim and save < 10 ms on Valkey, < 50 ms on PostgreSQL; no key without a time to live."""
    print("95th percentile of Redrive's claim and save")
    in_time = max(p95(bench, "Valkey")) < 10
    store = redis.Redis.from_url(bench.locks.url)
    keys = list(store.scan_iter(count=1000))
    eternal = sum(1 for key in keys if store.ttl(key) == -1)
    print(
        f"{'':<12} after {KEYS:,} calls {len(keys):,} keys are left, {eternal} of them without a time to live"
    )
    return max(p95(bench, "PostgreSQL")) < 50 and in_time and not eternal


def show(found: dict[str, tuple[dict[int | str, bool | None], float, float]]) -> None:
    """The table."""

    def row(what: str, *cells: str) -> None:
        print(f"{what:<78}" + "".join(f"{cell:>18}" for cell in cells))

    row("", *CONTESTANTS)
    for case, text in [*CASES.items(), (ALSO, ALSO)]:
        marks = [{True: "yes", False: "no"}.get(found[name][0].get(case), "-") for name in CONTESTANTS[:3]]  # type: ignore[arg-type]
        row(f"{case:>2} {text}" if isinstance(case, int) else text, *marks)
    row("milliseconds per task", *(f"{found[name][1]:.2f}" for name in CONTESTANTS))
    row("round trips to the store of locks per task", *(f"{found[name][2]:.2f}" for name in CONTESTANTS))
    print("\n-  " + "\n   ".join(f"{case}: {why}" for case, why in NOT_COMPARED.items()))


def main() -> int:
    """Print everything; exit code 1 if Redrive misses a case."""
    began = time.monotonic()
    guard = Guard()
    scratch = guard.directory / "bench"
    scratch.mkdir()
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)
    bench = Bench(scratch)
    try:
        bench.project("redrive").manage("migrate", "-v", "0")
        in_time = lives(bench)
        found = {}
        for name in CONTESTANTS:
            print(f"{time.monotonic() - began:4.0f} s: {name}", file=sys.stderr, flush=True)
            found[name] = contest(bench, name)
        found["redrive"][0][34] = in_time
        print()
        show(found)
        print(f"\n{time.monotonic() - began:.0f} seconds")
        return 0 if False not in found["redrive"][0].values() else 1
    finally:
        bench.stop()
        guard.close()


if __name__ == "__main__":
    sys.exit(main())
