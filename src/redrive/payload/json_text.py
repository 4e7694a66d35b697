"""JSON that every database takes, of values that may be anything."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

MAX_DEPTH = 60
LARGEST_BITS = 14_000
"""Python refuses to write integers of more than 4,300 digits."""


def to_json(value: Any) -> str:
    """JSON text of any value. Never raises.

    Values that JSON does not have become text, as do NaN and infinities; NUL characters and lone surrogates, which
    PostgreSQL's ``jsonb`` refuses, become their escapes as visible text.
    """
    try:
        text = json.dumps(value, allow_nan=False)
    except Exception:
        # A foreign object in it, a key that is no text, a cycle, NaN: the long way takes them all.
        return json.dumps(_plain(value, 0))
    # An emoji is a pair of \ud... escapes as well; only a closer look tells it from a lone surrogate.
    return json.dumps(_plain(value, 0)) if "\\u0000" in text or "\\ud" in text else text


def clean_text(text: str) -> str:
    """Text without NUL characters and lone surrogates; both stay readable as escapes."""
    return str(text).replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int:
        return value if value.bit_length() < LARGEST_BITS else f"<an integer of {value.bit_length():,} bits>"
    if type(value) is float:
        return value if math.isfinite(value) else repr(value)
    if type(value) is str:
        return clean_text(value)
    if depth < MAX_DEPTH and isinstance(value, Mapping):
        return {_text(key): _plain(item, depth + 1) for key, item in value.items()}
    if depth < MAX_DEPTH and isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    return _text(value)


def _text(value: object) -> str:
    try:
        return clean_text(value if isinstance(value, str) else str(value))
    except Exception:
        # An argument of the host may have a str() that raises; the failure must still be recorded.
        return f"<{type(value).__name__}: its str() raised>"
