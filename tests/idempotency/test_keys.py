"""The same call gives the same key, and a different one another."""

import inspect
import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.idempotency import (
    MissingScopeValue,
    Scope,
    UnsupportedArgument,
    bound_call,
    call_key,
    explicit_key,
    payload_fingerprint,
    scope_value,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def key(*values: Any, **named: Any) -> str:
    arguments: Mapping[str, Any] = {"args": list(values), **named}
    return call_key("shop.pay", arguments, scope=Scope.GLOBAL, scope_value="")


def body(a: int, b: int = 2, *rest: int, c: str = "x", **more: int) -> None: ...


SIGNATURE = inspect.signature(body)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1, 2), {}), ((1,), {"b": 2}), ((), {"b": 2, "a": 1}), ((1,), {}), ((1,), {"c": "x"})],
)
def test_every_way_to_write_one_call_gives_one_key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    assert bound_call(SIGNATURE, args, kwargs) == {"a": 1, "b": 2, "rest": (), "c": "x", "more": {}}


def test_a_call_that_does_not_fit_says_so_as_python_would() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'a'"):
        bound_call(SIGNATURE, (), {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1, 2), [1, 2]),
        ({1: "a", None: 2}, {"1": "a", "null": 2}),
        ({"a": 1, "b": {"c": 1, "d": 2}}, {"b": {"d": 2, "c": 1}, "a": 1}),
        (Decimal("1.0"), Decimal("1.00")),
        (Decimal("100"), Decimal("1E+2")),
        (Decimal("0"), Decimal("-0.00")),
        (NOON, NOON.astimezone(timezone(timedelta(hours=2)))),
        (0.0, -0.0),
        (b"ab", bytearray(b"ab")),
        (UUID(int=7), UUID("00000000-0000-0000-0000-000000000007")),
        (IntEnum("Level", {"HIGH": 8})["HIGH"], 8),
        (StrEnum("Word", {"A": "a"})["A"], "a"),
    ],
)
def test_equal_after_a_trip_through_json_is_equal(one: Any, other: Any) -> None:
    assert key(one) == key(other)


DIFFERENT = [
    True, 1, 1.0, "1", Decimal(1), b"1", [1], {"1": 1}, {"1": "1"}, None, "None", "", [], {}, [None], [[]], 0, False,
    0.0, "true", [1, 2], [2, 1], [12], ["ab", "c"], ["a", "bc"], ["abc"], {"a": {"b": 1}}, {"a.b": 1}, {"a": ["b", 1]},
    NOON, NOON.isoformat(), NOON.date(), NOON + timedelta(microseconds=1), UUID(int=1), UUID(int=1).hex, 10**400,
    Decimal("0.1"), 0.1, Decimal("-1"), -1, "e\u0301", "\u00e9", "s1:a", "\ud800",
]  # fmt: skip


def test_different_values_never_share_a_key() -> None:
    assert len({key(value) for value in DIFFERENT}) == len(DIFFERENT)


def test_the_name_the_scope_and_whose_it_is_are_part_of_the_key() -> None:
    keys = {
        call_key(name, {"a": 1}, scope=scope, scope_value=value)
        for name in ("pay", "ship")
        for scope in (Scope.USER, Scope.DEVICE)
        for value in ("1", "2")
    }

    assert len(keys) == 8


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "args[0] is nan, which equals nothing"),
        (float("inf"), "args[0] is inf"),
        (Decimal("NaN"), "args[0] is Decimal NaN"),
        ({1, 2}, "args[0] is of type set, which has no stable encoding: pass sorted(...) of it"),
        (
            timedelta(1),
            "args[0] is of type timedelta, which has no stable encoding: pass its total_seconds()",
        ),
        (datetime(2026, 1, 1), "args[0] is a datetime without a time zone"),  # noqa: DTZ001
        ((n for n in "ab"), "args[0] is of type generator, which has no stable encoding: pass a list"),
        (
            Enum("Colour", "RED")["RED"],
            "args[0] is of type Colour, which has no stable encoding: pass its .value",
        ),
        (object(), "args[0] is of type object"),
        ({"items": [1, {"price": object()}]}, "args[0]['items'][1]['price'] is of type object"),
        ({(1, 2): 3}, "args[0] has the dict key (1, 2), which JSON cannot write"),
        ({1: "a", "1": "b"}, "args[0] has two keys that are both '1' in JSON"),
    ],
)
def test_what_has_no_stable_encoding_is_refused_by_name_with_a_way_out(value: Any, message: str) -> None:
    with pytest.raises(UnsupportedArgument) as caught:
        key(value)

    assert message in str(caught.value)


def test_a_model_instance_is_refused_for_its_primary_key() -> None:
    class Order:
        pk = 7

    with pytest.raises(UnsupportedArgument, match=r"order is of type Order, .*: pass its primary key"):
        call_key("pay", {"order": Order()}, scope=Scope.GLOBAL, scope_value="")


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(UnsupportedArgument, match="nested deeper than 50 levels"):
        key(endless)


@pytest.mark.parametrize(
    ("scope", "arguments", "task_id", "value"),
    [
        (Scope.GLOBAL, {}, "t", ""),
        (Scope.USER, {"user_id": 7}, "t", "i1:7"),
        (Scope.USER, {"user": "7"}, "t", "s1:7"),
        (Scope.DEVICE, {"device_id": "ab"}, "t", "s2:ab"),
        (Scope.TASK, {}, "t-1", "s3:t-1"),
    ],
)
def test_scopes_know_whose_call_it_is(
    scope: Scope, arguments: dict[str, Any], task_id: str, value: str
) -> None:
    assert scope_value(scope, arguments, task_id) == value


@pytest.mark.parametrize(
    ("scope", "arguments"),
    [(Scope.USER, {}), (Scope.USER, {"user_id": None}), (Scope.DEVICE, {"device": ""})],
)
def test_a_missing_scope_value_is_an_error_and_not_the_word_none(
    scope: Scope, arguments: dict[str, Any]
) -> None:
    with pytest.raises(MissingScopeValue, match=f"idempotency_scope='{scope.value}' needs a value for"):
        scope_value(scope, arguments, "t")


def test_an_explicit_key_does_not_depend_on_the_arguments_but_their_fingerprint_does() -> None:
    assert explicit_key("pay", "order-1", scope=Scope.GLOBAL, scope_value="") != call_key(
        "pay", {"order-1": 1}, scope=Scope.GLOBAL, scope_value=""
    )
    assert payload_fingerprint({"a": 1}) != payload_fingerprint({"a": 2})


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@given(VALUES)
def test_the_key_before_publishing_is_the_key_in_the_worker(value: Any) -> None:
    assert key(value) == key(json.loads(json.dumps(value)))


@given(VALUES, VALUES)
def test_keys_are_equal_exactly_when_the_json_is(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    negative_zero = "-0.0" in json.dumps([one, other])

    assert negative_zero or (key(one) == key(other)) is same


def test_keys_are_the_same_in_every_release_and_every_process() -> None:
    """Golden: a change here makes every remembered call run again, so it needs a new version prefix."""
    golden = json.loads((Path(__file__).parent / "golden_keys.json").read_text())
    code = "import json; from tests.idempotency.golden import golden_keys; print(json.dumps(golden_keys()))"
    for seed in ("0", "1"):
        output = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(filter(None, sys.path))},
        )
        assert json.loads(output.stdout) == golden


def test_dates_are_not_datetimes() -> None:
    assert key(date(2026, 1, 1)) != key("2026-01-01")
