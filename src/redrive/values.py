"""Settings that only a part can understand, read: policies, rules, patterns, levels, windows.

Each ``read_*`` raises ValueError (or TypeError) saying what is wrong, for the system check ``redrive.E002``; the host
goes on with the default by :func:`or_default`.
"""

from __future__ import annotations

import importlib
import logging
import re
from collections.abc import Callable, Mapping
from datetime import time
from typing import Any, TypeVar, cast

from redrive.conf import get_settings
from redrive.gate import GATE_KEYS, GateSettings, parse_gate
from redrive.options import Options
from redrive.payload import Codec
from redrive.priority import PriorityRules, TaskPriority
from redrive.retry import OffPeak, parse_policies
from redrive.taxonomy import Downstream, ProjectRule, parse_downstreams, parse_rules

R = TypeVar("R")
logger = logging.getLogger("redrive")
NO_POLICIES: Mapping[str, Mapping[str, Any]] = {}
NO_DOWNSTREAMS: Mapping[str, Downstream] = {}
NO_GATES: Mapping[str, GateSettings] = {}
_OFF_PEAK = {"START": "22:00", "END": "06:00"}


def or_default(name: str, read: Callable[[], R], default: R) -> R:
    """What a setting says, or the default where it cannot be used: the host must go on, and the log says why."""
    try:
        return read()
    except (ValueError, TypeError, KeyError, AttributeError, re.error) as exc:
        logger.error("redrive: REDRIVE[%r] cannot be used, the default is in force: %s", name, exc)
        return default


def read_policies() -> Mapping[str, Mapping[str, Any]]:
    """``REDRIVE["POLICIES"]`` checked. Raises ValueError naming the key and the closest known one."""
    return parse_policies(get_settings().policies)


def read_rules() -> tuple[ProjectRule, ...]:
    """``REDRIVE["RULES"]`` as rules. Raises ValueError saying which one cannot be used and why."""
    return parse_rules(get_settings().rules)


def read_downstreams() -> Mapping[str, Downstream]:
    """``REDRIVE["DOWNSTREAMS"]`` checked. Raises ValueError saying what is wrong."""
    return parse_downstreams(get_settings().downstreams, more_keys=GATE_KEYS)


def read_gates() -> Mapping[str, GateSettings]:
    """The gates' settings in ``REDRIVE["DOWNSTREAMS"]``. Raises ValueError saying what is wrong and what to type."""
    return {
        name: parse_gate(
            name,
            said,
            off_peak=_window(f"{name!r}: OFF_PEAK", said["off_peak"]) if said.get("off_peak") else None,
        )
        for name, said in get_settings().downstreams.items()
    }


def read_patterns() -> Mapping[str, Options]:
    """``REDRIVE["TASK_PATTERNS"]`` as options. Raises TypeError naming the field and what to type."""
    return {
        str(pattern): Options(**{str(key).lower(): value for key, value in dict(raw).items()})
        for pattern, raw in get_settings().task_patterns.items()
    }


def read_priorities() -> PriorityRules:
    """``REDRIVE["PRIORITY"]`` as rules. Raises ValueError saying what is wrong."""
    raw = get_settings().priority
    levels = TaskPriority.__members__
    for pattern, level in raw.get("PATTERNS", {}).items():
        if str(level) not in levels:
            raise ValueError(
                f"pattern {pattern!r} has no such level {level!r}; use one of {', '.join(levels)}"
            )
        re.compile(pattern)
    patterns = tuple((pattern, levels[str(level)]) for pattern, level in raw.get("PATTERNS", {}).items())
    return PriorityRules(patterns=patterns, sla_hours=raw.get("SLA_HOURS", {}))


def read_codec() -> Codec | None:
    """``REDRIVE["PAYLOAD"]["CODEC"]``, an instance of it if it is a class. Raises ValueError saying what to type."""
    path = get_settings().payload.codec
    if path is None:
        return None
    form = '"CODEC" must be like "shop.sealing.Codec", something with seal(bytes) and open(bytes)'
    try:
        module, _, name = path.rpartition(".")
        found = getattr(importlib.import_module(module), name)
        codec = found() if isinstance(found, type) else found
    except Exception as exc:
        # Imports and constructors of the project raise whatever they like (a key that is absent, say).
        raise ValueError(f"{form}; {path!r} cannot be had: {type(exc).__name__}: {exc}") from exc
    if not all(callable(getattr(codec, verb, None)) for verb in ("seal", "open")):
        raise ValueError(f"{form}; {path!r} has not both")
    return cast("Codec", codec)


def try_codec() -> None:
    """Seal and open a few bytes. Raises ValueError if they do not come back."""
    codec, clear = read_codec(), bytes(range(256))
    if codec is None:
        return
    try:
        again = codec.open(codec.seal(clear))
    except Exception as exc:
        raise ValueError(f"its codec fails to seal and open 256 bytes: {type(exc).__name__}: {exc}") from exc
    if again != clear:
        raise ValueError("its codec must open what it has sealed byte for byte")


def read_off_peak() -> OffPeak | None:
    """``REDRIVE["OFF_PEAK"]`` as a window. Raises ValueError saying what is wrong."""
    window = get_settings().off_peak
    return _window("OFF_PEAK", window) if window else None


def _window(label: str, window: Any) -> OffPeak:
    """A daily window from its dict. Raises ValueError naming what cannot be used and what to type."""
    if not isinstance(window, Mapping) or set(window) - {*_OFF_PEAK, "TIME_ZONE"}:
        raise ValueError(
            f'{label} must be like {{"START": "22:00", "END": "06:00", "TIME_ZONE": "Europe/Berlin"}}, not {window!r}'
        )
    start, end = (time.fromisoformat(str(window.get(name, default))) for name, default in _OFF_PEAK.items())
    return OffPeak(start=start, end=end, timezone=str(window.get("TIME_ZONE", "UTC")))
