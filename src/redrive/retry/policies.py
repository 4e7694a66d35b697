"""The default policy of every failure type, and how settings change them."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from redrive.retry.types import Adjustment, BackoffStrategy, JitterKind, RetryPolicy
from redrive.taxonomy import FailureType

Overrides: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Failure type's name or task name pattern -> field -> value, as `parse_policies` returns it."""

_EXP, _LIN, _FIB = BackoffStrategy.EXPONENTIAL, BackoffStrategy.LINEAR, BackoffStrategy.FIBONACCI

# Columns: retries, first delay, strategy, cap, breaker threshold, breaker timeout (all seconds); why; who says so.
# TRANSIENT_DATABASE, TRANSIENT_NETWORK and EXTERNAL_API_DOWN are the documented defaults. The others were
# chosen so that the retries together outlast the usual length of such a fault, and that a fault which more
# load would worsen (limits, memory, disk) gets few attempts far apart.
_RETRIED: Final = {
    FailureType.TRANSIENT_DATABASE: (
        (5, 30, _EXP, 3600, 10, 300),
        "Deadlocks pass at once, a failover takes a minute: five tries span about a quarter of an hour.",
        "PostgreSQL manual 13.5 on retrying after deadlocks; Amazon RDS on failovers of 60 to 120 s",
    ),
    FailureType.TRANSIENT_NETWORK: (
        (3, 60, _EXP, 1800, 5, 600),
        "Refused and reset connections mostly pass within minutes.",
        "Redrive's documented defaults",
    ),
    FailureType.TRANSIENT_RATE_LIMIT: (
        (5, 60, _EXP, 3600, 0, 0),
        "Quotas commonly renew per minute or hour; the server's Retry-After wins. Being told to slow down is no "
        "outage, so it opens no breaker.",
        "RFC 6585 section 4; Google AIP-194, which hardly retries RESOURCE_EXHAUSTED",
    ),
    FailureType.EXTERNAL_API_DOWN: (
        (2, 900, _FIB, 7200, 3, 1800),
        "Outages of providers last tens of minutes: few tries, far apart.",
        "Redrive's documented defaults",
    ),
    FailureType.EXTERNAL_API_ERROR: (
        (3, 120, _EXP, 3600, 5, 600),
        "A provider's single 500 mostly passes within minutes; one that persists needs a person.",
        "RFC 9110 section 15.6.1; Google AIP-194, which does not retry INTERNAL by itself",
    ),
    FailureType.EXTERNAL_TIMEOUT: (
        (3, 60, _EXP, 1800, 5, 600),
        "A slow provider recovers like a network does, and hurried retries keep it slow.",
        "Amazon Builders' Library, Timeouts, retries, and backoff with jitter",
    ),
    FailureType.SYSTEM_OUT_OF_MEMORY: (
        (1, 300, _LIN, 1800, 0, 0),
        "Once, when the neighbours that took the memory may be gone; a task that outgrows an idle worker will "
        "do so every time.",
        "Kubernetes, Pod lifecycle: restarts back off to five minutes",
    ),
    FailureType.SYSTEM_DISK_FULL: (
        (3, 600, _LIN, 3600, 0, 0),
        "Rotation and cleanup free space within the hour, or somebody has to.",
        "RFC 5321, where 452 (no storage) is transient and half an hour passes between tries",
    ),
    FailureType.SYSTEM_WORKER_LOST: (
        (2, 60, _EXP, 1800, 0, 0),
        "Deployments and evictions end workers without the task's doing; a third loss points at the task.",
        "Celery's warning of message loops at task_reject_on_worker_lost",
    ),
}

_NOT_RETRIED: Final = {
    FailureType.PERMANENT_VALIDATION: "The same input stays invalid.",
    FailureType.PERMANENT_NOT_FOUND: "What does not exist will not appear by asking again.",
    FailureType.PERMANENT_PERMISSION: "Access stays denied until somebody grants it.",
    FailureType.PERMANENT_LOGIC: "A bug stays until it is fixed.",
    FailureType.CONFIG_MISSING_SETTING: "The setting stays missing until somebody sets it.",
    FailureType.CONFIG_INVALID_SETTING: "The setting stays malformed until somebody corrects it.",
    FailureType.CONFIG_MISSING_SERVICE: "The service stays absent until somebody sets it up.",
    FailureType.UNKNOWN: "Nothing tells what happened, so nothing tells that a retry is safe or useful.",
}


def _defaults() -> Mapping[FailureType, RetryPolicy]:
    table = {kind: RetryPolicy(key=kind.value, rationale=why) for kind, why in _NOT_RETRIED.items()}
    for kind, ((retries, first, strategy, cap, threshold, timeout), why, source) in _RETRIED.items():
        table[kind] = RetryPolicy(
            key=kind.value,
            max_retries=retries,
            initial_delay=float(first),
            backoff_strategy=strategy,
            max_delay=float(cap),
            circuit_breaker_threshold=threshold,
            circuit_breaker_timeout=float(timeout),
            rationale=f"{why} Source: {source}.",
        )
    return MappingProxyType({kind: table[kind] for kind in FailureType})


