"""Cases 1 and 12 to 23: which call is the same one, and what a duplicate gets."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from redrive.idempotency import Scope, UnsupportedArgument, bound_call, call_key
from tests.idempotency.conformance.conftest import Shop
from tests.waiting import wait_until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def key(value: Any) -> str:
    return call_key("shop.pay", {"value": value}, scope=Scope.GLOBAL, scope_value="")


def test_case_01_a_second_message_gets_the_first_ones_result_and_is_counted_as_replayed(shop: Shop) -> None:
    first = shop.send("returns", "case 1", "dict")
    result = shop.result(first)

    second = shop.send("returns", "case 1", "dict")

    assert shop.result(second) == result == {"paid": 1, "price": Decimal("9.90")}
    assert len(shop.runs("returns", "case 1")) == 1
    shop.wait_for_log(f"returns[{second}] does not run. The same call was done already, by task {first}")
    shop.project.wait_for_rows(
        "SELECT 1 FROM redrive_stat WHERE kind = 'execution' AND label = 'replayed'"
        " AND task_name = 'shop.idempotent.returns'",
        seconds=60,
    )


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1, 2), {}), ((1,), {"b": 2}), ((), {"a": 1, "b": 2}), ((), {"b": 2, "a": 1}), ((1,), {})],
)
def test_case_12_every_way_to_write_a_call_is_the_same_call(args: Any, kwargs: Any) -> None:
    def body(a: int, b: int = 2) -> None: ...

    assert bound_call(inspect.signature(body), args, kwargs) == {"a": 1, "b": 2}
    assert key({"x": {"a": 1, "b": 2}, "y": 3}) == key({"y": 3, "x": {"b": 2, "a": 1}})


def test_case_13_calls_that_look_alike_are_told_apart() -> None:
    alike = [
        True,
        1,
        1.0,
        "1",
        None,
        "None",
        [1, 2],
        [2, 1],
        {"a": {"b": 1}},
        {"a.b": 1},
        ["ab", "c"],
        ["a", "bc"],
    ]

    assert len({key(value) for value in alike}) == len(alike)


PUBLISHED = """
from datetime import *; from decimal import Decimal; from uuid import UUID
from shop.idempotent import shows_key
values = [
    (1, (2, 3)), {"b": 1, "a": [2]}, b"\\x00\\xff", "text", 1.5, None, True, 10**12,
    {1: "a", 2: "b"}, Decimal("1.50"), UUID(int=7),
    datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=2))), date(2026, 1, 1),
]
sent = []
for serializer, count in (("json", len(values)), ("pickle", len(values)), ("msgpack", 8)):
    for number, value in enumerate(values[:count]):
        args = (f"case 14 {serializer} {number}", value)
        sent.append([shows_key.apply_async(args, serializer=serializer).id, shows_key.call_key(args)])
result = sent
"""
"""kombu's msgpack carries no decimals, UUIDs, dates and dicts with numbers as keys."""


def test_case_14_the_key_at_publish_is_the_key_in_the_worker(shop: Shop) -> None:
    sent = shop.project.python(PUBLISHED)

    assert len(sent) == 13 + 13 + 8
    assert {task_id: shop.result(task_id) for task_id, _ in sent} == dict(sent)


def test_case_15_one_instant_in_two_zones_is_one_key_and_a_naive_time_is_an_error() -> None:
    assert key(NOON) == key(NOON.astimezone(timezone(timedelta(hours=9))))
    with pytest.raises(UnsupportedArgument, match="value is a datetime without a time zone"):
        key(datetime(2026, 1, 1, 12))  # noqa: DTZ001


class Order:
    pk = 7


@pytest.mark.parametrize(
    ("value", "fix"),
    [
        (Order(), "value is of type Order, which has no stable encoding: pass its primary key"),
        ({1, 2}, "value is of type set, which has no stable encoding: pass sorted(...) of it"),
        ((n for n in "ab"), "value is of type generator, which has no stable encoding: pass a list"),
        (lambda: 1, "value is of type function, which has no stable encoding: pass its dotted path"),
        (float("nan"), "value is nan, which equals nothing: pass a finite number or None"),
        (object(), "value is of type object, which has no stable encoding: pass an id or plain values"),
        ("x" * 5_000_000, "value is too large for a key, 4.8 MiB: store it and pass its id"),
    ],
)
def test_case_16_what_cannot_be_part_of_a_key_is_refused_by_name_with_the_fix(value: Any, fix: str) -> None:
    with pytest.raises(UnsupportedArgument) as caught:
        key(value)

    assert str(caught.value).startswith(fix)


def test_case_16_a_call_without_a_key_fails_before_its_body(shop: Shop) -> None:
    sent = shop.send("shows_key", "case 16", {1, 2}, options={"serializer": "pickle"})

    outcome = shop.outcome(sent)

    assert (outcome.state, shop.runs("shows_key", "case 16")) == ("FAILURE", [])
    assert "value is of type set" in str(outcome.result)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_case_17_keys_are_the_same_in_every_process_and_release(seed: str) -> None:
    """Golden keys; other Python versions read the same file in the CI's other pairs."""
    golden = json.loads((Path(__file__).parents[1] / "golden_keys.json").read_text())
    code = "import json; from tests.idempotency.golden import golden_keys; print(json.dumps(golden_keys()))"

    printed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
    ).stdout

    assert len(golden) >= 30
    assert json.loads(printed) == golden


