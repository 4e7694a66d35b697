"""A task's message as it can be stored and sent again."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

ERRBACKS = "redrive_errbacks"
"""Property under which a stored message keeps the errbacks that were taken out of it."""


class MessageSource(StrEnum):
    """How faithful a stored message is."""

    RAW = "raw"
    """The bytes that were on the wire."""
    REBUILT = "rebuilt"
    """Encoded again from the request, because the bytes could not be had."""
    NONE = "none"
    """No message could be had; the task cannot be sent again from this record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A protocol-2 task message with its routing.

    ``headers`` and ``properties`` are JSON-safe; ``body`` is opaque bytes that only a worker ever decodes.
    """

    body: bytes = b""
    content_type: str = ""
    content_encoding: str = ""
    headers: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    exchange: str = ""
    routing_key: str = ""
    priority: int | None = None
    source: MessageSource = MessageSource.NONE

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form; the body in base64."""
        return {
            "body": base64.b64encode(self.body).decode("ascii"),
            "content_type": self.content_type,
            "content_encoding": self.content_encoding,
            "headers": dict(self.headers),
            "properties": dict(self.properties),
            "exchange": self.exchange,
            "routing_key": self.routing_key,
            "priority": self.priority,
            "source": self.source.value,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StoredMessage:
        """The message from :meth:`to_dict`'s form. Raises ValueError or KeyError on anything else."""
        return cls(
            body=base64.b64decode(data["body"]),
            content_type=str(data["content_type"]),
            content_encoding=str(data["content_encoding"]),
            headers=dict(data["headers"]),
            properties=dict(data["properties"]),
            exchange=str(data["exchange"]),
            routing_key=str(data["routing_key"]),
            priority=data["priority"],
            source=MessageSource(data["source"]),
        )


def without_errbacks(message: StoredMessage) -> StoredMessage:
    """The message with its errbacks set aside, because they have fired: sending it again must not fire them again.

    Only a JSON body can be changed without decoding foreign objects; any other body is returned as it is.
    """
    if message.content_type != "application/json":
        return message
    try:
        args, kwargs, embed = json.loads(message.body)
        if not embed.get("errbacks"):
            return message
        kept = {**message.properties, ERRBACKS: embed["errbacks"]}
        body = json.dumps([args, kwargs, {**embed, "errbacks": None}]).encode()
    except (ValueError, TypeError, AttributeError, RecursionError):
        return message
    return replace(message, body=body, properties=kept)


def with_errbacks(message: StoredMessage) -> StoredMessage:
    """The message with the errbacks that :func:`without_errbacks` had set aside, so that they fire again."""
    errbacks = message.properties.get(ERRBACKS)
    if not errbacks:
        return message
    args, kwargs, embed = json.loads(message.body)
    body = json.dumps([args, kwargs, {**embed, "errbacks": errbacks}]).encode()
    return replace(message, body=body)
