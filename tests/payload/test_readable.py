"""Arguments for people: safe for JSON and every database, bounded, and honest about what was cut."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.payload import read_body, readable
from redrive.payload.arguments import MAX_BYTES, MAX_ITEMS, MAX_TEXT, MAX_VALUES

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.datetimes()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner)
        | st.frozensets(st.integers())
    ),
    max_leaves=30,
)


@given(st.lists(anything, max_size=5), st.dictionaries(st.text(st.characters()), anything, max_size=5))
def test_whatever_the_arguments_they_survive_strict_json(args: list[Any], kwargs: dict[str, Any]) -> None:
    shown = readable(args, kwargs)

    text = json.dumps(shown, allow_nan=False)
    assert json.loads(text) == [shown[0], shown[1]]
    assert "\\u0000" not in text.replace("\\\\u0000", "")
    json.dumps(shown, ensure_ascii=False).encode("utf-8")
    assert len(text) <= MAX_BYTES


@given(anything, anything)
def test_what_was_shown_once_is_shown_the_same_again(first: Any, second: Any) -> None:
    args, kwargs = readable([first], {"second": second})

    assert readable(args, kwargs) == (args, kwargs)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"a": [1, 2.5, None, True, "x"]}, {"a": [1, 2.5, None, True, "x"]}),
        ((1, 2), [1, 2]),
        ({1: 2}, {"1": 2}),
        (b"x", "b'x'"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("a\x00b", "a\\x00b"),
        ("\ud800", "\\ud800"),
        pytest.param(10**5000, "<an integer of 16,610 bits>", id="huge"),
        (2**70, 2**70),
        ({1, 2}, "{1, 2}"),
    ],
)
def test_values_are_shown_so(value: Any, shown: Any) -> None:
    assert readable([value], {}) == ([shown], {})


def test_long_text_is_cut_and_says_how_long_it_was() -> None:
    (shown,), _ = readable(["x" * 5_000], {})

    assert shown == "x" * MAX_TEXT + "… (5,000 characters)"


def test_long_lists_and_dicts_are_cut_and_say_so() -> None:
    (items, pairs), _ = readable([list(range(250)), {str(n): n for n in range(250)}], {})

    assert (items[:2], len(items), items[-1]) == ([0, 1], MAX_ITEMS + 1, "… 50 more")
    assert (len(pairs), pairs["…"]) == (MAX_ITEMS + 1, "50 more")


def test_arguments_too_large_to_show_say_how_large_they_are() -> None:
    args, kwargs = readable([["x" * 3_000] * 100], {})

    assert args == ["<arguments of 300,408 bytes, too large to show>"]
    assert kwargs == {}


def test_lists_of_lists_of_lists_cost_no_more_than_their_limit() -> None:
    """200 x 200 x 200 values, of which only one list of each exists."""
    inner = [[[1] * 200] * 200] * 200

    assert readable([inner], {}) == (
        [f"<arguments of more than {MAX_VALUES:,} values, too many to show>"],
        {},
    )


def test_depth_is_cut() -> None:
    value: Any = "deepest"
    for _ in range(50):
        value = [value]

    (shown,), _ = readable([value], {})

    depth = 0
    while isinstance(shown, list):
        (shown,), depth = shown, depth + 1
    assert depth == 7  # the list of arguments itself is the first of eight
    assert shown.startswith("[[")


def test_a_cycle_ends() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)

    json.dumps(readable([cycle], {}))


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class HostileList(list[Any]):
    def __len__(self) -> int:
        raise RuntimeError("no")


class HostileKey:
    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Hostile(), "<Hostile: its repr() raised>"),
        (HostileList([1]), "<arguments could not be read: RuntimeError>"),
        ({HostileKey(): 1}, "<arguments could not be read: RuntimeError>"),
    ],
)
def test_objects_that_raise_do_no_harm(value: Any, shown: str) -> None:
    assert readable([value], {}) == ([shown], {})


def test_arguments_that_are_none_of_lists_and_dicts_are_shown_all_the_same() -> None:
    assert readable("text", 5) == (["text"], {"kwargs": 5})


def test_a_json_body_is_read() -> None:
    body = json.dumps([["one"], {"n": 1}, {"errbacks": None}]).encode()

    assert read_body(body, "application/json") == (["one"], {"n": 1})


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'[["one"], {}, {}]', "application/x-python-serialize"),
        (b"not json", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[1, 2]", "application/json"),
        (b"5", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"", ""),
    ],
    ids=["pickle", "text", "bytes", "two", "number", "deep", "empty"],
)
def test_a_body_that_cannot_be_read_is_none(body: bytes, content_type: str) -> None:
    assert read_body(body, content_type) is None
