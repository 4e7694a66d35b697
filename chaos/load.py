"""Two loads of failing tasks: a storm (so many a second), and a database that is away for a minute meanwhile.

``python -m chaos.load storm|outage``; part of ``make chaos``. Exit code 1 when a claim does not hold.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from celery import Celery
from tests.servers import Guard, PostgresServer, ValkeyServer
from tests.waiting import wait_until

from chaos.fleet import Fleet

COUNTS = (
    "SELECT count(*) AS records, count(*) FILTER (WHERE status = 'PENDING') AS dead,"
    " (SELECT count(*) FROM redrive_failureattempt) AS attempts,"
    " (SELECT count(*) FROM (SELECT record_id FROM redrive_failureattempt GROUP BY record_id HAVING count(*) > 1) AS d)"
    " AS twice FROM redrive_taskfailurerecord"
)
LONG = (
    "SELECT fingerprint, date_trunc('minute', last_failed_at) AS minute, count(*) AS whole"
    " FROM redrive_taskfailurerecord WHERE length(traceback) > 1000 GROUP BY 1, 2"
)
SIZES = (
    "SELECT avg(pg_column_size(r.*))::int AS record,"
    " (SELECT avg(pg_column_size(a.*))::int FROM redrive_failureattempt a) AS attempt FROM redrive_taskfailurerecord r"
)


@dataclass(frozen=True, slots=True)
class Load:
    """So many failing tasks a second for so many seconds; the database is away for the first ``away`` of them."""

    rate: int
    seconds: float
    away: float = 0.0

    @property
    def count(self) -> int:
        """Messages in all."""
        return round(self.rate * self.seconds)


STORM = Load(rate=1000, seconds=60)
OUTAGE = Load(rate=40, seconds=75, away=60)


def publish(broker: str, load: Load, fleet: Fleet) -> float:
    """Send everything at the rate; returns the seconds that took. Brings the database back in time."""
    began = time.monotonic()
    is_back = not load.away
    with Celery(broker=broker, set_as_current=False) as sender, sender.producer_pool.acquire() as producer:
        for number in range(load.count):
            sender.send_task(
                "shop.chaos.deep", kwargs={"label": f"load {number}"}, producer=producer, retry=False
            )
            now = time.monotonic() - began
            if not is_back and now > load.away:
                fleet.database.start()
                is_back = True
            time.sleep(max(0.0, number / load.rate - now))
    while not is_back and time.monotonic() - began < load.away:
        time.sleep(0.1)
    fleet.database.start()
    return time.monotonic() - began


def run(name: str, load: Load, scratch: Path, *, patience: float) -> list[str]:
    """Put the load on one worker with two processes; returns the claims that do not hold."""
    scratch.mkdir()
    database, broker = PostgresServer(scratch / "postgres"), ValkeyServer(scratch / "broker", fsync="always")
    fleet = None
    try:
        database.start()
        broker.start()
        own = scratch / "project"
        own.mkdir()
        fleet = Fleet(
            own,
            broker=broker,
            broker_url=broker.url,
            store=broker,
            database=database,
            database_url=database.create_database(),
            rng=random.Random(0),
            workers=1,
            migrate=True,
            small_disk=False,
        )
        if load.away:
            database.kill()
        took = publish(broker.url, load, fleet)
        began = time.monotonic()
        wait_until(lambda: _is_done(fleet, load), patience, lambda: str(_counts(fleet)), every=1)
        return _judge(name, load, fleet, took, took + time.monotonic() - began)
    finally:
        if fleet is not None:
            fleet.close()
        broker.kill()
        database.kill()


def _counts(fleet: Fleet) -> dict[str, int]:
    return fleet.project.query(COUNTS)[0]


def _is_done(fleet: Fleet, load: Load) -> bool:
    (worker,) = fleet.workers
    return not worker.running or (_counts(fleet)["records"] >= load.count and not fleet.spilled())


def _judge(name: str, load: Load, fleet: Fleet, took: float, whole: float) -> list[str]:
    counts = _counts(fleet)
    (worker,) = fleet.workers
    minutes = fleet.project.query(LONG)
    most = max((int(row["whole"]) for row in minutes), default=0)
    fingerprints = len({row["fingerprint"] for row in minutes})
    sizes = fleet.project.query(SIZES)[0]
    print(
        f"{name}: {load.count} failures sent in {took:.0f} s, all recorded after {whole:.0f} s"
        f" ({load.count / whole:.0f} a second); {counts}; at most {most} full tracebacks per fingerprint and minute"
        f" with 2 processes; a record has {sizes['record']} bytes, an attempt {sizes['attempt']}",
        flush=True,
    )
    claims = {
        "the worker is alive": worker.running,
        "every failure has its record": counts["dead"] == counts["records"] == load.count,
        "none is recorded twice": counts["attempts"] == load.count and not counts["twice"],
        "one full traceback per process, fingerprint and minute": 0 < most <= 2 * max(1, fingerprints),
    }
    return [f"{name}: {claim}" for claim, holds in claims.items() if not holds]


def main() -> int:
    """Run one load or both; exit code 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("which", choices=("storm", "outage", "both"), nargs="?", default="both")
    parser.add_argument("--rate", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--away", type=float)
    parser.add_argument(
        "--patience", type=float, help="seconds for all to be recorded; else 600 and one per 20 tasks"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    guard = Guard()
    failed: list[str] = []
    try:
        for name, load in (("storm", STORM), ("outage", OUTAGE)):
            if options.which in (name, "both"):
                asked = Load(
                    options.rate or load.rate,
                    options.seconds or load.seconds,
                    load.away if options.away is None else options.away,
                )
                # On two cores with everything beside it a worker ends some forty such deep failures a second.
                patience = options.patience or 600 + asked.count / 20
                failed += run(name, asked, guard.directory / name, patience=patience)
    finally:
        guard.close()
    for claim in failed:
        print(f"CLAIM FAILED: {claim}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