DEFAULT_POLICIES: Final = _defaults()
"""Failure type -> policy, for every type there is."""

_SETTABLE: Final[Mapping[str, type]] = {
    "max_retries": int,
    "initial_delay": float,
    "backoff_strategy": BackoffStrategy,
    "backoff_factor": float,
    "max_delay": float,
    "jitter": JitterKind,
    "circuit_breaker_threshold": int,
    "circuit_breaker_timeout": float,
    "max_age_seconds": float,
    "learning": bool,
}


def parse_policies(mapping: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Check the ``POLICIES`` setting and return it with every value in its final type.

        {"TRANSIENT_DATABASE": {"initial_delay": 2, "max_retries": 5},    # one failure type
         "shop.tasks.pay*": {"max_delay": 600}}                           # tasks by name, whatever failed

    A key in capitals is a failure type; any other is a pattern for task names (``*`` and ``?``). A pattern
    changes only policies that retry at all: it can never make a permanent failure run again.

    Raises:
        ValueError: a key, field or value is wrong; the message says where, and what was probably meant.
    """
    parsed = {}
    for key, fields in mapping.items():
        if not isinstance(key, str) or not key:
            raise ValueError(
                f"POLICIES: {key!r} is neither a failure type's name nor a pattern for task names."
            )
        if _is_type_name(key) and key not in FailureType.__members__:
            raise ValueError(
                f"POLICIES: no failure type {key!r}.{_did_you_mean(key, FailureType.__members__)}"
            )
        if not isinstance(fields, Mapping):
            raise ValueError(
                f"POLICIES[{key!r}] must be a dict such as {{'initial_delay': 2}}, not {fields!r}."
            )
        parsed[key] = {name: _parse_field(key, name, value) for name, value in fields.items()}
        try:
            RetryPolicy(key=key, **parsed[key])
        except ValueError as exc:
            raise ValueError(f"POLICIES[{key!r}]: {exc}") from exc
        _check_cap(key, parsed[key])
    return parsed


def resolve(failure_type: FailureType, task_name: str, overrides: Overrides) -> RetryPolicy:
    """Return the policy of a failure type for one task: default, then the type's setting, then task
    patterns."""
    policy = DEFAULT_POLICIES[failure_type]
    if fields := overrides.get(failure_type.value):
        policy = change(policy, "setting", f"POLICIES[{failure_type.value!r}]", fields)
    if policy.max_retries == 0:
        return policy
    for pattern, fields in overrides.items():
        if not _is_type_name(pattern) and fnmatchcase(task_name, pattern):
            policy = change(policy, "task pattern", f"POLICIES[{pattern!r}]", fields)
    return policy


def change(policy: RetryPolicy, rule: str, source: str, fields: Mapping[str, Any]) -> RetryPolicy:
    """Return the policy with some fields set anew, and an adjustment for each that really changed."""
    adjustments = tuple(
        Adjustment(
            rule, name, getattr(policy, name), value, f"{name} {getattr(policy, name)} → {value}: {source}"
        )
        for name, value in fields.items()
        if getattr(policy, name) != value
    )
    return replace(policy, **fields, adjustments=policy.adjustments + adjustments)


def _check_cap(key: str, fields: Mapping[str, Any]) -> None:
    """A cap below the first delay is a mistake, where both are known: for a type, or in one entry."""
    default = DEFAULT_POLICIES[FailureType[key]] if _is_type_name(key) else None
    if default is not None and default.max_retries == 0:
        default = None
    first = fields.get("initial_delay", default.initial_delay if default else 0.0)
    cap = fields.get("max_delay", default.max_delay if default else math.inf)
    if cap < first:
        raise ValueError(
            f"POLICIES[{key!r}]: max_delay is {cap:g} s, below the first delay of {first:g} s; "
            f"type 'max_delay': {first:g} or more, or a smaller 'initial_delay'."
        )


def _is_type_name(key: str) -> bool:
    return key.replace("_", "").isalpha() and key.isupper()


def _parse_field(key: str, name: str, value: Any) -> Any:
    kind = _SETTABLE.get(name)
    where = f"POLICIES[{key!r}][{name!r}]"
    if kind is None:
        raise ValueError(f"{where}: no such field.{_did_you_mean(name, _SETTABLE)}")
    if kind in (BackoffStrategy, JitterKind):
        words = [word.value for word in kind]
        if value not in words:
            raise ValueError(
                f"{where} must be one of {', '.join(words)}, not {value!r}.{_did_you_mean(value, words)}"
            )
        return kind(value)
    if kind is bool:
        if not isinstance(value, bool):
            raise ValueError(f"{where} must be True or False, not {value!r}.")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{where} must be a number, not {value!r}.")
    if kind is int and value != int(value):
        raise ValueError(f"{where} must be a whole number, not {value!r}.")
    return kind(value)


def _did_you_mean(word: object, known: Any) -> str:
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
