"""``make chaos``: ten thousand tasks while everything is killed at random, and what became of each of them.

``python -m chaos.run`` takes both brokers in turn; ``--seed`` repeats the same plan and the same faults (the moments
at which they meet the tasks are the machine's). Exit code 1 when a claim does not hold.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import Guard, PostgresServer, RabbitServer, ValkeyServer

from chaos.audit import LOST, WAITING, Audit, audit, table
from chaos.fleet import Fault, Fleet
from chaos.kinds import Sending, plan
from chaos.publish import Publishing

TOGETHER = 0.3
"""How often two things happen at once."""
STALL_SECONDS = 25.0
"""After so long without any progress workers are started anew: Celery's own may have stopped consuming."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much, and for how long at most (seconds)."""

    count: int
    publishing: float
    settling: float
    calm: float
    """Longest pause between two faults."""


FULL = Size(count=10_000, publishing=240, settling=900, calm=4)


@dataclass(slots=True)
class Result:
    """The judgement, and what was done meanwhile."""

    judged: Audit
    done: dict[str, int]
    seconds: float
    restarts: int
    notes: list[str] = field(default_factory=list)


def run(
    fleet: Fleet, size: Size, rng: random.Random, say: Callable[[str], None] = lambda _text: None
) -> Result:
    """Publish, break, mend, wait until everything has ended, and judge."""
    began = time.monotonic()
    sendings = plan(size.count, rng)
    publishing = Publishing(
        sendings,
        broker=fleet.project.extra["BROKER_URL"],
        results=fleet.project.extra["RESULT_URL"],
        seconds=size.publishing,
    )
    publishing.start()
    while publishing.is_alive() and time.monotonic() - began < size.publishing * 1.5:
        publishing.join(rng.uniform(0.2, size.calm))
        _break(fleet, rng, say)
    fleet.heal()
    publishing.join(60)
    notes = [f"{publishing.sent} messages sent, {publishing.repeated} of the sendings tried again"]
    if publishing.is_alive():
        publishing.give_up()
        notes.append("the publisher could not send everything in time")
    sendings = _sent(sendings, publishing.sent)
    restarts = _settle(fleet, sendings, size.settling, say)
    judged = _judge(fleet, sendings, popped=fleet.popped())
    if rejected := fleet.rejected():
        notes.append(f"{len(rejected)} lines of the spill were set aside: {rejected[0][:200]}")
    return Result(judged, dict(fleet.done), time.monotonic() - began, restarts, notes)


def _sent(sendings: list[Sending], count: int) -> list[Sending]:
    sent: list[Sending] = []
    for sending in sendings:
        if count <= 0:
            break
        sent.append(sending)
        count -= len(sending.messages)
    return sent


def _break(fleet: Fleet, rng: random.Random, say: Callable[[str], None]) -> None:
    """Let one or two things happen, and undo them in turn."""
    chosen: list[Fault] = [rng.choice(fleet.faults())]
    if rng.random() < TOGETHER:
        chosen.append(rng.choice([*fleet.faults(), fleet.disk_full_without_database()]))
    for fault in chosen:
        say(fault.name)
        fleet.done[fault.name] += 1
        fault.begin()
    for fault in reversed(chosen):
        time.sleep(rng.uniform(0, fault.longest))
        fault.end()


def _settle(fleet: Fleet, sendings: list[Sending], seconds: float, say: Callable[[str], None]) -> int:
    """Wait until every message has an end that is not ``waiting``; returns how often workers were started anew."""
    deadline = time.monotonic() + seconds
    restarts = 0
    state: tuple[int, ...] = ()
    moved_at = time.monotonic()
    while time.monotonic() < deadline:
        judged = _judge(fleet, sendings)
        waiting = sum(line.ends[WAITING] for line in judged.lines)
        lost = sum(line.ends[LOST] for line in judged.lines)
        kept_lost = sum(line.ends[LOST] for line in judged.lines if line.kind.kept)
        now = (waiting, lost, fleet.spilled(), len(fleet.events()))
        say(f"{waiting} wait, {lost} have no end yet, {now[2]} endings in the spill {judged.faults[:1]}")
        quiet = time.monotonic() - moved_at
        if not waiting and not kept_lost and not now[2] and (not lost or quiet > 10):
            break
        if now != state:
            state, moved_at = now, time.monotonic()
        elif quiet > STALL_SECONDS:
            restarts += 1
            moved_at = time.monotonic()
            fleet.restart_workers()
        time.sleep(1.0)
    return restarts


