"""Messages that are too large to store, and sealed ones."""

from dataclasses import replace

import pytest

from redrive.payload import (
    CannotOpen,
    MessageSource,
    StoredMessage,
    UnusableCodec,
    is_sealed,
    open_sealed,
    seal,
    why_not_stored,
    within,
    without_clear_text,
    workflow_of,
)

MESSAGE = StoredMessage(
    body=b'[["4111"], {}, {"chain": [{"task": "shop.next"}]}]',
    content_type="application/json",
    content_encoding="utf-8",
    headers={"id": "t1", "argsrepr": "('4111',)", "kwargsrepr": "{}"},
    properties={"redrive_errbacks": [{"task": "shop.alarm", "args": ["4111"]}], "delivery_mode": 2},
    routing_key="celery",
    source=MessageSource.RAW,
)


class Backwards:
    def seal(self, clear: bytes) -> bytes:
        return clear[::-1]

    def open(self, sealed: bytes) -> bytes:
        return sealed[::-1]


class Text:
    def seal(self, clear: bytes) -> bytes:
        return clear.decode()  # type: ignore[return-value]  # what the test is about

    def open(self, sealed: bytes) -> bytes:
        return sealed.decode()  # type: ignore[return-value]  # as above


def test_a_body_at_the_limit_is_stored_and_a_larger_one_says_why_it_is_not() -> None:
    size = len(MESSAGE.body)
    assert within(MESSAGE, size) is MESSAGE

    left = within(MESSAGE, size - 1)

    assert (left.body, left.source, left.routing_key) == (b"", MessageSource.NONE, "celery")
    why = why_not_stored(left.properties, "unknown")
    assert why == (
        f"Its message has {size} bytes, and REDRIVE['PAYLOAD']['MAX_BYTES'] is {size - 1}. It is not stored, so it"
        " cannot be sent again from here: call the task again with its arguments."
    )
    assert why_not_stored(MESSAGE.properties, "unknown") == "unknown"


def test_what_is_sealed_is_opened_as_it_was_and_sealed_only_once() -> None:
    sealed = seal(MESSAGE, Backwards())

    assert is_sealed(sealed.content_type)
    assert sealed.body == MESSAGE.body[::-1]
    assert seal(sealed, Backwards()) is sealed
    assert open_sealed(sealed, Backwards()) == MESSAGE
    assert open_sealed(MESSAGE, None) is MESSAGE


def test_nothing_reads_a_sealed_body_as_json() -> None:
    assert workflow_of(MESSAGE).chain == ("shop.next",)
    assert workflow_of(replace(seal(MESSAGE, Backwards()), body=MESSAGE.body)).chain == ()


def test_headers_and_properties_keep_no_arguments_in_clear() -> None:
    left = without_clear_text(MESSAGE)

    assert "4111" not in str((left.headers, left.properties))
    assert (left.headers["id"], left.properties["delivery_mode"]) == ("t1", 2)


@pytest.mark.parametrize("codec", [None, UnusableCodec("no key"), Text()])
def test_what_cannot_be_opened_says_so(codec: Text | None) -> None:
    with pytest.raises(CannotOpen, match="CODEC"):
        open_sealed(seal(MESSAGE, Backwards()), codec)


def test_a_codec_that_returns_no_bytes_seals_nothing() -> None:
    with pytest.raises(TypeError, match="must return bytes, not str"):
        seal(MESSAGE, Text())
