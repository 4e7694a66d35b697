"""A service that fails and recovers, eight worker processes, and the gate between them."""

import sys
from collections.abc import Callable, Iterator

import pytest

from tests.gate.fleet import FAST, changes, drained, send, states, traffic, wait_for_records, wait_for_state
from tests.servers import ValkeyServer
from tests.servers.bank import Bank
from tests.servers.django_project import Project
from tests.waiting import wait_until

PROCESSES = 8
TASKS = 24


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
        fleet.worker(concurrency=PROCESSES // 2)
    sent: list[str] = []
    bank.stuck.set()  # so that every process gets one
    send(fleet, bank, PROCESSES, sent)
    with traffic(fleet, bank, sent):  # one worker may have taken more than it can run
        wait_until(lambda: bank.in_flight == PROCESSES, 60, lambda: f"all call\n{fleet.logs()}")
    bank.down.set()
    bank.stuck.clear()  # each process has found the breaker closed, and was well served

    send(fleet, bank, TASKS, sent)
    opened = wait_for_state(fleet, "open").timestamp()
    wait_for_records(fleet, len(sent) - PROCESSES)
    wait_until(lambda: bank.in_flight == 0, 60, "nobody calls")
    settled = len(bank.calls)  # whoever calls from now on probes
    with traffic(fleet, bank, sent):
        wait_until(
            lambda: len(bank.calls) >= settled + 2, 60, lambda: f"two probes\n{fleet.logs()}", every=0.1
        )
        bank.down.clear()
        wait_until(
            lambda: any(call.ok for call in bank.calls[settled:]),
            60,
            lambda: f"a good probe\n{fleet.logs()}",
        )
    drained(fleet, bank, len(sent))

    good = next(number for number, call in enumerate(bank.calls) if number >= settled and call.ok)
    assert {call.in_flight for call in bank.calls[settled : good + 1]} == {1}
    # One failure more than there were good calls opens it, and each process may have had one more on its way. Then
    # there are only probes.
    openings = [event["reason"] for event in changes(fleet) if event["state"] == "open"]
    failures = [call for call in bank.calls if not call.ok]
    probes = sum(reason.startswith("A probe of bank failed") for reason in openings)
    assert len(failures) - probes <= PROCESSES + 1 + PROCESSES
    assert sum(call.ok for call in bank.calls) == len(sent)
    assert states(fleet)[0] == "open"
    assert "ramp" in states(fleet)
    first_probe = next(event["at"] for event in changes(fleet) if event["state"] == "half_open").timestamp()
    late = [call.at - opened for call in failures if opened < call.at < first_probe]
    slack = max(late, default=0.0)
    sys.stdout.write(f"The last call that was no probe came {slack:.2f} s after the breaker had opened.\n")
