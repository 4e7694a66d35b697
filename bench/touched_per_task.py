"""What a task makes a worker touch: SQL statements per failure, I/O per success, memory with 100,000 waiting tasks.

``python bench/touched_per_task.py``. Statements are counted in PostgreSQL's own log, bytes and system calls in the
kernel's account of the pool's child (``/proc/PID/io``), with plain Celery beside it on the same servers.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil
import psycopg
from celery import Celery
from tests.servers import Guard, PostgresServer, ValkeyServer
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

SHOP = Path(__file__).resolve().parents[1] / "tests" / "project"
FAILURES, SUCCESSES, WAITING = 200, 5_000, 100_000
SETTLING = frozenset({"BEGIN", "COMMIT"})
ROWS = (
    "INSERT INTO redrive_taskfailurerecord (task_id, task_name, status, attempt, first_attempt, retry_count,"
    " max_retries, next_retry_at, first_failed_at, version, holds, deliveries, started_attempt, publishes, {others})"
    " SELECT 'waiting-' || n, 'shop.tasks.succeed', 'RETRYING', 1, 1, 0, 3, now() + interval '1 day', now(),"
    " 1, 0, 0, 0, 0, {values} FROM generate_series(1, %s) AS n"
)


def project_on(
    scratch: Path, database: str, broker: str, *, plain: bool = False, keeper: bool = False
) -> Project:
    """The shop, with or without Redrive."""
    scratch.mkdir()
    environment = {
        "DATABASE_URL": database,
        "BROKER_URL": broker,
        "RUNS_FILE": str(scratch / "runs.jsonl"),
        "HOME": str(scratch),
        "REDRIVE": json.dumps(
            {
                "SPILL": {"DIRECTORY": str(scratch / "spill")},
                "KEEPER": {"START_WITH_WORKER": keeper},
            }
        ),
        **({"PLAIN": "1"} if plain else {}),
    }
    return Project(SHOP, "shop", scratch, environment)


def send(project: Project, task: str, count: int, *, numbered: bool) -> None:
    """Queue tasks, and a mark behind them."""
    with (
        Celery(broker=project.extra["BROKER_URL"], set_as_current=False) as sender,
        sender.producer_pool.acquire(block=True) as producer,
    ):
        for number in range(count):
            sender.send_task(task, [number] if numbered else [], producer=producer)
        sender.send_task("shop.tasks.mark", ["end"], producer=producer)


def finish(project: Project) -> None:
    """Wait for the next mark."""
    project.wait_for_runs(1, "mark", seconds=300)
    Path(project.extra["RUNS_FILE"]).unlink()


def statements(scratch: Path, database: PostgresServer, broker: str) -> str:
    """Statements per failing task on Redrive's connection, by their first word."""
    url = database.create_database()
    project = project_on(scratch, url, broker)
    project.manage("migrate", "-v", "0")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("ALTER SYSTEM SET log_line_prefix = '%a|'")
        connection.execute("SELECT pg_reload_conf()")
    offset = len(database.log())
    project.worker(concurrency=1)
    send(project, "shop.tasks.fails_quickly", FAILURES, numbered=True)
    finish(project)
    project.close()
    words = [
        line.partition("statement: ")[2].split(maxsplit=1)[0].upper()
        for line in database.log()[offset:].splitlines()
        if line.startswith("redrive|") and "statement: " in line
    ]
    count = Counter(word.strip(";") for word in words)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET ALL")
        connection.execute("SELECT pg_reload_conf()")
    work = sum(number for word, number in count.items() if word not in SETTLING)
    shown = ", ".join(f"{word} {number / FAILURES:.2f}" for word, number in count.most_common())
    return f"SQL per failing task: {work / FAILURES:.2f} statements between BEGIN and COMMIT ({shown})"


def io_of(worker: Worker) -> dict[str, int]:
    """The pool child's account: bytes and system calls."""
    (child,) = worker.children()
    return {
        name: int(value)
        for name, _, value in (
            line.partition(": ") for line in Path(f"/proc/{child}/io").read_text().splitlines()
        )
    }


