"""A service that fails and recovers, eight worker processes, and the gate between them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.servers import ValkeyServer
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
TASKS = 20


@pytest.fixture
def bank() -> Iterator[Bank]:
    bank = Bank()
    yield bank
    bank.close()


@pytest.fixture(params=["valkey", "sql"])
def fleet(
    request: pytest.FixtureRequest,
    make_project: Callable[..., Project],
    postgres_url: str,
    valkey: ValkeyServer,
) -> Project:
    """The shop with short times; its gate in Valkey, or in the database alone."""
    redis_url = valkey.database_url(1) if request.param == "valkey" else None
    return make_project(database_url=postgres_url, broker_url=valkey.url, redis_url=redis_url, redrive=FAST)


def states(project: Project) -> list[str]:
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


def test_an_outage_costs_one_probe_at_a_time_and_no_task(fleet: Project, bank: Bank) -> None:
    for _ in range(2):
        fleet.worker(concurrency=4)
    bank.down.set()
    sent = [fleet.send("shop.tasks.pay", f"{number}", bank.url) for number in range(TASKS)]
    wait_until(lambda: "open" in states(fleet), 60, lambda: f"an open breaker\n{fleet.logs()}", every=0.1)
    settled = time.time() + 2  # what was on its way when it opened has arrived by then
    with traffic(fleet, bank.url, sent):
        wait_until(
            lambda: len(bank.since(settled)) >= 2, 60, lambda: f"two probes\n{fleet.logs()}", every=0.1
        )
        probes = bank.since(settled)
        before = len(bank.calls)
        bank.down.clear()
        wait_until(lambda: any(call.ok for call in bank.calls), 60, lambda: f"a good probe\n{fleet.logs()}")
    drained(fleet, bank, len(sent))

    assert max(call.in_flight for call in probes) == 1
    # Three failures open it; each of eight processes may have had one more on its way, and then there are only probes.
    assert before - len(probes) <= 3 + 2 * 8
    assert sum(call.ok for call in bank.calls) == len(sent)
    assert states(fleet)[0] == "open"
    assert "ramp" in states(fleet)
