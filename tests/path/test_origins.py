"""Duplicates are counted by what published them, through a real beat and worker."""

from collections.abc import Callable

from tests.servers import ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

COUNTS = (
    "SELECT kind, label, SUM(count) AS n FROM redrive_stat"
    " WHERE task_name = 'shop.tasks.once' AND kind LIKE 'idempotency%%' GROUP BY kind, label"
)


def test_checks_and_hits_are_counted_by_endpoint(
    make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer
) -> None:
    entry = {"task": "shop.tasks.once", "args": ["from beat"], "schedule": 1}
    project = make_project(
        database_url=postgres_url,
        broker_url=valkey.url,
        redis_url=valkey.database_url(1),
        celery={"beat_schedule": {"every second": entry}},
        redrive={"KEEPER": {"POLL_SECONDS": 0.2}},
    )
    project.worker(concurrency=1, arguments=["--beat", "--schedule", str(project.scratch / "beat")])
    for _ in range(3):
        project.send("shop.tasks.once", "from elsewhere")
    for _ in range(2):
        project.send("shop.tasks.calls_once", "from a task")

    def counted() -> bool:
        found = {(row["kind"], row["label"]): int(row["n"]) for row in project.query(COUNTS)}
        beat = found.get(("idempotency-check", "global:beat:every second"), 0)
        others = {key: n for key, n in found.items() if "beat" not in key[1]}
        return (
            beat > 1
            and found[("idempotency-hit", "global:beat:every second")] == beat - 1
            and others
            == {
                ("idempotency-check", "global:elsewhere"): 3,
                ("idempotency-hit", "global:elsewhere"): 2,
                ("idempotency-check", "global:task:shop.tasks.calls_once"): 2,
                ("idempotency-hit", "global:task:shop.tasks.calls_once"): 1,
            }
        )

    wait_until(counted, 40, lambda: f"{project.query(COUNTS)}\n{project.logs()}")