def io_per_success(scratch: Path, url: str, broker: str, *, plain: bool) -> dict[str, float]:
    """System calls and bytes of the pool's child per succeeding task; connections it has at the end."""
    project = project_on(scratch, url, broker, plain=plain)
    worker = project.worker(concurrency=1)
    send(project, "shop.tasks.nothing", 200, numbered=False)
    finish(project)
    before = io_of(worker)
    send(project, "shop.tasks.nothing", SUCCESSES, numbered=False)
    finish(project)
    after = io_of(worker)
    (child,) = worker.children()
    sockets = len(psutil.Process(child).net_connections("tcp"))
    project.close()
    per = {name: (after[name] - before[name]) / SUCCESSES for name in ("syscr", "syscw", "rchar", "wchar")}
    return {**per, "sockets": sockets}


def memory(scratch: Path, database: PostgresServer, broker: str) -> str:
    """Resident memory of a worker and of its keeper without and with waiting tasks."""
    url = database.create_database()
    project = project_on(scratch, url, broker, keeper=True)
    project.manage("migrate", "-v", "0")
    figures = []
    for count in (0, WAITING):
        if count:
            fill(url, count)
        worker = project.worker(concurrency=1)
        wait_until(lambda worker=worker: worker.says("is at work"), 60, project.logs)  # type: ignore[misc]  # bound at once
        send(project, "shop.tasks.nothing", 200, numbered=False)
        finish(project)
        # Long enough for every duty of the keeper that looks at waiting rows to have had its turn.
        project.wait_for_rows(
            "SELECT 1 FROM redrive_lease WHERE kind = 'duty' AND key = 'sample'", seconds=60
        )
        process = psutil.Process(worker.pid)
        keeper = next(child for child in process.children() if child.pid not in worker.children())
        (child,) = worker.children()
        figures.append([p.memory_info().rss / 2**20 for p in (process, psutil.Process(child), keeper)])
        worker.kill()
    project.close()
    empty, full = figures
    lines = [f"Resident memory in MiB, without and with {WAITING:,} waiting tasks:"]
    lines += [
        f"  {name:<8} {before:>7.1f} {after:>7.1f} {after - before:>+7.1f}"
        for name, before, after in zip(("worker", "child", "keeper"), empty, full, strict=True)
    ]
    return "\n".join(lines)


def fill(url: str, count: int) -> None:
    """Make records that wait for tomorrow; columns that are not named get what an empty one has."""
    with psycopg.connect(url, autocommit=True) as connection:
        named = {name.strip() for name in ROWS.partition("(")[2].partition("{")[0].split(",")}
        columns = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'redrive_taskfailurerecord' AND is_nullable = 'NO' AND column_default IS NULL"
            " AND is_identity = 'NO'"
        ).fetchall()
        empty = {"jsonb": "'{}'", "bytea": "'\\x'", "timestamp with time zone": "now()"}
        others = {
            name: "0"
            if kind in ("integer", "bigint", "smallint", "double precision")
            else empty.get(kind, "''")
            for name, kind in columns
            if name not in named
        }
        statement = ROWS.format(others=", ".join(others), values=", ".join(others.values()))
        connection.execute(statement, [count])  # type: ignore[call-overload]  # put together from column names


def main() -> int:
    """Print everything; exit code 0."""
    guard = Guard()
    scratch = guard.directory / "bench"
    scratch.mkdir()
    broker, database = ValkeyServer(scratch / "broker"), PostgresServer(scratch / "postgres")
    broker.start()
    database.start()
    try:
        print(statements(scratch / "statements", database, broker.url), "\n", flush=True)
        url = database.create_database()
        project_on(scratch / "migrate", url, broker.url).manage("migrate", "-v", "0")
        print(f"{'A succeeding task, per task':<32} {'plain':>10} {'redrive':>10}")
        plain, own = (
            io_per_success(scratch / f"io-{kind}", url, broker.url, plain=kind == "plain")
            for kind in ("plain", "own")
        )
        names = {
            "syscr": "reading system calls", "syscw": "writing system calls", "rchar": "bytes read",
            "wchar": "bytes written", "sockets": "TCP connections of the child",
        }  # fmt: skip
        for name, words in names.items():
            print(f"{words:<32} {plain[name]:>10.3f} {own[name]:>10.3f}", flush=True)
        print("\n" + memory(scratch / "memory", database, broker.url))
    finally:
        broker.kill()
        database.kill()
        guard.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
