"""The one typed settings object, made from the dict ``REDRIVE`` in Django settings.

``get_settings()`` is loaded on first use and cached; ``override_settings`` drops the cache. A value that cannot be
used never breaks the host: it is reported by the system check ``redrive.E001`` and the default is used in its place.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
import math
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from redrive.directories import Unsafe, default_directory, why_unsafe
from redrive.options import PRIORITY_LEVELS

logger = logging.getLogger("redrive")

MODES = ("off", "observe", "on")
AUTO_RETRIES = ("declared", "all", "off")
LEDGERS = ("off", "critical", "all")
TAKES = ("celery", "atomic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spill:
    """Where endings go when the database is away."""

    directory: Path
    """Local directory for the append-only files. Default: ``~/.local/state/redrive/<project>``."""
    max_bytes: int = 256 * 1024 * 1024
    """Size in bytes after which the spill refuses more lines (loudly). Default 256 MiB."""
    redis_url: str | None = None
    """``redis://...`` of a list that takes endings before the file does, for the whole fleet. Default none."""
    max_lines: int = 100_000
    """Lines in that list from which on further ones go to the file. Default 100,000."""
    own: bool = field(default=False, metadata={"is_key": False})
    """Whether the directory is the default one, which must be this user's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """The process that publishes due work and drains the spill."""

    start_with_worker: bool = True
    """Whether every Celery worker starts and watches a keeper of its own. Default true."""
    poll_seconds: float = 1.0
    """Seconds between two looks at the database when there is nothing to do. Default 1."""
    lease_seconds: float = 30.0
    """Seconds after which another keeper takes over what a silent one had claimed. Default 30."""
    heartbeat_seconds: float = 30.0
    """Seconds after which a worker that no keeper vouches for counts as gone. Default 30."""
    republish_seconds: float = 300.0
    """Seconds after which a message that was sent but never started is sent again (doubling). Default 300."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long finished records stay. Unfinished ones (PENDING, RETRYING) never expire."""

    resolved_days: int = 30
    """Days a RESOLVED record is kept. Default 30."""
    abandoned_days: int = 90
    """Days an ABANDONED record is kept. Default 90."""
    stat_days: int = 90
    """Days hourly counters are kept. Default 90."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Masking:
    """What pages, commands and exports hide in arguments. Stored messages stay whole: they must run again."""

    fields: tuple[str, ...] = (
        "password", "passwd", "secret", "token", "api_key", "apikey", "authorization", "cookie", "card", "cvv",
        "iban", "ssn", "private_key",
    )  # fmt: skip
    """Names (case-insensitive, as part of a key) whose values are hidden."""
    patterns: tuple[str, ...] = (r"\b\d(?:[ -]?\d){12,18}\b", r"\beyJ[\w-]+\.[\w-]+\.[\w-]+\b")
    """Regular expressions hidden inside text values (payment card numbers, JWTs)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """How messages are stored."""

    max_bytes: int = 16 * 1024 * 1024
    """Bytes of a body above which the message is not stored; the record says so. Default 16 MiB (RabbitMQ's own)."""
    codec: Any = None
    """Dotted path of what seals bodies before they are stored, see :class:`redrive.payload.Codec`. Default none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What worker time costs, for the estimate of savings on the retry page."""

    worker_hour: float = 0.0
    """Of one worker process for an hour, in whatever currency. Default: not known, only hours are shown."""
    off_peak_worker_hour: float = 0.0
    """The same in the off-peak window. Default: not known, so moving work there saves nothing."""
    currency: str = ""
    """Shown behind the sum ("EUR"). Default none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a project can say to Redrive. Keys in ``REDRIVE`` are these names in capitals."""

    mode: str = "on"
    """``off`` (as if not installed), ``observe`` (record, change nothing) or ``on``. Default ``on``."""
    auto_retry: str = "declared"
    """Which tasks run again by themselves: ``declared`` retry-safe ones (default), ``all`` or ``off``."""
    ledger: str = "critical"
    """Which tasks are noted when they start, so that a killed worker loses none: ``off``, ``critical`` ones (default)
    or ``all``. Costs an insert and a delete per run."""
    broker_take: str = "celery"
    """How a worker takes messages from a Redis broker: as ``celery`` does (default), or ``atomic``, so that no message
    is lost by a kill between its two steps. Of no effect on RabbitMQ and ``sentinel://``."""
    most_deliveries: int = 3
    """Times a message may be delivered again without an end of its task before it is dead as poison. Default 3."""
    celery_app: str | None = None
    """``module:attribute`` of the Celery app, for the keeper and commands. Default: found by itself."""
    database: str = "default"
    """Alias in ``DATABASES`` that holds Redrive's tables. Default ``default``."""
    redis_url: str | None = None
    """``redis://...`` for claims and gates; without it they live in the database. Default none."""
    namespace: str = "redrive"
    """Prefix of Redis keys and part of the spill directory's name. Default ``redrive``."""
    policies: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the default retry policies, by failure type: ``{"EXTERNAL_API_DOWN": {"max_retries": 4}}``."""
    downstreams: Mapping[str, Any] = field(default_factory=dict)
    """What tasks depend on, by name: ``{"stripe": {"hosts": ["api.stripe.com"], "third_party": True}}``."""
    rules: tuple[Any, ...] = ()
    """Failure types by the project's own rules, tried first: dicts such as ``{"says": "PERMANENT_LOGIC", "class":
    "shop.errors.OutOfStock"}``, or dotted paths of decorated functions, of such dicts, or of modules that hold some."""
    task_patterns: Mapping[str, Any] = field(default_factory=dict)
    """Options for tasks by name pattern, also for those with other base classes: ``{"billing.*": {...}}``."""
    priority: Mapping[str, Any] = field(default_factory=dict)
    """Base priority by task-name pattern: ``{"PATTERNS": {"billing.*": "HIGH"}}``."""
    queues: Mapping[str, str] = field(default_factory=dict)
    """Queue by priority level where the project's names differ: ``{"CRITICAL": "urgent"}``."""
    business_unit: Any = "business_unit"
    """Task argument that holds the tenant, or (the dotted path of) a function ``(task_name, args, kwargs) -> str``."""
    scopes: Mapping[str, Any] = field(default_factory=dict)
    """Where the values of idempotency scopes come from: ``{"user": "customer_id", "device": "shop.calls.device"}``, the
    name of an argument or message header, or (the dotted path of) a function of the arguments by name."""
    masking: Masking = field(default_factory=Masking)
    payload: Payload = field(default_factory=Payload)
    retention: Retention = field(default_factory=Retention)
    spill: Spill = field(default_factory=lambda: Spill(directory=Path(tempfile.gettempdir()) / "redrive"))
    keeper: Keeper = field(default_factory=Keeper)
    costs: Costs = field(default_factory=Costs)
    off_peak: Mapping[str, Any] | None = None
    """When LOW and DEFERRED retries run: ``{"START": "22:00", "END": "06:00", "TIME_ZONE": "Europe/Berlin"}``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A value in ``REDRIVE`` that cannot be used: what is wrong and what to type instead."""

    message: str
    hint: str


