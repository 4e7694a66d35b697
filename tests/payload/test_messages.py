"""A stored message comes back byte for byte, and fires its errbacks once."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.payload import MessageSource, StoredMessage, with_errbacks, without_errbacks

names = st.text(max_size=20)
messages = st.builds(
    StoredMessage,
    body=st.binary(),
    content_type=names,
    content_encoding=names,
    headers=st.dictionaries(names, st.none() | st.integers() | names),
    properties=st.dictionaries(names, names),
    exchange=names,
    routing_key=names,
    priority=st.none() | st.integers(0, 255),
    source=st.sampled_from(MessageSource),
)


@given(messages)
def test_a_message_survives_its_json_form(message: StoredMessage) -> None:
    assert StoredMessage.from_dict(json.loads(json.dumps(message.to_dict()))) == message


@pytest.mark.parametrize("damage", [{"source": "hearsay"}, {"body": 5}, {"headers": 5}])
def test_what_is_no_message_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        StoredMessage.from_dict({**StoredMessage().to_dict(), **damage})


def message_of(embed: Any, args: Any = ("one",)) -> StoredMessage:
    body = json.dumps([list(args), {"n": 1}, embed]).encode()
    return StoredMessage(body=body, content_type="application/json", source=MessageSource.RAW)


def test_errbacks_are_set_aside_and_nothing_else_changes() -> None:
    embed = {"callbacks": ["c"], "errbacks": [{"task": "alarm"}], "chain": ["next"], "chord": {"task": "sum"}}

    changed = without_errbacks(message_of(embed))

    assert json.loads(changed.body) == [["one"], {"n": 1}, {**embed, "errbacks": None}]
    assert changed.properties == {"redrive_errbacks": [{"task": "alarm"}]}
    assert replace(changed, body=b"", properties={}) == replace(message_of(embed), body=b"")
    assert json.loads(with_errbacks(changed).body) == [["one"], {"n": 1}, embed]


@given(st.lists(st.integers() | st.text() | st.floats(allow_nan=False), max_size=5))
def test_arguments_survive_the_taking_out(args: list[Any]) -> None:
    changed = without_errbacks(message_of({"errbacks": ["x"]}, args))

    assert json.loads(changed.body)[0] == args
    assert without_errbacks(changed) is changed


@pytest.mark.parametrize(
    "message",
    [
        message_of({"errbacks": None}),
        message_of({}),
        message_of(None),
        message_of([]),
        StoredMessage(body=b"\x80\x04.", content_type="application/x-python-serialize"),
        StoredMessage(body=b"not json", content_type="application/json"),
        StoredMessage(body=b"[1, 2]", content_type="application/json"),
        StoredMessage(body=b"[" * 100_000, content_type="application/json"),
    ],
    ids=["none", "absent", "null", "list", "pickle", "text", "two", "deep"],
)
def test_a_message_without_errbacks_we_can_see_is_left_as_it_is(message: StoredMessage) -> None:
    assert without_errbacks(message) is message
