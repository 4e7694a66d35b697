"""Threads of several processes at one breaker, through two outages: one probe at a time, no transition told twice."""

from __future__ import annotations

import itertools
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from redrive.gate import BreakerState, Gate, GateSettings, Outcome, Run, Transition
from redrive.leases import LeaseStore
from redrive.stores.redis import RedisLeaseStore
from redrive.stores.sql.connection import Database
from redrive.stores.sql.leases import SqlLeaseStore
from tests.servers import ValkeyServer
from tests.stores.databases import on_postgres
from tests.waiting import wait_until

PROCESSES, THREADS = 3, 4
FAST = GateSettings(first_open=timedelta(seconds=1))
DOWN = Outcome.failure("EXTERNAL_TIMEOUT", threshold=3, open_seconds=1)
FORK = multiprocessing.get_context("fork")


class Bank:
    """What all processes call: up or down, and how many probes have been in it at once."""

    def __init__(self, manager: Any) -> None:
        self.down, self.over, self.told = manager.Event(), manager.Event(), manager.Queue()
        self.lock, self.seen = manager.Lock(), manager.dict(calls=0, probes=0, most=0)

    def call(self, probe: bool) -> bool:
        """Whether it answered; takes a moment, in which a second probe would be seen."""
        with self.lock:
            probes = self.seen["probes"] + probe
            self.seen.update(calls=self.seen["calls"] + 1, probes=probes, most=max(self.seen["most"], probes))
        time.sleep(0.02)
        if probe:
            with self.lock:
                self.seen["probes"] -= 1
        return not self.down.is_set()


def work(make_store: Callable[[], LeaseStore], bank: Bank) -> None:
    """One process: its threads share a gate, as a worker's do."""
    gate = Gate(make_store(), FAST)

    def run(number: int) -> None:
        while not bank.over.is_set():
            answer = gate.admit("shop.pay", "bank", f"{multiprocessing.current_process().pid}-{number}")
            if isinstance(answer, Run):
                outcome = Outcome.success() if bank.call(answer.probe) else DOWN
                reported = gate.report("shop.pay", "bank", answer, outcome)
                if reported.transition is not None:
                    bank.told.put(reported.transition)
            time.sleep(0.02)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(run, range(THREADS)))  # raises what one of them raised, so that the process fails


def test_threads_of_several_processes_probe_one_by_one_on_valkey(valkey: ValkeyServer) -> None:
    race(lambda: RedisLeaseStore(valkey.url, namespace="races"))


@on_postgres
def test_threads_of_several_processes_probe_one_by_one_on_postgresql(database_alias: str) -> None:
    race(lambda: SqlLeaseStore(Database(database_alias)))


def race(make_store: Callable[[], LeaseStore]) -> None:
    """Two outages, in each of which two probes fail."""
    with FORK.Manager() as manager:
        bank = Bank(manager)
        workers = [FORK.Process(target=work, args=(make_store, bank), daemon=True) for _ in range(PROCESSES)]
        for worker in workers:
            worker.start()
        try:
            two_outages(Gate(make_store(), FAST), bank)
        finally:
            bank.over.set()
            for worker in workers:
                worker.join(20)
            ended = [worker.exitcode for worker in workers]
        most = bank.seen["most"]
        transitions: list[Transition] = [bank.told.get() for _ in range(bank.told.qsize())]
    transitions.sort(key=lambda one: one.at)
    assert ended == [0] * PROCESSES
    assert most == 1
    assert [one.after for one in transitions].count(BreakerState.OPEN) >= 6
    for earlier, later in itertools.pairwise(transitions):
        # An open breaker turns half-open by the question of whoever probes, which is no transition to tell.
        expected = BreakerState.HALF_OPEN if earlier.after is BreakerState.OPEN else earlier.after
        assert later.before is expected, [(one.before.value, one.after.value) for one in transitions]


def two_outages(gate: Gate, bank: Bank) -> None:
    def state() -> BreakerState | None:
        breakers = gate.states().breakers
        return breakers[0].state if breakers else None

    def opened() -> int:
        return gate.states().breakers[0].times_opened

    for _ in range(2):
        bank.down.clear()
        wait_until(lambda: state() in (None, BreakerState.CLOSED, BreakerState.RAMP), 30, "it is up")
        enough = bank.seen["calls"] + 30
        wait_until(lambda enough=enough: bank.seen["calls"] > enough, 30, "calls go well")
        bank.down.set()
        wait_until(lambda: state() is BreakerState.OPEN, 30, "the breaker is open")
        probes = opened() + 2
        wait_until(lambda probes=probes: opened() >= probes, 30, "two probes have failed")