_SECTIONS: Mapping[str, type] = {"MASKING": Masking, "RETENTION": Retention, "SPILL": Spill, "KEEPER": Keeper,
    "COSTS": Costs, "PAYLOAD": Payload,
}  # fmt: skip


def did_you_mean(name: str, known: list[str]) -> str:
    """A hint that names the closest known key, or all of them."""
    close = difflib.get_close_matches(name.upper(), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(sorted(known))}."


def _default_directory(namespace: str, alias: str) -> Path:
    """A directory of this project's own, the same for each of its releases wherever they are installed.

    The database is in its name: a project whose settings are called the same must not get our lines into its own.
    """
    from django.conf import settings

    databases = getattr(settings, "DATABASES", None) or {}
    database = databases.get(alias) or {}
    parts = (database.get(key) or "" for key in ("ENGINE", "HOST", "PORT", "NAME"))
    project = "|".join(map(str, (os.environ.get("DJANGO_SETTINGS_MODULE", ""), *parts)))
    return default_directory(f"{namespace}-{hashlib.sha256(project.encode()).hexdigest()[:8]}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_pattern(value: Any) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError):
        return False
    return _is_text(value)


def _is_queue(level: Any, queue: Any) -> bool:
    return level in PRIORITY_LEVELS and _is_text(queue)


_URLS = ("redis://", "rediss://", "unix://")
_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "BUSINESS_UNIT": (lambda v: _is_text(v) or callable(v), "must be a name, a dotted path or a function"),
    "CELERY_APP": (lambda v: v is None or _is_text(v), "must be a string or None"),
    # Anything: a codec that is no path must not leave messages in clear. E002 says what is wrong with it.
    "CODEC": (lambda _: True, ""),
    "DIRECTORY": (lambda v: _is_text(v) or isinstance(v, Path), "must be a path"),
    "FIELDS": (lambda v: isinstance(v, list | tuple) and all(map(_is_text, v)), "must be a list of names"),
    "OFF_PEAK": (lambda v: v is None or isinstance(v, Mapping), "must be a dict or None"),
    "PATTERNS": (
        lambda v: isinstance(v, list | tuple) and all(map(_is_pattern, v)),
        "must be a list of regular expressions",
    ),
    "RULES": (lambda v: isinstance(v, list | tuple), "must be a list of dicts and dotted paths"),
    "QUEUES": (
        lambda v: isinstance(v, Mapping) and all(_is_queue(*item) for item in v.items()),
        f"must be a dict of queue names by {', '.join(PRIORITY_LEVELS)}",
    ),
    "SCOPES": (
        lambda v: (
            isinstance(v, Mapping)
            and all(k in ("user", "device") for k in v)
            and all(_is_text(source) or callable(source) for source in v.values())
        ),
        'must be a dict of names, dotted paths or functions by "user" and "device"',
    ),
    "REDIS_URL": (
        lambda v: v is None or (_is_text(v) and v.startswith(_URLS)),
        'must be None or like "redis://127.0.0.1:6379/1"',
    ),
}
"""What a value must be, where that is more than being of its default's type, and how to say it."""


