"""What the tests with real workers and a bank have in common."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
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


def send(project: Project, bank: Bank, count: int, sent: list[str]) -> None:
    """Send some calls to the bank, and add their ids."""
    for _ in range(count):
        sent.append(project.send("shop.tasks.pay", f"{len(sent)}", bank.url))


def states(project: Project, after: int = 0) -> list[str]:
    """What the breaker has become so far, in order; only what was noted after an event, if its id is given."""
    return [event["state"] for event in changes(project, after)]


def changes(project: Project, after: int = 0) -> list[dict[str, Any]]:
    """The same with moments, reasons and numbers."""
    rows = project.query(
        "SELECT at, kind, reason, numbers FROM redrive_event"
        " WHERE kind LIKE 'breaker-%%' AND id > %s ORDER BY at, id",
        after,
    )
    return [{**row, "state": row["kind"].removeprefix("breaker-")} for row in rows]


def last_event(project: Project) -> int:
    """The id of the last event so far."""
    return int(project.query("SELECT COALESCE(max(id), 0) AS id FROM redrive_event")[0]["id"])


def wait_for_state(project: Project, state: str) -> datetime:
    """Return when the breaker first became that, once it has."""
    wait_until(lambda: state in states(project), 60, lambda: f"{state}\n{project.logs()}", every=0.1)
    return next(event["at"] for event in changes(project) if event["state"] == state)


def wait_for_records(project: Project, count: int) -> None:
    """Return when so many tasks wait in their records.

    A worker that is killed before takes with it what it has received and not begun (Redis gives it out again after
    kombu's visibility_timeout, an hour) and what it was running (acknowledged early, in no ledger).
    """
    wait_until(lambda: count_of(project, "RETRYING") == count, 60, lambda: f"{count} wait\n{project.logs()}")


def count_of(project: Project, status: str) -> int:
    rows = project.query("SELECT count(*) AS n FROM redrive_taskfailurerecord WHERE status = %s", status)
    return int(rows[0]["n"])


def unresolved(project: Project) -> int:
    rows = project.query("SELECT count(*) AS n FROM redrive_taskfailurerecord WHERE status <> 'RESOLVED'")
    return int(rows[0]["n"])


def drained(project: Project, bank: Bank, count: int) -> None:
    """Return when every task has had a good answer and no record is open."""
    wait_until(
        lambda: sum(call.ok for call in list(bank.calls)) >= count and unresolved(project) == 0,
        120,
        lambda: f"{count} good calls, there are {sum(call.ok for call in bank.calls)}\n{project.logs()}",
        every=0.2,
    )


@contextmanager
def traffic(project: Project, bank: Bank, sent: list[str]) -> Iterator[None]:
    """Two fresh tasks a second for as long as it lasts: somebody must be there to probe."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(0.5):
            send(project, bank, 1, sent)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)
