"""What Redrive costs a task, beside plain Celery on the same worker in the same run.

``python bench/cost_per_task.py`` prints one table. Each figure is the best of several alternating rounds: machines are
noisy, and the least disturbed round says most. Tasks are queued before the worker starts, between two marks that note
the time; one process runs them in order.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from celery import Celery

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.servers import Guard, PostgresServer, ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

ROUNDS = 3
WARM_UP = 200  # tasks before the first mark: a process that has just been forked still loads what every project loads
PLAIN, OWN, RESULTS = "plain", "redrive", "django-celery-results"
"""What a project lives with: Celery alone, Redrive, or a result backend in SQL, which stores failures as well."""


@dataclass(frozen=True, slots=True)
class Case:
    """One comparison: which task, how many, and what the worker lives with."""

    name: str
    task: str
    count: int
    stores_stopped: bool = False
    variants: Sequence[str] = (PLAIN, OWN)
    arguments: Sequence[str] = ()


CASES = (
    Case("succeeding task", "shop.tasks.nothing", 6000),
    Case("failing task, dead at once", "shop.tasks.fails_quickly", 400, variants=(PLAIN, OWN, RESULTS)),
    Case(
        "succeeding task, a process each, our stores stopped",
        "shop.tasks.nothing",
        60,
        stores_stopped=True,
        arguments=("--max-tasks-per-child", "1"),
    ),
    Case("failing task, our stores stopped", "shop.tasks.fails_quickly", 400, stores_stopped=True),
)


def seconds_per_task(project: Project, case: Case) -> float:
    """Seconds from the first mark to the last, by the number of tasks between them."""
    broker = project.extra["BROKER_URL"]
    with (
        Celery(broker=broker, set_as_current=False) as sender,
        sender.producer_pool.acquire(block=True) as producer,
    ):
        for number in range(-min(WARM_UP, case.count), case.count):
            if number == 0:
                sender.send_task("shop.tasks.mark", ["begin"], producer=producer)
            args = [number] if case.task.endswith("quickly") else []
            sender.send_task(case.task, args, producer=producer)
        sender.send_task("shop.tasks.mark", ["end"], producer=producer)
    # The worker begins with another queue, so that its start, and that of a keeper beside it, is not in the figure.
    worker = project.worker(concurrency=1, queues=["elsewhere"], arguments=case.arguments)
    if "PLAIN" not in project.extra:
        wait_until(lambda: worker.says("is at work"), 60, project.logs)
    with Celery(broker=broker, set_as_current=False) as sender:
        sender.control.add_consumer("celery", reply=True)
        project.wait_for_runs(2, "mark", seconds=300)
    worker.kill()
    moments = {run["label"]: float(run["at"]) for run in project.runs("mark")}
    Path(project.extra["RUNS_FILE"]).unlink()
    return (moments["end"] - moments["begin"]) / case.count


def compare(
    case: Case, make: Callable[[str], Project], stop: Callable[[], None], start: Callable[[], None]
) -> str:
    """The case's lines of the table."""
    best = dict.fromkeys(case.variants, float("inf"))
    for _ in range(ROUNDS):
        for variant in case.variants:
            project = make(variant)
            if case.stores_stopped:
                stop()
            best[variant] = min(best[variant], seconds_per_task(project, case))
            start()
            project.close()
    plain = best.pop(PLAIN) * 1000
    lines = []
    for variant, seconds in best.items():
        own = seconds * 1000
        name = case.name if variant == OWN else f"  the same with {variant}"
        lines.append(f"{name:<54} {plain:>9.3f} {own:>9.3f} {own - plain:>+9.3f} {plain / own:>8.1%}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; exit code 0."""
    guard = Guard()
    scratch = guard.directory / "bench"
    scratch.mkdir()
    broker, own_redis = ValkeyServer(scratch / "broker"), ValkeyServer(scratch / "redis")
    postgres = PostgresServer(scratch / "postgres")
    servers = (broker, own_redis, postgres)
    for server in servers:
        server.start()
    directory = Path(__file__).resolve().parents[1] / "tests" / "project"
    database = postgres.create_database()
    made = 0

    def make(variant: str) -> Project:
        nonlocal made
        made += 1
        own = scratch / f"project-{made}"
        own.mkdir()
        environment = {
            "DATABASE_URL": database,
            "BROKER_URL": broker.url,
            "REDIS_URL": own_redis.url,
            "RUNS_FILE": str(own / "runs.jsonl"),
            "HOME": str(own),
            "REDRIVE": json.dumps({"SPILL": {"DIRECTORY": str(own / "spill")}}),
            **({} if variant == OWN else {"PLAIN": "1"}),
            **({"RESULT_URL": "django-db"} if variant == RESULTS else {}),
        }
        return Project(directory, "shop", own, environment)

    def stop() -> None:
        own_redis.kill()
        postgres.kill()

    def start() -> None:
        own_redis.start()
        postgres.start()

    try:
        for variant in (OWN, RESULTS):
            make(variant).manage("migrate", "-v", "0")
        print(
            "Milliseconds per task, best of",
            ROUNDS,
            "rounds; one prefork process, Valkey as broker, PostgreSQL.\n",
        )
        print(f"{'':<54} {'plain':>9} {'with':>9} {'more':>9} {'speed':>8}")
        for case in CASES:
            print(compare(case, make, stop, start), flush=True)
    finally:
        for server in servers:
            server.kill()
        guard.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
