"""The cases of idempotent tasks that tell contestants apart, by the numbers of ``tests/idempotency/conformance``.

Each sends calls with a label of its own and looks at the runs of their bodies, at their results, or at the key that the
contestant's own function makes. Imported by the publishing process of ``bench/idempotency.py``.
"""

from __future__ import annotations

import datetime
import os
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import redis
from celery import chord
from contestants import (
    LEASE,
    NOON,
    PUBLISHED,
    RESULTS,
    TTL,
    adds,
    autoretries,
    collects,
    ends,
    fails,
    gives_up,
    hard_limited,
    key_of,
    nothing,
    pays,
    retries,
    returns,
    returns_a_set,
    rolled_back,
    send,
    sends_itself,
    shows_key,
    stands,
    takes,
)
from django.db import transaction
from shop.celery import app
from shop.runs import read

WAIT_SECONDS = 20
AT_ONCE = 6


def runs(name: str, label: str) -> int:
    """How often a body ran."""
    return len(all_runs(name, label))


def all_runs(name: str, label: str) -> list[Any]:
    found = read(Path(os.environ["RUNS_FILE"]))
    return [run for run in found if run["task"] == name and run["label"] == label]


def wait_for(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def outcome(sent: Any) -> tuple[str, Any]:
    """State and result, once there is one; polled, because waiting is not for several threads at once."""
    if sent is None or not wait_for(sent.ready):
        return "", "none in time"
    return sent.state, sent.result


def settled(name: str, label: str, count: int) -> bool:
    """Whether a body ran that often, and not once more within two seconds."""
    wait_for(lambda: runs(name, label) >= count)
    time.sleep(2)
    return runs(name, label) == count


def replayed(task: Any, name: str, *args: Any) -> bool:
    """Whether the same call, made again after its end, gets the result without a run."""
    first = outcome(send(task, *args))
    time.sleep(0.5)  # a lock is freed after the result is there
    return first[0] == "SUCCESS" and outcome(send(task, *args)) == first and settled(name, args[0], 1)


def runs_again(task: Any, name: str, label: str) -> bool:
    """Whether the same call, made again after its failure, runs."""
    outcome(send(task, label))
    time.sleep(1)
    send(task, label)
    return settled(name, label, 2)


def case_2() -> bool:
    for _ in range(20):
        send(adds, "case 2", seconds=1)
    return settled("adds", "case 2", 1)


def case_3() -> bool:
    send(retries, "case 3")
    return settled("retries", "case 3", 3)


def case_4() -> bool:
    send(autoretries, "case 4")
    return settled("autoretries", "case 4", 3)


def case_5() -> bool:
    first = send(gives_up, "case 5")
    wait_for(lambda: runs("gives_up", "case 5") == 1)
    duplicate = send(gives_up, "case 5")
    if outcome(first)[0] != "FAILURE" or runs("gives_up", "case 5") != 2:
        return False
    if duplicate is not None and duplicate.id != first.id:
        app.control.revoke(duplicate.id)  # one that waits would run now, as the new call is to
    time.sleep(1)
    send(gives_up, "case 5")
    return wait_for(lambda: runs("gives_up", "case 5") >= 3)


def case_8() -> bool:
    send(hard_limited, "case 8")
    wait_for(lambda: runs("hard_limited", "case 8") == 1)
    time.sleep(1)  # until the time limit
    again = time.monotonic() + LEASE + 5
    while time.monotonic() < again and runs("hard_limited", "case 8") == 1:
        send(hard_limited, "case 8")
        time.sleep(1)
    return runs("hard_limited", "case 8") > 1


def case_10() -> bool:
    send(ends, "case 10", 3 * LEASE)
    wait_for(lambda: runs("ends", "case 10") == 1)
    time.sleep(2 * LEASE)
    send(ends, "case 10", 3 * LEASE)
    wait_for(lambda: runs("ends.end", "case 10") == 1)
    return settled("ends", "case 10", 1)


def case_11() -> bool:
    """While the second runs, which took over from a frozen first, the first wakes up and ends, and a third comes."""
    send(ends, "case 11", 4)
    wait_for(lambda: runs("ends", "case 11") == 1)
    frozen = all_runs("ends", "case 11")[0]["pid"]
    os.kill(frozen, signal.SIGSTOP)
    try:
        time.sleep(2 * LEASE)
        send(ends, "case 11", 4)
        taken_over = wait_for(lambda: runs("ends", "case 11") == 2)
    finally:
        os.kill(frozen, signal.SIGCONT)
    if not taken_over or not wait_for(lambda: runs("ends.end", "case 11") == 1, 3):
        return False
    send(ends, "case 11", 4)
    return settled("ends", "case 11", 2)


def case_12() -> bool:
    for args, kwargs in (
        (("case 12", 2), {}),
        (("case 12",), {"b": 2}),
        ((), {"label": "case 12", "b": 2}),
        (("case 12",), {}),
    ):
        send(adds, *args, **kwargs)
        time.sleep(0.3)
    return settled("adds", "case 12", 1)


def case_13() -> bool:
    alike = [True, 1, 1.0, "1", None, "None", [1, 2], [2, 1], {"a": {"b": 1}}, {"a.b": 1}]
    for value in alike:
        send(takes, "case 13", value)
    return settled("takes", "case 13", len(alike))


def case_14() -> bool:
    sent = [
        (
            key_of(shows_key, f"{serializer} {number}", value),
            send(shows_key, f"{serializer} {number}", value, options={"serializer": serializer}),
        )
        for number, value in enumerate(PUBLISHED)
        for serializer in ("json", "pickle")
    ]
    return all(outcome(result) == ("SUCCESS", key) for key, result in sent)


def case_15() -> bool:
    east = NOON.astimezone(datetime.timezone(datetime.timedelta(hours=9)))
    return key_of(takes, "case 15", NOON) == key_of(takes, "case 15", east)


def case_16() -> bool:
    """That it is refused, not that the message names the argument."""
    for value in (object(), {1, 2}, (n for n in "ab"), lambda: 1):
        try:
            key_of(takes, "case 16", value)
        except Exception:  # refused, as it should be
            continue
        return False
    return True


def keys() -> list[str]:
    """Keys of some calls, to be compared with those of another process."""
    return [
        key_of(takes, "keys", value) for value in (1, "text", [1, "b"], {"b": 1, "a": {"d": 2, "c": 3}}, None)
    ]


def case_18() -> bool | None:
    of_user = app.tasks.get("contestants.of_user")  # only Redrive has scopes
    if of_user is None:
        return None
    for user in (1, 2, 1):
        outcome(send(of_user, "case 18", user_id=user))
    return outcome(send(of_user, "case 18"))[0] == "FAILURE" and settled("of_user", "case 18", 2)


def case_19() -> bool:
    send(pays, "case 19", 10)
    wait_for(lambda: runs("pays", "case 19") == 1)
    other = send(pays, "case 19", 11)
    return (other is None or outcome(other)[0] == "FAILURE") and settled("pays", "case 19", 1)


def case_20() -> bool:
    if not replayed(stands, "stands", "case 20"):
        return False
    time.sleep(TTL)
    send(stands, "case 20")
    return settled("stands", "case 20", 2)


def case_21() -> bool:
    return all(replayed(returns, "returns", f"case 21 {kind}", kind) for kind in RESULTS if kind != "large")


def case_22() -> bool:
    outcome(send(returns, "case 22", "large"))
    time.sleep(0.5)
    send(returns, "case 22", "large")
    return settled("returns", "case 22", 1)


def case_23() -> bool:
    for _ in range(2):
        send(returns_a_set, "case 23")
        wait_for(lambda: runs("returns_a_set", "case 23") >= 1)
        time.sleep(1)
    return settled("returns_a_set", "case 23", 1)


def case_26() -> bool:
    """A third call comes when the first has ended, and the second, which FLUSHALL let in, still runs."""
    send(adds, "case 26", seconds=5)
    wait_for(lambda: runs("adds", "case 26") == 1)
    with redis.Redis.from_url(os.environ["LOCK_URL"]) as client:
        client.flushall()
    time.sleep(2)
    send(adds, "case 26", seconds=5)
    wait_for(lambda: runs("adds.end", "case 26") == 1)
    time.sleep(0.5)
    send(adds, "case 26", seconds=5)
    wait_for(lambda: runs("adds.end", "case 26") == 2)
    return runs("adds", "case 26") <= 2


def case_28() -> bool:
    try:
        with transaction.atomic():
            transaction.on_commit(lambda: send(adds, "case 28"))
            raise ZeroDivisionError
    except ZeroDivisionError:
        send(adds, "case 28")
    return settled("adds", "case 28", 1) and runs_again(rolled_back, "rolled_back", "case 28")


def case_29() -> bool:
    send(adds, "case 29", seconds=3)
    wait_for(lambda: runs("adds", "case 29") == 1)
    members = [adds.s("case 29", seconds=3), adds.s("case 29 b"), adds.s("case 29 c")]
    joined = chord(members, collects.s()).apply_async()
    return outcome(joined) == ("SUCCESS", ["case 29 2", "case 29 b 2", "case 29 c 2"]) and settled(
        "adds", "case 29", 1
    )


def case_31() -> bool:
    """The call that it sent is a task of its own that ends."""
    first = send(sends_itself, "case 31")
    _, second = outcome(first)
    return second not in (None, "None", first.id) and outcome(app.AsyncResult(str(second)))[0] == "SUCCESS"


def case_33() -> bool:
    past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=5)
    outcome(send(adds, "case 33", options={"expires": past}))
    send(adds, "case 33")
    return settled("adds", "case 33", 1)


