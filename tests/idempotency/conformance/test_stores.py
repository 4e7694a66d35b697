"""Cases 6, 7 and 24 to 27: workers that die, brokers that deliver again, stores that come and go."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from tests.idempotency.conformance.conftest import SECONDS, Shop, overlaps
from tests.servers.django_project import Project, Worker
from tests.waiting import wait_until

IMPATIENT = {
    "broker_transport_options": {
        "visibility_timeout": 2,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }
}
"""A broker that delivers again what was not acknowledged for two seconds."""
FLIPS = int(os.environ.get("REDRIVE_FLIPS", "2"))
"""Times the server of case 27 goes and comes back, two seconds each: 15 for the full minute."""


@contextmanager
def impatient(shop: Shop, number: int) -> Iterator[Shop]:
    """The shop on a broker of its own that delivers again after two seconds."""
    url = shop.broker.database_url(number)
    project = Project(
        shop.project.directory,
        "shop",
        shop.project.scratch,
        {**shop.project.extra, "BROKER_URL": url, "CELERY": json.dumps(IMPATIENT)},
    )
    made = Shop(project, shop.broker, shop.claims_server, shop.postgres)
    made.app.conf.broker_url = url
    try:
        yield made
    finally:
        made.app.close()
        project.close()


def test_case_06_a_killed_workers_call_runs_again_when_its_lease_ends_and_not_before(shop: Shop) -> None:
    with impatient(shop, 6) as mine:
        worker = mine.project.worker(concurrency=1)
        path = mine.path("case-6")
        sent = mine.send("slow_late", "case 6", str(path))
        first = mine.wait_for_runs(1, "slow", "case 6")[0]
        claim = mine.wait_for_claim(sent, "running")
        worker.kill()
        path.touch()

        mine.project.worker(concurrency=1)

        assert mine.result(sent) == f"result of {sent}"
        second = mine.wait_for_runs(2, "slow", "case 6")[1]
        assert len(mine.runs("slow", "case 6")) == 2
        assert len(mine.runs("slow.end", "case 6")) == 1
        assert second["at"] - first["at"] >= 2
        assert second["fence"] > first["fence"] == claim["fence"]


def test_case_07_copies_that_the_broker_delivers_of_a_running_task_never_overlap(shop: Shop) -> None:
    with impatient(shop, 7) as mine:
        worker: Worker = mine.project.worker(concurrency=3)
        path = mine.path("case-7")
        sent = mine.send("slow_late", "case 7", str(path))
        mine.wait_for_runs(1, "slow", "case 7")

        wait_until(lambda: worker.log().count(f"[{sent}] received") >= 3, SECONDS, mine.project.logs)

        assert len(mine.runs("slow", "case 7")) == 1
        path.touch()
        assert mine.result(sent) == f"result of {sent}"
        mine.wait_for_claim(sent, "done")
        assert overlaps(mine.runs("slow", "case 7"), mine.runs("slow.end", "case 7")) == 0
        assert len(mine.runs("slow.end", "case 7")) == 1


def stop_the_store(shop: Shop) -> None:
    if shop.claims_server is not None:
        shop.claims_server.kill()
    else:
        shop.postgres.kill()


def start_the_store(shop: Shop) -> None:
    if shop.claims_server is not None:
        shop.claims_server.start()
    else:
        shop.postgres.start()


def test_case_24_with_the_store_away_each_task_does_what_it_declared(breakable: Shop) -> None:
    shop = breakable
    stop_the_store(shop)

    falls_back = shop.send("returns", "case 24", "dict")
    opened = shop.send("fails_open", "case 24")
    closed = shop.send("fails_closed", "case 24")

    assert shop.result(falls_back)["paid"] == 1
    assert shop.result(opened) == "case 24"
    shop.wait_for_log(f"fails_closed[{closed}] retry:")
    assert shop.runs("fails_closed", "case 24") == []
    if shop.claims_server is None:
        assert shop.says(f"returns[{falls_back}] runs without a claim")
    else:
        shop.wait_for_claim(falls_back, "done")
        assert shop.result(shop.send("returns", "case 24", "dict"))["paid"] == 1
        assert len(shop.runs("returns", "case 24")) == 1
    start_the_store(shop)
    if shop.claims_server is not None:
        wait_until(
            lambda: (shop._claim_in_valkey(falls_back) or {}).get("state") == "done",
            SECONDS,
            lambda: f"the result reaches Valkey\n{shop.project.logs()}",
        )
    assert "The store of claims is away, and this task does not run without a claim." in shop.held(closed)
    shop.project.manage("redrive", "retry", closed)
    assert shop.result(closed) == "case 24"


def test_case_25_a_result_waits_for_the_store_and_is_recorded_once(breakable: Shop) -> None:
    shop = breakable
    path = shop.path("case-25")
    first = shop.send("slow", "case 25", str(path))
    shop.wait_for_claim(first, "running")
    stop_the_store(shop)
    path.touch()
    assert shop.result(first) == f"result of {first}"
    assert shop.says(f"the result of {first} is recorded once its store is back")

    start_the_store(shop)

    shop.wait_for_claim(first, "done")
    assert shop.result(shop.send("slow", "case 25", str(path))) == f"result of {first}"
    assert len(shop.runs("slow", "case 25")) == 1


def test_case_26_after_flushall_one_more_run_is_possible_and_said(shop: Shop) -> None:
    if shop.claims_server is None:
        pytest.skip("there is no FLUSHALL on PostgreSQL: case 26 of critical tasks below")
    path = shop.path("case-26")
    first = shop.send("slow", "case 26", str(path))
    shop.wait_for_claim(first, "running")

    with redis.Redis.from_url(shop.claims_server.url) as client:
        client.flushall()

    second = shop.send("slow", "case 26", str(path))
    shop.wait_for_runs(2, "slow", "case 26")
    shop.wait_for_log(f"claim_lost: shop.idempotent.slow[{first}]")
    path.touch()
    assert [shop.result(first), shop.result(second)] == [f"result of {first}", f"result of {second}"]
    third = shop.result(shop.send("slow", "case 26", str(path)))
    assert third == f"result of {second}"
    assert len(shop.runs("slow", "case 26")) == 2
    statement = (
        "SELECT 1 FROM redrive_stat WHERE kind = 'claim' AND label = 'lost'"
        " AND task_name = 'shop.idempotent.slow'"
    )
    shop.project.wait_for_rows(statement, seconds=SECONDS)


def test_case_26_flushall_does_nothing_to_a_critical_task(shop: Shop) -> None:
    path = shop.path("case-26-critical")
    first = shop.send("slow_critical", "case 26 critical", str(path))
    shop.wait_for_claim(first, "running")

    if shop.claims_server is not None:
        with redis.Redis.from_url(shop.claims_server.url) as client:
            client.flushall()

    second = shop.send("slow_critical", "case 26 critical", str(path))
    shop.held(second)
    path.touch()
    assert shop.result(first) == shop.result(second) == f"result of {first}"
    assert len(shop.runs("slow", "case 26 critical")) == 1


def test_case_27_runs_of_a_critical_call_never_overlap_while_redis_comes_and_goes(shop: Shop) -> None:
    if shop.claims_server is None:
        pytest.skip("there is no Redis that could come and go")
    server = shop.claims_server
    over = threading.Event()

    def flip() -> None:
        for _ in range(FLIPS):
            server.kill()
            over.wait(2)
            server.start()
            over.wait(2)

    flipping = threading.Thread(target=flip)
    flipping.start()
    sent = []
    while flipping.is_alive() or len(sent) < 40:
        sent += [shop.send("brief_critical", f"case 27 {number}") for number in range(4)]
        flipping.join(0.2)
    over.set()
    flipping.join(60)

    for task_id in sent:
        assert shop.result(task_id).startswith("case 27 ")
    for number in range(4):
        label = f"case 27 {number}"
        runs = shop.runs("brief_critical", label)
        assert len(runs) == 1
        assert overlaps(runs, shop.runs("brief_critical.end", label)) == 0
