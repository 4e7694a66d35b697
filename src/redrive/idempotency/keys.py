"""From a call to its key: the same call gives the same key in every process, and a different one another key.

A key is ``1:`` and 64 hex digits: SHA-256 over an encoding in which every value carries its type and its
length, so that no two values share one. The number is the version of this encoding, and changes with it.

Values are taken in the form they have after a trip through JSON, because that is how the worker gets them: a
tuple is a list, the key 1 of a dict is "1". What survives the trip with its type keeps it: True, 1, 1.0 and
"1" are four things. Decimals are equal when their numbers are (1.0 and 1.00), aware datetimes when their
instants are (in any two zones); 0.0 and -0.0 are equal. Text is taken as it is, without Unicode
normalisation.
"""

import hashlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from redrive.idempotency.declared import Source
from redrive.idempotency.types import MissingScopeValue, Scope, UnsupportedArgument

VERSION: Final = "1"

MAX_ARGUMENT_BYTES: Final = 1024 * 1024
"""Largest argument, encoded, that may be part of a key: hashing more takes longer than a task should wait."""

_MAX_DEPTH: Final = 50

_SCOPE_NAMES: Final[Mapping[Scope, tuple[str, ...]]] = {
    Scope.USER: ("user_id", "user"),
    Scope.DEVICE: ("device_id", "device"),
}


