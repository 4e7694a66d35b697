"""Arguments for people: JSON-safe, bounded, never wrong about what was cut."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from redrive.payload.json_text import LARGEST_BITS, clean_text

MAX_BYTES = 64 * 1024
"""Size of the readable form of all arguments, in bytes of JSON. The stored message itself is not cut."""
MAX_TEXT = 4_000
MAX_ITEMS = 200
MAX_DEPTH = 8
MAX_VALUES = 20_000
"""Values looked at in all; lists of lists of lists are not bounded by :data:`MAX_ITEMS` alone."""


class _TooMany(Exception):  # noqa: N818  # reads as what happened
    """More than :data:`MAX_VALUES` values."""


def _safe_repr(value: object) -> str:
    try:
        text = repr(value)
    except Exception:
        # An argument of the host may have a repr that raises; the failure must still be recorded.
        text = f"<{type(value).__name__}: its repr() raised>"
    return _clean(text)


def _clean(text: str) -> str:
    """Text that every database and JSON parser takes: no NUL, no lone surrogates, bounded."""
    text = clean_text(text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text):,} characters)"


def _readable(value: object, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise _TooMany
    if value is None or isinstance(value, bool):
        return value
    if type(value) is int:
        return value if value.bit_length() < LARGEST_BITS else f"<an integer of {value.bit_length():,} bits>"
    if type(value) is float:
        return value if value == value and abs(value) != float("inf") else repr(value)
    if isinstance(value, str):
        return _clean(value)
    if depth >= MAX_DEPTH:
        return _safe_repr(value)
    if isinstance(value, Mapping):
        items = islice(value.items(), MAX_ITEMS)
        result = {_clean(str(key)): _readable(item, depth + 1, left) for key, item in items}
        if len(value) > MAX_ITEMS:
            result["…"] = f"{len(value) - MAX_ITEMS:,} more"
        return result
    if isinstance(value, list | tuple):
        result_list = [_readable(item, depth + 1, left) for item in value[:MAX_ITEMS]]
        if len(value) > MAX_ITEMS:
            result_list.append(f"… {len(value) - MAX_ITEMS:,} more")
        return result_list
    return _safe_repr(value)


def readable(args: object, kwargs: object) -> tuple[list[Any], dict[str, Any]]:
    """Arguments as JSON-safe values. Never raises; what is cut says so.

    Returns:
        A list and a dict whose JSON is at most about :data:`MAX_BYTES` long.
    """
    left = [MAX_VALUES]
    try:
        shown_args = _readable(list(args) if isinstance(args, list | tuple) else [args], 0, left)
        shown_kwargs = _readable(dict(kwargs) if isinstance(kwargs, Mapping) else {"kwargs": kwargs}, 0, left)
        size = len(json.dumps([shown_args, shown_kwargs]))
    except _TooMany:
        return [f"<arguments of more than {MAX_VALUES:,} values, too many to show>"], {}
    except Exception as exc:
        # Foreign objects can raise anything from iteration or len().
        return [f"<arguments could not be read: {type(exc).__name__}>"], {}
    if size > MAX_BYTES:
        return [f"<arguments of {size:,} bytes, too large to show>"], {}
    return shown_args, shown_kwargs


def read_body(body: bytes, content_type: str) -> tuple[list[Any], dict[str, Any]] | None:
    """Arguments decoded from a JSON body, or None if it is not JSON. Never unpickles."""
    if content_type != "application/json":
        return None
    try:
        args, kwargs, _embed = json.loads(body)
    except (ValueError, TypeError, RecursionError):
        return None
    return readable(args, kwargs)
