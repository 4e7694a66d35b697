"""A downstream's gate settings from the ``DOWNSTREAMS`` setting."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from redrive.gate.types import GateSettings, Window

_SECONDS: Final = {
    "window_seconds": "window",
    "first_open_seconds": "first_open",
    "slowest_probing_seconds": "slowest_probing",
    "probe_lease_seconds": "probe_lease",
    "slot_lease_seconds": "slot_lease",
}

GATE_KEYS: Final = ("concurrency", "rate", "failure_share", "off_peak", *_SECONDS)
"""Keys of a downstream that are the gate's."""


def parse_gate(name: str, said: Mapping[str, Any], *, off_peak: Window | None = None) -> GateSettings:
    """Return the gate settings of one downstream.

        {"stripe": {"concurrency": 20, "rate": 50, "probe_lease_seconds": 30}}

    Raises:
        ValueError: a value cannot be used; the message names it and says what it must be.
    """
    values: dict[str, Any] = {
        key: said[key] for key in ("concurrency", "rate", "failure_share") if key in said
    }
    for key in ("rate", "failure_share"):
        if values.get(key) is not None and not _is_number(values[key]):
            raise ValueError(f"{name!r}: {key} must be a number, not {values[key]!r}")
    for key, field in _SECONDS.items():
        if key in said:
            if not _is_number(said[key]) or not 0 < said[key] <= 604_800:
                raise ValueError(
                    f"{name!r}: {key} must be seconds above 0, a week at most, not {said[key]!r}"
                )
            values[field] = timedelta(seconds=said[key])
    try:
        return GateSettings(**values, off_peak=off_peak)
    except (ValueError, TypeError) as exc:
        raise ValueError(f"{name!r}: {exc}") from exc


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
