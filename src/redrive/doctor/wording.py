"""How findings write counts, names, times and sizes."""

from __future__ import annotations

from collections.abc import Sequence

NAMED = 10
"""Names listed before "and 3 more"."""


def names(found: Sequence[str]) -> str:
    """``a, b and 3 more``, in the given order."""
    listed = ", ".join(found[:NAMED])
    return listed if len(found) <= NAMED else f"{listed} and {len(found) - NAMED} more"


def counted(number: int, one: str, many: str = "") -> str:
    """``1 task``, ``2 tasks``; ``many`` where an s is not enough."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def seconds(value: float) -> str:
    """``0.4 ms``, ``12 s``, ``90 min``, ``3.5 h``, ``4 d``: the number first, as settings want it."""
    if value < 1:
        return f"{value * 1000:.3g} ms"
    for size, unit in ((172_800, "d"), (7_200, "h"), (300, "min")):
        if value >= size:
            return f"{value / {'d': 86_400, 'h': 3_600, 'min': 60}[unit]:.3g} {unit}"
    return f"{value:.3g} s"


def size(value: int) -> str:
    """``512 bytes``, ``1.5 MiB``."""
    for factor, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value} bytes"


def version(parts: Sequence[int]) -> str:
    """``5.2``."""
    return ".".join(str(part) for part in parts)