def case_30() -> bool:
    """Last, because eager mode is a setting of the whole process."""
    adds("case 30")
    adds.apply(("case 30",))
    app.conf.task_always_eager = True
    send(adds, "case 30")
    app.conf.task_always_eager = False
    return runs("adds", "case 30") == 3


TOGETHER: dict[int, Callable[[], bool | None]] = {
    1: lambda: replayed(adds, "adds", "case 1"),
    2: case_2,
    3: case_3,
    4: case_4,
    5: case_5,
    8: case_8,
    9: lambda: runs_again(fails, "fails", "case 9"),
    10: case_10,
    11: case_11,
    12: case_12,
    13: case_13,
    14: case_14,
    15: case_15,
    16: case_16,
    18: case_18,
    19: case_19,
    20: case_20,
    21: case_21,
    22: case_22,
    23: case_23,
    28: case_28,
    29: case_29,
    31: case_31,
    33: case_33,
}


def passes(case: Callable[[], bool | None]) -> bool | None:
    """Whether a case is passed; one that raises is not."""
    try:
        return case()
    except Exception:
        return False


def judge() -> dict[int, bool | None]:
    """Every case of this module, the longest first; None where there is nothing to judge."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        numbers: Sequence[int] = sorted(TOGETHER, key=lambda number: number not in (5, 10, 11, 20, 21, 29))
        found = dict(zip(numbers, pool.map(lambda number: passes(TOGETHER[number]), numbers), strict=True))
    return found | {26: passes(case_26), 30: passes(case_30)}


def publish(first: int, count: int) -> None:
    """Publish calls that all differ."""
    for number in range(first, first + count):
        nothing.delay(number)
