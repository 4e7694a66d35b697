"""A service that fails and recovers, eight worker processes, and the gate between them."""

import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tests.gate.fleet import FAST, drained, states, traffic
from tests.servers import ValkeyServer
from tests.servers.bank import Bank
from tests.servers.django_project import Project
from tests.waiting import wait_until

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
    opened = fleet.query("SELECT min(at) AS at FROM redrive_event WHERE kind = 'breaker-open'")[0][
        "at"
    ].timestamp()
    late = [call.at - opened for call in bank.calls[:before] if call not in probes and call.at > opened]
    slack = max(late, default=0.0)
    sys.stdout.write(f"The last call that was no probe came {slack:.2f} s after the breaker had opened.\n")
    assert "ramp" in states(fleet)
