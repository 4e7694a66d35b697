"""Which call it is: from a task's declaration and one call of it to the key of its claim."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redrive.idempotency.declared import Declared, Source
from redrive.idempotency.keys import bound_call, call_key, explicit_key, payload_fingerprint, scope_value
from redrive.idempotency.types import UnsupportedArgument


@dataclass(frozen=True, slots=True)
class Call:
    """What a call is known by."""

    key: str
    """The idempotency key: the same wherever the same call is looked at."""

    fingerprint: str | None = None
    """Of all arguments, where the key is the task's own text: one text with other arguments is a mistake."""


def identify(
    task_name: str,
    declared: Declared,
    signature: inspect.Signature,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    task_id: str,
    headers: Mapping[str, Any],
    scope_from: Source = None,
) -> Call:
    """Return the key of a call.

    Args:
        signature: of the task's body without ``self``.
        task_id: Celery's id; only the scope ``task`` needs it.
        headers: the message's own headers, where scope values may be.
        scope_from: what the project says about this scope, for tasks that say nothing.

    Raises:
        UnsupportedArgument: an argument, or what ``idempotency_key`` returned, cannot be part of a key.
        MissingScopeValue: the call does not say which user or device it is for.
        TypeError: the arguments do not fit the signature, as the call itself would say.
    """
    arguments = bound_call(signature, args, kwargs)
    named = _named(signature, arguments)
    value = scope_value(
        declared.scope, named, task_id, headers=headers, source=declared.scope_from or scope_from
    )
    if declared.key is None or isinstance(declared.key, tuple):
        counting = arguments if declared.key is None else _chosen(declared.key, named)
        return Call(call_key(task_name, counting, scope=declared.scope, scope_value=value))
    text = declared.key(named)
    if not isinstance(text, str) or not text:
        raise UnsupportedArgument(f"idempotency_key returned {text!r}: return a text that names the call.")
    key = explicit_key(task_name, text, scope=declared.scope, scope_value=value)
    return Call(key, _fingerprint(arguments))


def _named(signature: inspect.Signature, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by name, those that came through ``**kwargs`` among them."""
    named = dict(arguments)
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            named |= named.pop(parameter.name, {})
    return named


def _chosen(names: Sequence[str], named: Mapping[str, Any]) -> dict[str, Any]:
    missing = [name for name in names if name not in named]
    if missing:
        raise UnsupportedArgument(
            f"idempotency_key names {', '.join(missing)}, which this call has not; it has {', '.join(named)}."
        )
    return {name: named[name] for name in names}


def _fingerprint(arguments: Mapping[str, Any]) -> str | None:
    """The fingerprint of arguments, or None where one of them has no encoding: then the key alone counts."""
    try:
        return payload_fingerprint(arguments)
    except UnsupportedArgument:
        return None
