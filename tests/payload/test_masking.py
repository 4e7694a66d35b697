"""Secrets are hidden where arguments are shown, and only there."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.conf import Masking
from redrive.payload import mask
from redrive.payload.masking import MASK

DEFAULT = Masking()
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def masked(value: Any, masking: Masking = DEFAULT) -> Any:
    return mask(value, fields=masking.fields, patterns=masking.patterns)


@pytest.mark.parametrize(
    "key",
    ["password", "PASSWORD", "db_password", "api_key", "Authorization", "cardNumber", "stripe_token", "iban"],
)
@pytest.mark.parametrize("value", ["geheim", 42, ["a"], {"inner": "b"}, None])
def test_a_secret_is_hidden_whole_by_the_name_it_has(key: str, value: Any) -> None:
    assert masked({"a": [{key: value, "order": 7}]}) == {"a": [{key: MASK, "order": 7}]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("card 4111 1111 1111 1111 ok", f"card {MASK} ok"),
        ("4111-1111-1111-1111", MASK),
        ("order 123456789012", "order 123456789012"),
        ("eyJhbGciOi.eyJzdWIi.sig", MASK),
        ("bearer eyJhbGciOi.eyJzdWIi.s-i_g now", f"bearer {MASK} now"),
        ("nothing here", "nothing here"),
    ],
)
def test_patterns_are_hidden_inside_text(text: str, shown: str) -> None:
    assert masked([text]) == [shown]


@given(json_values)
def test_the_value_itself_is_never_changed(value: Any) -> None:
    before = deepcopy(value)

    masked(value)

    assert value == before


@given(json_values)
def test_masking_twice_is_masking_once(value: Any) -> None:
    assert masked(masked(value)) == masked(value)


@given(json_values)
def test_no_value_under_a_secret_name_is_ever_shown(value: Any) -> None:
    assert masked({"outer": [{"my_secret_thing": value}]}) == {"outer": [{"my_secret_thing": MASK}]}


@given(json_values)
def test_without_rules_nothing_is_hidden(value: Any) -> None:
    assert mask(value, fields=(), patterns=()) == value
