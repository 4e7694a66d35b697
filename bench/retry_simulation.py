"""What each way to retry does to a fleet in trouble: ``python bench/retry_simulation.py [--seeds 3] [--only WORD]``.

Simulated time, the real engine and gate; the mean of the seeds, and of the column ``worst`` the worst seed. The last
line says how long 50,000 tasks took.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from statistics import mean

from redrive.simulation import CONTENDERS, SCENARIOS, Measured, run

COLUMNS = "| scenario | way | ok % | worst | calls per task | wasted | peak after | drained after s | p50 s | p95 s |"


def row(name: str, way: str, found: list[Measured]) -> str:
    """One line of the table."""
    ok, worst = mean(one.ok for one in found), min(one.ok for one in found)
    drain = mean(one.drain for one in found)
    figures = (
        f"{100 * ok:.3f}",
        f"{100 * worst:.3f}",
        f"{mean(one.amplification for one in found):.3f}",
        f"{mean(one.wasted for one in found):.0f}",
        f"{mean(one.peak for one in found):.2f}" if found[0].peak else "",
        f"{drain:.0f}" if drain else "",
        f"{mean(one.p50 for one in found):.1f}",
        f"{mean(one.p95 for one in found):.1f}",
    )
    return f"| {name} | {way} | {' | '.join(figures)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="scenarios with this word in their name")
    parser.add_argument("--ways", default=",".join(CONTENDERS))
    chosen = parser.parse_args()
    print(COLUMNS + "\n" + "|---" * 10 + "|")
    for name, scenario in SCENARIOS.items():
        if chosen.only in name:
            for way in chosen.ways.split(","):
                found = [run(scenario, way, seed) for seed in range(1, chosen.seeds + 1)]
                print(row(f"{name} ({scenario.failure.value})", way, found), flush=True)
    busy = replace(SCENARIOS["outage of 5 minutes"], seconds=50_000 / 15)
    began = time.process_time()
    tasks = run(busy, "redrive", 1).tasks
    print(f"\n{tasks} tasks in {time.process_time() - began:.1f} s of processor time")


if __name__ == "__main__":
    main()
