"""How long one decision takes: ``python bench/decisions.py`` prints a table beside the published figures.

Each decision is timed by itself, thousands of times, after a warm-up. The breaker check and the report behind it go to
a Valkey of their own over loopback; everything else is computation.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import redis
from tests.servers import Guard, ValkeyServer

from redrive.clock import SystemClock
from redrive.gate import Gate, Outcome, Run
from redrive.priority import PriorityService
from redrive.retry import RetryEngine
from redrive.stores.redis import RedisLeaseStore
from redrive.taxonomy import FailureTaxonomy
from redrive.testing import MemoryLearningStore

CALLS = 2_000
WARM_UP = 200
CONTEXT = {"customer_tier": "enterprise", "age_hours": 2, "retry_count": 3}


def milliseconds(decide: Callable[[], object]) -> tuple[float, float]:
    """Median and 99th percentile of one call, in milliseconds."""
    for _ in range(WARM_UP):
        decide()
    took = []
    for _ in range(CALLS):
        began = time.perf_counter()
        decide()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return took[CALLS // 2], took[CALLS * 99 // 100]


def main() -> None:
    """Measure everything and print it."""
    engine = RetryEngine({"shop.*": {"max_delay": 60}}, learning=MemoryLearningStore())
    service = PriorityService()
    refused = ConnectionRefusedError(111, "Connection refused")
    known = FailureTaxonomy.classify(refused)
    guard = Guard()
    server = ValkeyServer(guard.directory / "valkey")
    server.start()
    gate = Gate(RedisLeaseStore(server.url, namespace="bench"))
    gate.report("shop.pay", "bank", Run(), Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=60))
    if gate.states().degraded:
        sys.exit("The Valkey started for this is not reachable, so nothing was measured.")
    ping = redis.Redis.from_url(server.url).ping
    remembering = Gate(RedisLeaseStore(server.url, namespace="bench"), clock=SystemClock())
    cases: list[tuple[str, float, Callable[[], object]]] = [
        ("classification", 5, lambda: FailureTaxonomy.classify(refused, {"retry_count": 1})),
        ("policy of a classified failure", 1, lambda: engine.get_retry_policy("shop.pay", known, {"retry_count": 1})),
        ("policy of an exception", 1, lambda: engine.get_retry_policy("shop.pay", refused, {"retry_count": 1})),
        ("priority", 1, lambda: service.calculate_priority("process_payment", CONTEXT)),
        ("breaker check", 5, lambda: gate.admit("shop.pay", "bank", owner="one")),
        ("PING of the same server", 5, ping),
        ("breaker check, remembered", 5, lambda: remembering.admit("shop.pay", "bank", owner="one")),
    ]  # fmt: skip
    try:
        print("| decision | median | 99th percentile | published |\n|---|---|---|---|")
        for name, published, decide in cases:
            median, late = milliseconds(decide)
            print(f"| {name} | {median:.3f} ms | {late:.3f} ms | < {published:g} ms |")
    finally:
        server.kill()
        guard.close()


if __name__ == "__main__":
    main()