def test_case_18_scopes_keep_users_and_devices_apart(shop: Shop) -> None:
    sent = [
        shop.send("of_user", "case 18", user_id=1),
        shop.send("of_user", "case 18", user_id=2),
        shop.send("of_user", "case 18", options={"headers": {"user_id": 3}}),
        shop.send("of_device", "case 18", machine="a"),
        shop.send("of_device", "case 18", machine="b"),
        shop.send("of_task", "case 18"),
        shop.send("of_task", "case 18"),
    ]
    for task_id in sent:
        shop.result(task_id)

    shop.result(shop.send("of_user", "case 18", user_id=1))
    shop.result(shop.send("of_device", "case 18", machine="b"))
    shop.result(shop.send("of_task", "case 18", options={"task_id": sent[-1]}))

    assert len(shop.runs("of_user", "case 18")) == 3
    assert len(shop.runs("of_device", "case 18")) == 2
    assert len(shop.runs("of_task", "case 18")) == 2


def test_case_18_a_missing_scope_value_is_an_error(shop: Shop) -> None:
    outcome = shop.outcome(shop.send("of_user", "case 18 nobody"))

    assert outcome.state == "FAILURE"
    assert "needs a value for user_id or user, and this call has none" in str(outcome.result)
    assert shop.runs("of_user", "case 18 nobody") == []


def test_case_19_a_key_of_its_own_with_another_payload_is_an_error(shop: Shop) -> None:
    first = shop.send("pay_order", "case 19", 10)
    assert shop.result(first) == 10

    other = shop.outcome(shop.send("pay_order", "case 19", 11))

    assert other.state == "FAILURE"
    assert f"Idempotency key used by task {first} with other arguments" in str(other.result)
    assert shop.result(shop.send("pay_order", "case 19", 10)) == 10
    assert [run["amount"] for run in shop.runs("pay_order", "case 19")] == [10]


def test_case_19_where_arguments_are_named_the_others_do_not_count(shop: Shop) -> None:
    assert shop.result(shop.send("named", "case 19 named", sent_at="noon")) == "noon"

    assert shop.result(shop.send("named", "case 19 named", sent_at="one")) == "noon"


@pytest.mark.parametrize("shift", ["3600", "-3600"])
def test_case_20_a_result_stands_for_its_ttl_by_the_stores_clock(shop: Shop, shift: str) -> None:
    """A worker whose clock is an hour off, on a queue of its own."""
    label = f"case 20 {shift}"
    queue = {"queue": f"shifted{shift}"}
    worker = shop.project.worker(concurrency=1, queues=[queue["queue"]], environment={"CLOCK_SHIFT": shift})
    first = shop.send("brief", label, options=queue)
    shop.result(first)
    assert shop.claim_of(first) is not None
    shop.result(shop.send("brief", label, options=queue))
    assert len(shop.runs("brief", label)) == 1

    wait_until(lambda: shop.claim_of(first) is None, 20, "the store has ended the record")
    again = shop.send("brief", label, options=queue)

    assert shop.result(again) == label
    assert [run["task_id"] for run in shop.runs("brief", label)] == [first, again]
    worker.stop()


@pytest.mark.parametrize("kind", ["none", "zero", "text", "list", "false"])
def test_case_21_falsy_results_are_replayed_exactly(shop: Shop, kind: str) -> None:
    first = shop.result(shop.send("returns", f"case 21 {kind}", kind))

    second = shop.result(shop.send("returns", f"case 21 {kind}", kind))

    assert (type(second), second) == (type(first), first)
    assert len(shop.runs("returns", f"case 21 {kind}")) == 1


def test_case_22_a_result_of_five_megabytes_is_not_kept_and_not_made_again(shop: Shop) -> None:
    first = shop.send("returns", "case 22", "large")
    assert len(shop.result(first)) == 5_000_000

    second = shop.send("returns", "case 22", "large")

    assert shop.result(second) is None
    shop.wait_for_log(f"returns[{second}] does not run. The same call was done already, by task {first}")
    assert shop.says("Its result was not kept, so this one is None.")
    assert len(json.dumps(shop.wait_for_claim(first, "done"), default=str)) < 1_000
    assert len(shop.runs("returns", "case 22")) == 1


def test_case_22_a_secret_result_is_not_kept(shop: Shop) -> None:
    first = shop.send("secret", "case 22 secret")
    assert shop.result(first) == "the secret"

    assert shop.result(shop.send("secret", "case 22 secret")) is None
    assert "the secret" not in json.dumps(shop.wait_for_claim(first, "done"), default=str)


def test_case_23_a_result_that_is_no_json_warns_and_is_not_made_again(shop: Shop) -> None:
    first = shop.send("returns_a_set", "case 23")
    shop.wait_for_claim(first, "done")

    second = shop.send("returns_a_set", "case 23")

    shop.wait_for_log(f"returns_a_set[{second}] does not run")
    assert shop.says(f"the result of shop.idempotent.returns_a_set[{first}] is not kept")
    assert len(shop.runs("returns_a_set", "case 23")) == 1


def test_dates_are_no_datetimes_and_ids_no_texts() -> None:
    assert key(date(2026, 1, 1)) != key("2026-01-01")
    assert key(UUID(int=1)) != key(str(UUID(int=1)))