def bound_call(
    signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return argument name -> value with defaults filled in: f(1), f(a=1) and f(1, b=<its default>) are one
    call.

    ``signature`` is that of the task's body without ``self``.

    Raises:
        TypeError: the arguments do not fit the signature, as the call itself would say.
    """
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def scope_value(
    scope: Scope,
    arguments: Mapping[str, Any],
    task_id: str,
    *,
    headers: Mapping[str, Any] | None = None,
    source: Source = None,
) -> str:
    """Return whose call it is: "" for everybody's, the user, the device, or the task's id.

    Args:
        arguments: by name.
        headers: of the message, looked at for names that are no arguments.
        source: names to look for, or a function of the arguments. Default: ``user_id`` or ``user``,
            ``device_id`` or ``device``.

    Raises:
        MissingScopeValue: the call has no such argument or header, or it is None or empty.
    """
    if scope is Scope.GLOBAL:
        return ""
    if scope is Scope.TASK:
        value: Any = task_id
        names: tuple[str, ...] = ("task id",)
    elif callable(source):
        value, names = source(arguments), (getattr(source, "__qualname__", "the function"),)
    else:
        names = source or _SCOPE_NAMES[scope]
        places = [place.get(name) for place in (arguments, headers or {}) for name in names]
        value = next((found for found in places if found is not None), None)
    if value is None or value == "":
        raise MissingScopeValue(
            f"idempotency_scope={scope.value!r} needs a value for {' or '.join(names)}, and this call has none: "
            "pass it as an argument or a message header, or say idempotency_scope_from=..."
        )
    return encode(value, names[0]).decode("latin-1")


def call_key(task_name: str, arguments: Mapping[str, Any], *, scope: Scope, scope_value: str) -> str:
    """Return the key of a call: of its task, scope, and bound arguments.

    Raises:
        UnsupportedArgument: an argument has no stable encoding; the message names it and what to pass
        instead.
    """
    return _key(_text(task_name), _text(scope.value), _text(scope_value), fingerprint_bytes(arguments))


def explicit_key(task_name: str, key: str, *, scope: Scope, scope_value: str) -> str:
    """Return the key of a call whose caller names it ("order-42"), whatever its arguments."""
    return _key(_text(task_name), _text(scope.value), _text(scope_value), b"K" + _text(key))


def payload_fingerprint(arguments: Mapping[str, Any]) -> str:
    """Return what tells the arguments of two calls with one explicit key apart."""
    return _key(fingerprint_bytes(arguments))


def fingerprint_bytes(arguments: Mapping[str, Any]) -> bytes:
    """Return the encoding of bound arguments; each is named in an error about it."""
    return _list(b"A", [_text(name) + _argument(value, name) for name, value in sorted(arguments.items())])


def _argument(value: Any, name: str) -> bytes:
    encoded = encode(value, name)
    if len(encoded) > MAX_ARGUMENT_BYTES:
        raise UnsupportedArgument(
            f"{name} is too large for a key, {len(encoded) / 1024 / 1024:.1f} MiB: store it and pass its id, or name "
            "the arguments that count: idempotency_key=[...]."
        )
    return encoded


def encode(value: Any, name: str, depth: int = 0) -> bytes:
    """Return the canonical encoding of one value; ``name`` says in errors where it is
    ("items[2]['price']")."""
    if depth > _MAX_DEPTH:
        raise UnsupportedArgument(
            f"{name}: nested deeper than {_MAX_DEPTH} levels; pass an id, or say idempotency_key=[...]."
        )
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"T" if value else b"F"
    if isinstance(value, str):
        return _text(str.__str__(value))
    if isinstance(value, list | tuple):
        return _list(b"L", [encode(item, f"{name}[{n}]", depth + 1) for n, item in enumerate(value)])
    if isinstance(value, Mapping):
        return _mapping(value, name, depth)
    for kind, encoder in _ENCODERS:
        if isinstance(value, kind):
            return encoder(value, name)
    raise UnsupportedArgument(
        f"{name} is of type {type(value).__name__}, which has no stable encoding: {_advice(value)}, "
        "or name the arguments that count: idempotency_key=[...]."
    )


def _mapping(value: Mapping[Any, Any], name: str, depth: int) -> bytes:
    parts: dict[str, bytes] = {}
    for key, item in value.items():
        text = _json_key(key, name)
        if text in parts:
            raise UnsupportedArgument(f"{name} has two keys that are both {text!r} in JSON; use one.")
        parts[text] = encode(item, f"{name}[{key!r}]", depth + 1)
    return _list(b"M", [_text(text) + part for text, part in sorted(parts.items())])


def _json_key(key: Any, name: str) -> str:
    """Return a dict key as JSON writes it."""
    if isinstance(key, str):
        return str.__str__(key)
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    if isinstance(key, int):
        return int.__repr__(key)
    if isinstance(key, float) and math.isfinite(key):
        return float.__repr__(key)
    raise UnsupportedArgument(f"{name} has the dict key {key!r}, which JSON cannot write: use a string.")


def _float(value: float, name: str) -> bytes:
    if not math.isfinite(value):
        raise UnsupportedArgument(f"{name} is {value}, which equals nothing: pass a finite number or None.")
    return _tagged(b"f", float.__repr__(value if value != 0 else 0.0))


def _decimal(value: Decimal, name: str) -> bytes:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise UnsupportedArgument(
            f"{name} is Decimal {value}, which equals nothing: pass a finite number or None."
        )
    number = "".join(map(str, digits)).lstrip("0")
    stripped = number.rstrip("0")
    if not stripped:
        return _tagged(b"d", "0")
    return _tagged(b"d", f"{'-' if sign else ''}{stripped}E{exponent + len(number) - len(stripped)}")


def _datetime(value: datetime, name: str) -> bytes:
    if value.utcoffset() is None:
        raise UnsupportedArgument(
            f"{name} is a datetime without a time zone, which means another instant on another machine: "
            "pass an aware one (django.utils.timezone.now())."
        )
    return _tagged(b"t", value.astimezone(UTC).isoformat(timespec="microseconds"))


# Looked through in order: datetime before date, which it is a kind of.
_ENCODERS: Final[tuple[tuple[Any, Callable[[Any, str], bytes]], ...]] = (
    (int, lambda value, _name: _tagged(b"i", format(int(value), "x"))),
    (float, _float),
    (Decimal, _decimal),
    (datetime, _datetime),
    (date, lambda value, _name: _tagged(b"y", value.isoformat())),
    (UUID, lambda value, _name: _tagged(b"u", value.hex)),
    (bytes | bytearray | memoryview, lambda value, _name: _sized(b"b", bytes(value))),
)


def _advice(value: Any) -> str:
    if isinstance(value, set | frozenset):
        return "pass sorted(...) of it"
    if hasattr(value, "pk"):
        return "pass its primary key"
    if callable(value):
        return "pass its dotted path"
    if hasattr(value, "total_seconds"):
        return "pass its total_seconds()"
    if hasattr(value, "value") and hasattr(value, "name"):
        return "pass its .value"
    if hasattr(value, "__next__"):
        return "pass a list"
    return "pass an id or plain values"


def _text(value: str) -> bytes:
    return _sized(b"s", value.encode("utf-8", "surrogatepass"))


def _tagged(tag: bytes, text: str) -> bytes:
    return _sized(tag, text.encode("ascii"))


def _sized(tag: bytes, content: bytes) -> bytes:
    return b"%b%d:%b" % (tag, len(content), content)


def _list(tag: bytes, parts: Sequence[bytes]) -> bytes:
    return b"%b%d:%b" % (tag, len(parts), b"".join(parts))


def _key(*parts: bytes) -> str:
    return f"{VERSION}:{hashlib.sha256(_list(b'K', parts)).hexdigest()}"
