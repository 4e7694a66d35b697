"""Cases 2 to 5, 8 to 11 and 28 to 33: calls that run, wait, retry, fail and are part of something larger."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from celery import chain, chord

from tests.idempotency.conformance.conftest import SECONDS, Shop, overlaps
from tests.waiting import wait_until

RACE = """
import multiprocessing, os
from datetime import timedelta
from redrive import runtime
from redrive.conf import get_settings
from redrive.idempotency import Claimed, Claims
from redrive.stores.redis import RedisConnection, RedisLeaseStore

PROCESSES, TIMES = 20, 200
url = get_settings().redis_url
store = RedisLeaseStore(RedisConnection(url, timeout_seconds=30)) if url else runtime.sql_leases()
fork = multiprocessing.get_context("fork")
barrier, answers = fork.Barrier(PROCESSES), fork.SimpleQueue()

def race(number):
    claims, won = Claims(store), []
    for time in range(TIMES):
        barrier.wait(60)
        token = f"{number}-{time}"
        if isinstance(claims.claim(f"race-{time}", task_id=token, token=token, ttl=timedelta(seconds=60)), Claimed):
            won.append(time)
    answers.put(won)
    runtime.database().close()
    os._exit(0)

processes = [fork.Process(target=race, args=(number,)) for number in range(PROCESSES)]
for process in processes:
    process.start()
won = [time for _ in processes for time in answers.get()]
for process in processes:
    process.join()