def _judge(fleet: Fleet, sendings: list[Sending], popped: frozenset[str] = frozenset()) -> Audit:
    messages = [message for sending in sendings for message in sending.messages]
    # Rows first: a task that ends in between is then seen as waiting, never as lost.
    rows = fleet.rows()
    return audit(
        messages, fleet.events(), rows, unnoted=fleet.unnoted(), unkept=fleet.unkept(), popped=popped
    )


def report(result: Result, say: Callable[[str], None]) -> bool:
    """Say everything; whether the claims hold."""
    say(table(result.judged))
    say("")
    say("done meanwhile: " + ", ".join(f"{name} {count}x" for name, count in sorted(result.done.items())))
    for note in result.notes:
        say(note)
    if result.restarts:
        say(f"workers that no longer made progress were started anew {result.restarts} times")
    say(f"{result.seconds:.0f} seconds")
    for fault in result.judged.faults[:20]:
        say(f"CLAIM FAILED: {fault}")
    return not result.judged.faults


def _on(broker_name: str, scratch: Path, seed: int, size: Size, options: argparse.Namespace) -> bool:
    def say(text: str) -> None:
        print(text, flush=True)

    def progress(text: str) -> None:
        if "-v" in sys.argv:
            print(f"  {time.strftime('%H:%M:%S')} {text}", flush=True)

    rng = random.Random(seed)
    directory = scratch / broker_name
    directory.mkdir()
    database = PostgresServer(directory / "postgres")
    store = ValkeyServer(directory / "store", fsync="always")
    broker: ValkeyServer | RabbitServer
    if broker_name == "valkey":
        broker = ValkeyServer(directory / "broker", fsync="always")
    else:
        broker = RabbitServer(directory / "broker")
    fleet = None
    try:
        for server in (database, store, broker):
            server.start()
        own = directory / "project"
        own.mkdir()
        url = database.create_database()
        fleet = Fleet(
            own,
            broker=broker,
            broker_url=broker.url,
            store=store,
            database=database,
            database_url=url,
            rng=rng,
            claim_seconds=options.claim_seconds,
            claims_in_redis=options.claims_in_redis,
            migrate=True,
        )
        say(f"\n== {broker_name}, seed {seed}; the spill's disk: {fleet.disk.kind}")
        return report(run(fleet, size, rng, progress), say)
    finally:
        if fleet is not None:
            fleet.close()
        for server in (broker, store, database):
            server.kill()


def main() -> int:
    """Run on both brokers; exit code 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--broker", choices=("valkey", "rabbitmq"), action="append")
    parser.add_argument("--count", type=int, default=FULL.count)
    parser.add_argument("--seconds", type=float, default=FULL.publishing)
    parser.add_argument("--calm", type=float, default=FULL.calm)
    parser.add_argument(
        "--claims-in-redis",
        action="store_true",
        help="claims of idempotent tasks live in Redis, then in SQL while it is away: a call may complete in both",
    )
    parser.add_argument("--claim-seconds", type=float, default=60)
    parser.add_argument("--settle", type=float, default=FULL.settling)
    parser.add_argument("--keep", type=Path, help="copy logs and notes to this directory")
    parser.add_argument("-v", action="store_true", help="say what happens")
    options = parser.parse_args()
    size = Size(options.count, options.seconds, options.settle, options.calm)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is mounted is taken away
    guard = Guard()
    try:
        held = [
            _on(name, guard.directory, options.seed, size, options)
            for name in options.broker or ("valkey", "rabbitmq")
        ]
    finally:
        if options.keep:
            _keep(guard.directory, options.keep)
        guard.close()
    print("\nevery claim holds" if all(held) else "\nA CLAIM DOES NOT HOLD", f"(seed {options.seed})")
    return 0 if all(held) else 1


def _keep(directory: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in directory.glob("*/project/*"):
        if path.is_file():
            (target / f"{path.parts[-3]}-{path.name}").write_bytes(path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