def _value_problem(key: str, value: Any, template: Any) -> str | None:
    """Why value cannot stand where template (the default) stands, or None."""
    if key in _FORMS:
        fits, form = _FORMS[key]
        return None if fits(value) else form
    if isinstance(template, bool):
        return None if isinstance(value, bool) else "must be True or False"
    if isinstance(template, int | float):
        good = isinstance(value, int | float) and not isinstance(value, bool)
        good = good and value > 0 and math.isfinite(value)
        return None if good else "must be a number above 0"
    if isinstance(template, str):
        return None if isinstance(value, str) and value else "must be a non-empty string"
    if isinstance(template, Mapping):
        return None if isinstance(value, Mapping) else "must be a dict"
    return None


_CHOICES = {"MODE": MODES, "AUTO_RETRY": AUTO_RETRIES, "LEDGER": LEDGERS, "BROKER_TAKE": TAKES}


def _read_section(name: str, raw: Any, problems: list[Problem], **given: Any) -> Any:
    """One nested dataclass from its dict; every unusable key is a problem and keeps its default."""
    cls = _SECTIONS[name]
    known = {f.name.upper(): f.name for f in fields(cls) if f.metadata.get("is_key", True)}
    if not isinstance(raw, Mapping):
        problems.append(
            Problem(
                f"REDRIVE[{name!r}] must be a dict, not {type(raw).__name__}.", f"Keys: {', '.join(known)}."
            )
        )
        raw = {}
    values: dict[str, Any] = dict(given)
    default = cls(**given)
    for key, value in raw.items():
        label = f"REDRIVE[{name!r}][{key!r}]"
        if key not in known:
            problems.append(Problem(f"Unknown setting {label}.", did_you_mean(str(key), list(known))))
            continue
        wrong = _value_problem(key, value, getattr(default, known[key]))
        if wrong:
            problems.append(
                Problem(f"{label} {wrong}, not {value!r}.", f"Default: {getattr(default, known[key])!r}.")
            )
            continue
        values[known[key]] = (
            Path(value) if key == "DIRECTORY" else tuple(value) if isinstance(value, list) else value
        )
    return cls(**values)


