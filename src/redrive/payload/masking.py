"""Hide secrets in arguments that are about to be shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

MASK = "••••••"


@lru_cache(maxsize=32)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


def mask(value: Any, *, fields: Sequence[str], patterns: Sequence[str]) -> Any:
    """A copy of value with secrets replaced by :data:`MASK`.

    Args:
        value: Anything JSON-safe: the readable arguments of a task.
        fields: Parts of key names (case-insensitive) whose values are hidden whole.
        patterns: Regular expressions hidden inside text.
    """
    lowered = tuple(field.lower() for field in fields)
    regexes = _compiled(tuple(patterns))

    def walk(item: Any) -> Any:
        if isinstance(item, dict):
            return {
                key: MASK if _is_secret(str(key), lowered) else walk(inner) for key, inner in item.items()
            }
        if isinstance(item, list | tuple):
            return [walk(inner) for inner in item]
        if isinstance(item, str):
            for regex in regexes:
                item = regex.sub(MASK, item)
        return item

    return walk(value)


def _is_secret(key: str, fields: Sequence[str]) -> bool:
    key = key.lower()
    return any(field in key for field in fields)
