"""What a task says about its idempotency, read from its ``idempotency_*`` keywords."""

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final, TypeAlias

from redrive.idempotency.types import OnDone, OnRunning, Scope, StoreAway

PREFIX: Final = "idempotency_"

Source: TypeAlias = tuple[str, ...] | Callable[[Mapping[str, Any]], Any] | None
"""Names of arguments, a function of all arguments by name, or None for the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The ``idempotency_*`` keywords of one task, without that prefix. The defaults are those of `IdempotentTask`."""

    enabled: bool = True
    """False: the task runs as any other."""

    ttl: float = 3600
    """Seconds for which a result stands for the same call."""

    scope: Scope = Scope.GLOBAL
    """Among which calls the same one is looked for."""

    scope_from: Source = None
    """Which user or device: names of arguments or message headers, the first that has a value, or a function.
    None: as ``REDRIVE["SCOPES"]`` says, else ``user_id`` or ``user``, ``device_id`` or ``device``."""

    key: Source = None
    """Names of the arguments that make a call the same one (the others do not count), or a function that returns a
    text for it. None: all arguments."""

    lease: float = 60
    """Seconds after which the claim of a dead worker ends. A living one renews it three times as often."""

    on_running: OnRunning = OnRunning.WAIT
    """What a duplicate does while the same call runs."""

    on_done: OnDone = OnDone.REPLAY
    """What a duplicate does after the same call has succeeded."""

    store_away: StoreAway = StoreAway.SQL
    """What the task does while Redis is away."""

    keep_result: bool = True
    """False: only that there was a result is recorded, not the result (secrets, personal data)."""


def read_declared(task_name: str, attributes: Mapping[str, Any]) -> Declared:
    """Return what a task declares.

    Args:
        task_name: for messages.
        attributes: ``idempotency_ttl`` and the like; others are left alone.

    Raises:
        TypeError: a keyword is unknown or has a value it cannot have. The message says what to type.
    """
    values: dict[str, Any] = {}
    known = [field.name for field in fields(Declared)]
    for attribute, value in attributes.items():
        name = attribute.removeprefix(PREFIX)
        if name == attribute:
            continue
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            names = [close[0]] if close else known
            hint = ", ".join(PREFIX + one for one in names)
            raise TypeError(
                f"{task_name}: there is no option {attribute}. "
                + (f"Did you mean {hint}?" if close else f"Use one of {hint}.")
            )
        values[name] = _read(task_name, name, value)
    return Declared(**values)


def _read(task_name: str, name: str, value: Any) -> Any:
    read, form = _FORMS[name]
    try:
        return read(value)
    except ValueError:
        raise TypeError(f"{task_name}: {PREFIX}{name}={value!r} must be {form}.") from None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _seconds(least: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value <= 0 or value < least:
            raise ValueError
        return float(value)

    return read


def _source(value: Any) -> Source:
    if value is None:
        return None
    if callable(value):
        function: Callable[[Mapping[str, Any]], Any] = value
        return function
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names or not all(isinstance(n, str) and n for n in names):
        raise ValueError
    return tuple(names)


def _one_of(kind: type[StrEnum]) -> tuple[Callable[[Any], StrEnum], str]:
    return kind, "one of " + ", ".join(repr(member.value) for member in kind)


_SOURCE_FORM = "a name, a list of names, or a function of the arguments by name"
_FORMS: Final[Mapping[str, tuple[Callable[[Any], Any], str]]] = {
    "enabled": (_flag, "True or False"),
    "ttl": (_seconds(0), "a number of seconds above 0"),
    "scope": _one_of(Scope),
    "scope_from": (_source, _SOURCE_FORM),
    "key": (_source, _SOURCE_FORM),
    "lease": (_seconds(1), "a number of seconds, 1 at least"),
    "on_running": _one_of(OnRunning),
    "on_done": _one_of(OnDone),
    "store_away": _one_of(StoreAway),
    "keep_result": (_flag, "True or False"),
}