result = [won.count(time) for time in range(TIMES)]
"""


def test_case_02_of_twenty_processes_one_gets_the_claim_two_hundred_times(shop: Shop) -> None:
    """The claims themselves, at a barrier; the next test has whole tasks."""
    assert shop.project.python(RACE) == [1] * 200


def test_case_02_of_twenty_equal_messages_one_runs_and_all_get_its_result(shop: Shop) -> None:
    path = shop.path("case-2")
    sent = [shop.send("slow", "case 2", str(path)) for _ in range(20)]
    shop.wait_for_runs(1, "slow", "case 2")
    held = [task_id for task_id in sent if task_id != shop.runs("slow", "case 2")[0]["task_id"]]
    assert "The same call runs already" in shop.held(held[0])

    path.touch()

    assert len({shop.result(task_id) for task_id in sent}) == 1
    assert len(shop.runs("slow", "case 2")) == 1


def test_case_02_duplicates_may_skip_or_raise_instead(shop: Shop) -> None:
    path = shop.path("case-2-skip")
    first = [shop.send(name, "case 2 skip", str(path)) for name in ("slow_skip", "slow_raise")]
    shop.wait_for_runs(2, "slow", "case 2 skip")

    skipped = shop.result(shop.send("slow_skip", "case 2 skip", str(path)))
    raised = shop.outcome(shop.send("slow_raise", "case 2 skip", str(path)))

    assert skipped is None
    assert raised.state == "FAILURE"
    assert f"The same call runs already, as task {first[1]}" in str(raised.result)
    path.touch()
    assert [shop.result(task_id) for task_id in first] == [f"result of {task_id}" for task_id in first]
    assert len(shop.runs("slow", "case 2 skip")) == 2


def test_case_03_retries_are_runs_of_one_call(shop: Shop) -> None:
    sent = shop.send("retries", "case 3", 2)

    assert shop.result(sent) == "case 3"

    runs = shop.runs("retries", "case 3")
    assert [run["task_id"] for run in runs] == [sent] * 3
    assert runs[0]["fence"] < runs[1]["fence"] < runs[2]["fence"]
    assert not shop.says(f"retries[{sent}] does not run")


def test_case_04_autoretry_keeps_the_claim_and_the_key(shop: Shop) -> None:
    sent = shop.send("autoretries", "case 4", 1)
    shop.wait_for_runs(1, "autoretries", "case 4")
    second = shop.send("autoretries", "case 4", 1)

    assert shop.result(sent) == "case 4"
    assert shop.result(second) == "case 4"

    runs = shop.runs("autoretries", "case 4")
    assert [run["task_id"] for run in runs] == [sent] * 2
    assert len({run["key"] for run in runs}) == 1


def test_case_05_a_duplicate_does_not_run_while_the_first_waits_for_its_retry(shop: Shop) -> None:
    path = shop.path("case-5")
    first = shop.send("gives_up", "case 5", str(path))
    shop.wait_for_claim(first, "waiting")

    second = shop.send("gives_up", "case 5", str(path))

    assert f"The same call waits for its retry, as task {first}" in shop.held(second)
    assert shop.outcome(first).state == "FAILURE"
    assert [run["task_id"] for run in shop.runs("gives_up", "case 5")] == [first] * 2
    path.touch()
    third = shop.send("gives_up", "case 5", str(path))
    assert shop.result(third) == "case 5"
    assert [run["task_id"] for run in shop.runs("gives_up", "case 5")] == [first] * 2 + [third]


def test_case_08_after_a_hard_time_limit_the_call_is_free_when_its_lease_ends(shop: Shop) -> None:
    first = shop.send("hard_limited", "case 8")
    shop.wait_for_runs(1, "hard_limited", "case 8")

    second = shop.send("hard_limited", "case 8")

    assert shop.result(second) == "case 8"
    assert [run["task_id"] for run in shop.runs("hard_limited", "case 8")] == [first, second]


def test_case_09_a_call_that_failed_for_good_runs_again(shop: Shop) -> None:
    path = shop.path("case-9")
    assert shop.outcome(shop.send("invalid_until", "case 9", str(path))).state == "FAILURE"
    assert shop.outcome(shop.send("invalid_until", "case 9", str(path))).state == "FAILURE"
    path.touch()

    assert shop.result(shop.send("invalid_until", "case 9", str(path))) == "case 9"
    assert len(shop.runs("idempotent_invalid", "case 9")) == 3


def test_case_10_a_body_longer_than_its_lease_keeps_its_claim(shop: Shop) -> None:
    path = shop.path("case-10")
    first = shop.send("slow", "case 10", str(path))
    began = _ends_at(shop.wait_for_claim(first, "running"))
    second = shop.send("slow", "case 10", str(path))
    wait_until(
        lambda: _ends_at(shop.wait_for_claim(first, "running")) - began > timedelta(seconds=6),
        SECONDS,
        "three leases have passed",
    )

    assert len(shop.runs("slow", "case 10")) == 1
    path.touch()
    assert shop.result(second) == shop.result(first) == f"result of {first}"
    assert not shop.says(f"claim_lost: shop.idempotent.slow[{first}]")


def _ends_at(claim: dict[str, object]) -> datetime:
    ends = claim["expires_at"]
    return ends if isinstance(ends, datetime) else datetime.fromtimestamp(int(str(ends)) / 1_000_000, UTC)


def test_case_11_a_frozen_holder_wakes_up_and_changes_nothing(shop: Shop) -> None:
    path = shop.path("case-11")
    first = shop.send("slow", "case 11", str(path))
    frozen = shop.wait_for_runs(1, "slow", "case 11")[0]
    os.kill(frozen["pid"], signal.SIGSTOP)
    try:
        second = shop.send("slow", "case 11", str(path))
        runs = shop.wait_for_runs(2, "slow", "case 11")
        assert [run["task_id"] for run in runs] == [first, second]
        assert runs[1]["fence"] > frozen["fence"]
        path.touch()
        assert shop.result(second) == f"result of {second}"
        record = shop.wait_for_claim(second, "done")
    finally:
        os.kill(frozen["pid"], signal.SIGCONT)

    assert shop.result(first) == f"result of {first}"

    assert [run["task_id"] for run in shop.runs("lost", "case 11")] == [first]
    assert shop.wait_for_claim(second, "done") == record
    assert shop.claim_of(first) is None
    assert shop.says(f"claim_lost: shop.idempotent.slow[{first}]")


def test_case_28_a_publish_that_is_rolled_back_leaves_nothing_behind(shop: Shop) -> None:
    published = shop.project.python(
        "from django.db import transaction\n"
        "from shop.idempotent import returns\n"
        "try:\n"
        "    with transaction.atomic():\n"
        "        returns.delay_on_commit('case 28', 'zero')\n"
        "        raise ZeroDivisionError\n"
        "except ZeroDivisionError:\n"
        "    result = returns.delay('case 28', 'zero').id\n"
    )

    assert shop.result(published) == 0
    assert [run["task_id"] for run in shop.runs("returns", "case 28")] == [published]


def test_case_28_a_body_that_is_rolled_back_is_not_done(shop: Shop) -> None:
    assert shop.outcome(shop.send("in_transaction", "case 28 body")).state == "FAILURE"

    assert shop.result(shop.send("in_transaction", "case 28 body")) == "case 28 body"
    assert len(shop.project.query("SELECT 1 FROM shop_order WHERE name = 'case 28 body'")) == 1


def test_case_29_chords_and_chains_go_on_after_a_replay_and_a_skip(shop: Shop) -> None:
    def one(name: str, *args: str) -> object:
        return shop.app.signature(f"shop.idempotent.{name}", args=args)

    shop.result(shop.send("returns", "case 29", "dict"))
    shop.result(shop.send("skips_done", "case 29"))
    members = [
        one("returns", "case 29", "dict"),
        one("skips_done", "case 29"),
        one("returns", "case 29", "zero"),
    ]
    paid = {"paid": 1, "price": Decimal("9.90")}

    joined = chord(members, one("collects", "case 29"), app=shop.app).apply_async().id
    replayed = (
        chain(one("returns", "case 29", "dict"), one("collects", "case 29"), app=shop.app).apply_async().id
    )
    skipped = chain(one("skips_done", "case 29"), one("collects", "case 29"), app=shop.app).apply_async().id

    assert shop.result(joined) == {"got": [paid, None, 0]}
    assert shop.result(replayed) == {"got": paid}
    assert shop.result(skipped) == {"got": None}
    assert len(shop.runs("returns", "case 29")) == 2
    assert len(shop.runs("skips_done", "case 29")) == 1


def test_case_29_a_duplicate_may_raise_when_the_call_is_done(shop: Shop) -> None:
    first = shop.send("raises_done", "case 29")
    shop.result(first)

    second = shop.outcome(shop.send("raises_done", "case 29"))

    assert second.state == "FAILURE"
    assert f"The same call was done already, by task {first}" in str(second.result)


def test_case_30_direct_calls_apply_and_eager_mode_make_no_claim(shop: Shop) -> None:
    ran = shop.project.python(
        "from shop.celery import app\n"
        "from shop.idempotent import returns\n"
        "result = [returns('case 30', 'zero'), returns('case 30', 'zero')]\n"
        "result += [returns.apply(('case 30', 'zero')).get() for _ in range(2)]\n"
        "app.conf.task_always_eager = True\n"
        "result += [returns.delay('case 30', 'zero').get() for _ in range(2)]\n"
    )

    assert ran == [0] * 6
    assert len(shop.runs("returns", "case 30")) == 6
    sent = shop.send("returns", "case 30", "zero")
    assert shop.result(sent) == 0
    assert shop.runs("returns", "case 30")[-1]["task_id"] == sent


def test_case_31_a_task_that_sends_itself_neither_hangs_nor_vanishes(shop: Shop) -> None:
    first = shop.send("sends_itself", "case 31")
    assert shop.result(first) == f"result of {first}"
    statement = "SELECT name FROM shop_order WHERE length(name) = 36"
    second = shop.project.wait_for_rows(statement)[0]["name"]

    assert shop.result(second) == f"result of {first}"
    assert len(shop.runs("sends_itself", "case 31")) == 1


def test_case_32_a_bulk_retry_runs_a_call_that_is_there_twice_once(shop: Shop) -> None:
    path = shop.path("case-32")
    labels = [f"case 32 {number}" for number in range(99)]
    dead = [shop.send("invalid_until", label, str(path)) for label in [*labels, labels[0]]]
    for task_id in dead:
        assert shop.outcome(task_id, 120).state == "FAILURE"
    statement = (
        "SELECT count(*) FROM redrive_taskfailurerecord WHERE status = 'PENDING' AND task_id = ANY(%s)"
    )
    wait_until(lambda: shop.project.query(statement, dead)[0]["count"] == 100, SECONDS, "100 dead letters")
    path.touch()

    shop.project.manage("redrive", "retry", *dead)

    resolved = statement.replace("PENDING", "RESOLVED")
    wait_until(lambda: shop.project.query(resolved, dead)[0]["count"] == 100, 120, shop.project.logs)
    runs = [len(shop.runs("idempotent_invalid", label)) for label in labels]
    assert (runs[0], set(runs[1:])) == (3, {2})
    said = (
        "SELECT 1 FROM redrive_failureattempt a JOIN redrive_taskfailurerecord r ON r.id = a.record_id"
        " WHERE r.task_id = ANY(%s) AND a.decision->>'reason' LIKE %s"
    )
    assert (
        len(shop.project.query(said, dead, "It did not run. The same call was done already, by task %")) == 1
    )


def test_case_33_revoking_a_queued_duplicate_leaves_the_holder_alone(shop: Shop) -> None:
    path = shop.path("case-33")
    first = shop.send("slow", "case 33", str(path))
    claim = shop.wait_for_claim(first, "running")
    second = shop.send("slow", "case 33", str(path))
    shop.held(second)

    shop.app.control.revoke(second)

    wait_until(lambda: shop.outcome(second).state == "REVOKED", SECONDS, shop.project.logs)
    assert shop.wait_for_claim(first, "running")["owner"] == claim["owner"]
    path.touch()
    assert shop.result(shop.send("slow", "case 33", str(path))) == shop.result(first)
    assert len(shop.runs("slow", "case 33")) == 1


def test_case_33_an_expired_message_holds_no_claim(shop: Shop) -> None:
    """Claims are made when a task starts, not when it is published, so there is nothing to give back."""
    past = datetime.now(UTC) - timedelta(seconds=5)
    expired = shop.send("returns", "case 33", "zero", options={"expires": past})
    assert shop.outcome(expired).state == "REVOKED"

    assert shop.claim_of(expired) is None
    assert shop.result(shop.send("returns", "case 33", "zero")) == 0
    assert len(shop.runs("returns", "case 33")) == 1


def test_runs_of_one_call_never_overlapped(shop: Shop) -> None:
    """Looks back at the cases above: only a frozen holder may overlap with who took over."""
    for label in ("case 2", "case 10", "case 33"):
        assert overlaps(shop.runs("slow", label), shop.runs("slow.end", label)) == 0
