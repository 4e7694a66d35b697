"""What the tests with real workers and a bank have in common."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.servers.bank import Bank
from tests.servers.django_project import Project
from tests.waiting import wait_until

FAST: dict[str, Any] = {
    "POLICIES": {"EXTERNAL_API_DOWN": {"initial_delay": 2, "max_delay": 4, "circuit_breaker_timeout": 4}},
    "DOWNSTREAMS": {
        "bank": {"first_open_seconds": 2, "slowest_probing_seconds": 2, "probe_lease_seconds": 4}
    },
    "KEEPER": {"POLL_SECONDS": 0.2, "LEASE_SECONDS": 3, "HEARTBEAT_SECONDS": 4, "REPUBLISH_SECONDS": 10},
}


def states(project: Project) -> list[str]:
    """What the breaker has become so far, in order."""
    rows = project.query("SELECT kind FROM redrive_event WHERE kind LIKE 'breaker-%%' ORDER BY at, id")
    return [row["kind"].removeprefix("breaker-") for row in rows]


def unresolved(project: Project) -> int:
    rows = project.query("SELECT count(*) AS n FROM redrive_taskfailurerecord WHERE status <> 'RESOLVED'")
    return int(rows[0]["n"])


def drained(project: Project, bank: Bank, count: int) -> None:
    """Return when every task has had a good answer and no record is open."""
    wait_until(
        lambda: sum(call.ok for call in list(bank.calls)) >= count and unresolved(project) == 0,
        90,
        lambda: f"{count} good calls, there are {sum(call.ok for call in bank.calls)}\n{project.logs()}",
        every=0.2,
    )


@contextmanager
def traffic(project: Project, url: str, sent: list[str]) -> Iterator[None]:
    """Two fresh tasks a second for as long as it lasts: somebody must be there to probe."""
    over = threading.Event()

    def send() -> None:
        while not over.wait(0.5):
            sent.append(project.send("shop.tasks.pay", f"fresh {len(sent)}", url))

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)
