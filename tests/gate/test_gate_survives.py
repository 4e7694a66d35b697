"""What happens to the gate's own parts, with real workers: its store dies, a probe's worker dies, all workers die, and
clocks are wrong.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from redrive.stores.redis import RedisLeaseStore
from tests.gate.fleet import (
    FAST,
    changes,
    drained,
    last_event,
    send,
    states,
    wait_for_records,
    wait_for_state,
)
from tests.servers import PostgresServer, ValkeyServer
from tests.servers.bank import Bank
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

CHILDREN = 2
THRESHOLD = 3
MEANWHILE = 10
SOON = {"initial_delay": 2, "max_delay": 4}
# Each time that a store has to learn of the outage, two failures use up a retry.
OUTAGE = {**FAST["POLICIES"]["EXTERNAL_API_DOWN"], "max_retries": 20}
PATIENT = {
    **FAST,
    "NAMESPACE": "shop",
    "POLICIES": {
        "EXTERNAL_API_DOWN": OUTAGE,
        **dict.fromkeys(("SYSTEM_OUT_OF_MEMORY", "SYSTEM_WORKER_LOST"), SOON),
    },
}


@pytest.fixture
def bank() -> Iterator[Bank]:
    bank = Bank()
    yield bank
    bank.close()


@pytest.fixture
def gate_store(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey for the gate alone, which forgets everything when it is killed; the broker has another."""
    server = ValkeyServer(tmp_path / "gate-store", append_only=False)
    server.start()
    yield server
    server.kill()


def document(store: ValkeyServer) -> tuple[str, dict[str, Any]]:
    """State and data of the bank's gate in Valkey; "closed" where there is nothing."""
    lease = RedisLeaseStore(store.url, namespace="shop").get("gate", "bank")
    return (lease.state, dict(lease.data)) if lease is not None else ("closed", {})


def state_in_sql(project: Project) -> str:
    """State of the bank's gate in the database; "closed" where there is nothing."""
    rows = project.query("SELECT state FROM redrive_lease WHERE kind = 'gate' AND key = 'bank'")
    return str(rows[0]["state"]) if rows else "closed"


def ends(project: Project) -> int:
    """How many attempts have ended badly or were held, as the workers' logs say, whatever store is away."""
    return project.logs(last=10**6).count("] retry: ")


@pytest.mark.parametrize("where", ["valkey", "sql"])
def test_its_store_may_die_open_half_open_and_ramping(
    where: str,
    make_project: Callable[..., Project],
    postgres: PostgresServer,
    postgres_url: str,
    valkey: ValkeyServer,
    gate_store: ValkeyServer,
    bank: Bank,
) -> None:
    in_valkey = where == "valkey"
    store = gate_store if in_valkey else postgres
    project = make_project(
        database_url=postgres_url,
        broker_url=valkey.url,
        redis_url=gate_store.url if in_valkey else None,
        redrive=PATIENT,
    )

    def state() -> str:
        return document(gate_store)[0] if in_valkey else state_in_sql(project)

    def wait_for(wanted: str) -> None:
        wait_until(lambda: state() == wanted, 60, lambda: f"{wanted}\n{project.logs()}")

    for _ in range(CHILDREN):
        project.worker(concurrency=1)
    sent: list[str] = []
    began = time.monotonic()
    bank.down.set()
    send(project, bank, 4, sent)
    wait_for("open")
    wait_for_records(project, 4)

    killed, before, ended = time.monotonic(), len(bank.calls), ends(project)
    store.kill()
    send(project, bank, MEANWHILE, sent)  # whatever stands in has to find out for itself
    wait_until(lambda: ends(project) >= ended + MEANWHILE, 60, lambda: f"all had a turn\n{project.logs()}")
    # What stands in for the database is a gate in each child: each learns by three failures, and probes once in two
    # seconds.
    seconds = time.monotonic() - killed
    assert 0 < len(bank.calls) - before <= CHILDREN * (THRESHOLD + seconds / 2)
    store.start()  # one store forgot the outage, the other did not

    wait_for("open")
    bank.stuck.set()
    wait_for("half_open")
    wait_until(lambda: bank.in_flight > 0, 60, lambda: f"a probe on its way\n{project.logs()}")
    store.kill()
    send(project, bank, 2, sent)
    bank.stuck.clear()  # the probe's result comes to a store that does not know of it
    store.start()

    wait_for("open")
    bank.down.clear()
    wait_for("ramp")
    store.kill()
    bad, seconds = sum(not call.ok for call in list(bank.calls)), time.monotonic() - began
    send(project, bank, 2, sent)
    store.start()

    drained(project, bank, len(sent))
    # Each store learns of the outage by three failures and what each child has on its way by then: Valkey three times,
    # the database once. The rest are probes, of two stores at most at a time, each of one in two seconds.
    assert bad <= 4 * (THRESHOLD + CHILDREN) + seconds
    assert {run["label"] for run in project.runs("pay")} == {str(number) for number in range(len(sent))}
    again = sum(call.ok for call in bank.calls) - len(sent)
    sys.stdout.write(f"{bad} failures in {seconds:.0f} s of outage; {again} tasks ran again.\n")