def read_settings(raw: Any) -> tuple[Settings, list[Problem]]:
    """Settings made of raw (the dict ``REDRIVE``), and what in it could not be used."""
    problems: list[Problem] = []
    if not isinstance(raw, Mapping):
        problems.append(
            Problem(f"REDRIVE must be a dict, not {type(raw).__name__}.", "Write REDRIVE = {...}.")
        )
        raw = {}
    known = {f.name.upper(): f.name for f in fields(Settings)}
    values: dict[str, Any] = {}
    default = Settings()
    for key, value in raw.items():
        label = f"REDRIVE[{key!r}]"
        if key not in known:
            problems.append(Problem(f"Unknown setting {label}.", did_you_mean(str(key), list(known))))
        elif key in _SECTIONS:
            continue
        elif key in _CHOICES and value not in _CHOICES[key]:
            problems.append(
                Problem(f"{label} is {value!r}.", f"Use one of {', '.join(map(repr, _CHOICES[key]))}.")
            )
        elif wrong := _value_problem(key, value, getattr(default, known[key])):
            problems.append(Problem(f"{label} {wrong}, not {value!r}.", "Leave it out for the default."))
        else:
            values[known[key]] = value
    for name in ("MASKING", "RETENTION", "KEEPER", "COSTS", "PAYLOAD"):
        values[name.lower()] = _read_section(name, raw.get(name, {}), problems)
    directory = _default_directory(
        values.get("namespace", default.namespace), values.get("database", default.database)
    )
    spill = _read_section("SPILL", raw.get("SPILL", {}), problems, directory=directory)
    values["spill"] = replace(spill, own=spill.directory == directory)
    return Settings(**values), problems


@lru_cache(maxsize=1)
def _load() -> tuple[Settings, tuple[Problem, ...]]:
    from django.conf import settings
    from django.core.signals import setting_changed

    settings_object, problems = read_settings(getattr(settings, "REDRIVE", {}))
    setting_changed.connect(_on_setting_changed, dispatch_uid="redrive.conf", weak=False)
    return settings_object, tuple(problems)


_listeners: list[Callable[[], None]] = []


def on_reload(listener: Callable[[], None]) -> None:
    """Call listener whenever the settings were changed (``override_settings``), so that caches can be dropped."""
    _listeners.append(listener)


def _on_setting_changed(*, setting: str, **_: Any) -> None:
    if setting in ("REDRIVE", "DATABASES"):
        _load.cache_clear()
        _mode.forget()
        for listener in _listeners:
            listener()


def get_settings() -> Settings:
    """The settings in force. Cached; thread-safe."""
    return _load()[0]


def settings_problems() -> tuple[Problem, ...]:
    """What in ``REDRIVE`` could not be used (for the system checks)."""
    return _load()[1]


class _Mode:
    """The mode in force: a switch file in the spill directory wins over the setting, so that it can be changed
    while workers run. The file is looked at once a second at most (one ``stat``-sized read)."""

    def __init__(self) -> None:
        self._until = 0.0
        self._value = "on"
        self._said = False

    def forget(self) -> None:
        self._until = 0.0

    def get(self) -> str:
        now = time.monotonic()
        if now >= self._until:
            self._until = now + 1.0
            self._value = self._read()
        return self._value

    def _read(self) -> str:
        try:
            text = switch_file().read_text().strip()
        except (OSError, ValueError):
            return get_settings().mode
        if text not in MODES:
            return get_settings().mode
        if unsafe := spill_unsafe():
            if not self._said:
                logger.error("redrive: the mode switch is not followed: %s", unsafe)
            self._said = True
            return get_settings().mode
        return text


_mode = _Mode()


def spill_unsafe() -> Unsafe | None:
    """Why the spill directory, as it is now, must not be used, and what to type; None if it may be."""
    spill = get_settings().spill
    return why_unsafe(spill.directory, own=spill.own)


def switch_file() -> Path:
    """The file that overrides ``MODE`` on this machine (written by ``manage.py redrive mode`` and the keeper)."""
    return get_settings().spill.directory / "mode"


def get_mode() -> str:
    """``off``, ``observe`` or ``on``, as switched by an operator or else as set. At most one second old."""
    return _mode.get()


def forget_mode() -> None:
    """Look at the switch file again on the next call."""
    _mode.forget()
