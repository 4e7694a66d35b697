"""JSON that PostgreSQL takes, of anything."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.payload import clean_text, to_json

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00")),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00")), inner
        )
    ),
    max_leaves=30,
)


@given(plain)
def test_what_is_json_already_comes_back_unchanged(value: Any) -> None:
    assert json.loads(to_json(value)) == value


@given(st.text(st.characters()))
def test_any_text_becomes_text_that_every_database_takes(text: str) -> None:
    cleaned = clean_text(text)

    assert "\x00" not in cleaned
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean_text(cleaned) == cleaned
    assert json.loads(to_json([text])) == [cleaned]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), '"nan"'),
        ([float("inf")], '["inf"]'),
        ("\x00", '"\\\\x00"'),
        ("\\u0000", '"\\\\u0000"'),
        ("\ud800", '"\\\\ud800"'),
        ("😀", '"\\ud83d\\ude00"'),
        ({"\x00": 1}, '{"\\\\x00": 1}'),
        ({(1, 2): 3}, '{"(1, 2)": 3}'),
        ({1: 2, None: 3}, '{"1": 2, "null": 3}'),
        (b"x", "\"b'x'\""),
        pytest.param(10**5000, '"<an integer of 16,610 bits>"', id="huge"),
    ],
)
def test_values_json_does_not_have_become_text(value: Any, text: str) -> None:
    assert to_json(value) == text


def test_nothing_raises() -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    deep: Any = 1
    for _ in range(50_000):
        deep = [deep]

    assert to_json(Broken()) == '"<Broken: its str() raised>"'
    json.loads(to_json(cycle))
    json.loads(to_json(deep))