@pytest.fixture
def project(
    make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer, gate_store: ValkeyServer
) -> Project:
    """Its gate is in a Valkey of its own."""
    return make_project(
        database_url=postgres_url, broker_url=valkey.url, redis_url=gate_store.url, redrive=PATIENT
    )


def test_a_probe_whose_worker_is_killed_is_followed_by_one_other(
    project: Project, gate_store: ValkeyServer, bank: Bank
) -> None:
    workers = [project.worker(concurrency=2) for _ in range(2)]
    sent: list[str] = []
    bank.down.set()
    send(project, bank, 4, sent)
    wait_for_state(project, "open")
    wait_for_records(project, 4)
    bank.stuck.set()
    wait_until(lambda: bank.in_flight == 1, 60, lambda: f"a probe on its way\n{project.logs()}")
    lease_ends = document(gate_store)[1]["probe_until"]
    mark, before = last_event(project), len(bank.calls)

    pid = project.runs("pay")[-1]["pid"]
    next(worker for worker in workers if pid in worker.children()).kill()
    bank.down.clear()
    bank.stuck.clear()
    send(project, bank, 4, sent)  # they ask while the dead one's lease lasts

    drained(project, bank, len(sent))
    assert states(project, mark)[:2] == ["half_open", "ramp"]
    probe = changes(project, mark)[0]["at"].timestamp()
    assert probe >= lease_ends  # both by clocks of this machine
    assert all(call.at >= lease_ends for call in bank.calls[before:])
    sys.stdout.write(f"The next probe went {probe - lease_ends:.2f} s after the lease of the killed one.\n")


@pytest.mark.parametrize("where", ["valkey", "sql"])
def test_wrong_clocks_and_new_workers_change_nothing(
    where: str,
    make_project: Callable[..., Project],
    postgres_url: str,
    valkey: ValkeyServer,
    gate_store: ValkeyServer,
    bank: Bank,
) -> None:
    project = make_project(
        database_url=postgres_url,
        broker_url=valkey.url,
        redis_url=gate_store.url if where == "valkey" else None,
        redrive=PATIENT,
    )

    def state() -> str:
        return document(gate_store)[0] if where == "valkey" else state_in_sql(project)

    def start() -> list[Worker]:
        return [
            project.worker(concurrency=2, environment={"CLOCK_AHEAD_SECONDS": ahead})
            for ahead in ("3600", "-3600")
        ]

    workers = start()
    sent: list[str] = []
    bank.down.set()
    send(project, bank, 6, sent)
    wait_for_state(project, "open")
    wait_for_records(project, 6)
    for worker in workers:
        worker.kill()
    assert state() in ("open", "half_open")
    mark, before = last_event(project), len(bank.calls)

    start()
    wait_until(lambda: len(bank.calls) >= before + 2, 60, lambda: f"two probes\n{project.logs()}")
    probes = bank.calls[before:]
    assert {call.in_flight for call in probes} == {1}
    bank.down.clear()
    drained(project, bank, len(sent))

    # Nobody found out anew that the bank is down.
    openings = [event["reason"] for event in changes(project, mark) if event["state"] == "open"]
    assert all(reason.startswith("A probe of bank failed") for reason in openings)
    assert sum(call.ok for call in bank.calls) == len(sent)
    apart = project.query(
        "SELECT max(abs(extract(epoch FROM ended_at - now()))) AS seconds FROM redrive_failureattempt"
    )
    assert apart[0]["seconds"] < 1800  # by the database's clock, not by the workers'
