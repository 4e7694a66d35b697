"""Messages that are too large to store, and messages that must not be readable where they are stored.

A codec of the project seals a message's body before it goes to the database or to the spill, and opens it right before
the message is sent again. A sealed body has its content type marked, so that nothing takes it for JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from redrive.payload.types import ERRBACKS, MessageSource, StoredMessage

SEALED_WORD = "<sealed>"
"""What stands in place of arguments that are not stored in clear."""
_MARK = "sealed:"
_NOT_STORED = "redrive_not_stored"
_CLEAR_HEADERS = ("argsrepr", "kwargsrepr")
_WHAT_TO_DO = (
    "It is not stored, so it cannot be sent again from here: call the task again with its arguments."
)


class Codec(Protocol):
    """What ``REDRIVE["PAYLOAD"]["CODEC"]`` names. Used from several threads and processes; may raise anything."""

    def seal(self, clear: bytes, /) -> bytes:
        """The bytes to store."""

    def open(self, sealed: bytes, /) -> bytes:
        """What was sealed, byte for byte."""


@dataclass(frozen=True, slots=True)
class UnusableCodec:
    """Stands in for a codec that cannot be had: nothing may be stored in clear because of a typo."""

    why: str

    def seal(self, clear: bytes, /) -> bytes:
        """Raises ValueError."""
        raise ValueError(self.why)

    def open(self, sealed: bytes, /) -> bytes:
        """Raises ValueError."""
        raise ValueError(self.why)


class CannotOpen(ValueError):  # noqa: N818  # reads as what happened
    """A sealed message cannot be opened here; the message says why."""


def is_sealed(content_type: str) -> bool:
    """Whether a stored message of this content type is sealed."""
    return content_type.startswith(_MARK)


def without_clear_text(message: StoredMessage) -> StoredMessage:
    """The message without what its headers and properties tell of arguments: their text, and errbacks set aside."""
    return replace(
        message,
        headers={name: value for name, value in message.headers.items() if name not in _CLEAR_HEADERS},
        properties={name: value for name, value in message.properties.items() if name != ERRBACKS},
    )


def seal(message: StoredMessage, codec: Codec) -> StoredMessage:
    """The message with its body sealed; one that is sealed, or has no body to send, as it is.

    Raises:
        Exception: Whatever the codec raises; TypeError if it does not return bytes.
    """
    if message.source is MessageSource.NONE or is_sealed(message.content_type):
        return message
    body = codec.seal(message.body)
    if not isinstance(body, bytes):
        raise TypeError(f"seal() must return bytes, not {type(body).__name__}")
    return replace(message, body=body, content_type=_MARK + message.content_type)


def open_sealed(message: StoredMessage, codec: Codec | None) -> StoredMessage:
    """The message as it was before :func:`seal`. Raises CannotOpen."""
    if not is_sealed(message.content_type):
        return message
    if codec is None:
        raise CannotOpen("its message is sealed, and REDRIVE['PAYLOAD']['CODEC'] is not set here")
    try:
        body = codec.open(message.body)
    except Exception as exc:
        raise CannotOpen(
            f"REDRIVE['PAYLOAD']['CODEC'] cannot open its message: {type(exc).__name__}"
        ) from exc
    if not isinstance(body, bytes):
        raise CannotOpen(f"REDRIVE['PAYLOAD']['CODEC']: open() returned {type(body).__name__}, not bytes")
    return replace(message, body=body, content_type=message.content_type.removeprefix(_MARK))


def within(message: StoredMessage, max_bytes: float) -> StoredMessage:
    """The message, or what is left of one whose body has more bytes than that: routing, and why it is not stored."""
    size = len(message.body)
    if size <= max_bytes:
        return message
    limit = f"REDRIVE['PAYLOAD']['MAX_BYTES'] is {max_bytes:,}"
    return not_stored(message, f"Its message has {size:,} bytes, and {limit}.")


def not_stored(message: StoredMessage, why: str) -> StoredMessage:
    """The message without its body, marked with a sentence that says why."""
    return replace(
        message,
        body=b"",
        content_type="",
        content_encoding="",
        properties={**message.properties, _NOT_STORED: f"{why} {_WHAT_TO_DO}"},
        source=MessageSource.NONE,
    )


def why_not_stored(properties: Mapping[str, Any], default: str) -> str:
    """Why a record without a message has none, and what to do instead; the default where that is not known."""
    return str(properties.get(_NOT_STORED) or default)
