"""The gate and claims on a real server: one probe for the fleet, one run per call, and a server that dies."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from redrive.gate import Gate, GateSettings, Hold, Outcome, Run
from redrive.idempotency import Claimed, Claims
from redrive.stores.redis import RedisConnection, RedisLeaseStore
from redrive.testing.lease_store_contract import wait_until
from tests.servers import ValkeyServer

FAST = GateSettings(first_open=timedelta(seconds=1), probe_lease=timedelta(seconds=30))
DOWN = Outcome.failure("EXTERNAL_TIMEOUT", threshold=3, open_seconds=1)  # opens for the minimum of one second


def store(server: ValkeyServer) -> RedisLeaseStore:
    return RedisLeaseStore(RedisConnection(server.url, timeout_seconds=5), namespace="gate")


def at_once(count: int, ask: Callable[[int], Any]) -> list[Any]:
    barrier, answers = threading.Barrier(count), []

    def run(number: int) -> None:
        barrier.wait(10)
        answers.append(ask(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_when_an_outage_may_be_over_one_of_sixteen_workers_probes(valkey: ValkeyServer) -> None:
    workers = [Gate(store(valkey), FAST) for _ in range(16)]
    for _ in range(3):
        run = workers[0].admit("t", "stripe", "before")
        assert isinstance(run, Run)
        workers[0].report("t", "stripe", run, DOWN)
    assert all(isinstance(gate.admit("t", "stripe", "early"), Hold) for gate in workers)
    opens_at = workers[0].states().breakers[0].until
    assert opens_at is not None
    clock = store(valkey)
    wait_until(lambda: clock.transact("clock", "a", lambda lease, now: (lease, now >= opens_at)))

    answers = at_once(16, lambda number: workers[number].admit("t", "stripe", f"worker-{number}"))

    assert sum(isinstance(answer, Run) for answer in answers) == 1
    assert sum(isinstance(answer, Hold) for answer in answers) == 15


def test_failures_of_many_workers_add_up(valkey: ValkeyServer) -> None:
    workers = [Gate(store(valkey), FAST) for _ in range(8)]
    outcome = Outcome.failure("TRANSIENT_DATABASE", threshold=8, open_seconds=300)

    reports = at_once(8, lambda number: workers[number].report("t", "database", Run(), outcome))

    assert sum(report.transition is not None for report in reports) == 1


def test_of_sixteen_equal_calls_one_runs(valkey: ValkeyServer) -> None:
    claims = [Claims(store(valkey)) for _ in range(16)]

    answers = at_once(
        16,
        lambda number: claims[number].claim(
            "1:abc", task_id=f"t{number}", token=f"run-{number}", ttl=timedelta(seconds=60)
        ),
    )

    assert sum(isinstance(answer, Claimed) for answer in answers) == 1


def test_with_the_server_killed_calls_go_through(valkey: ValkeyServer) -> None:
    gate = Gate(store(valkey), FAST)
    assert gate.admit("t", "stripe", "a") == Run(free=True)

    valkey.kill()

    assert gate.admit("t", "stripe", "a") == Run(degraded=True)
    assert gate.states().degraded
