"""Rules that a project adds: as dicts in its settings, or as decorated functions. They are tried before ours.

A dict names conditions, all of which must hold::

    {"says": "PERMANENT_LOGIC", "class": "shop.errors.OutOfStock"}
    {"says": "TRANSIENT_RATE_LIMIT", "text": "quota of the day", "task": "billing.*", "retry": True}
    {"says": "PERMANENT_VALIDATION", "code": "sqlstate P0001"}

A function decides what no dict can say. It sees facts, not the exception, because a keeper may have to decide for
a worker that has died::

    @rule("EXTERNAL_API_DOWN", classes="requests.exceptions.SSLError")
    def bank_at_night(facts, context):
        return "bank.example" in facts.message
"""

from __future__ import annotations

import difflib
import fnmatch
import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

from redrive.taxonomy.facts import ExceptionFacts
from redrive.taxonomy.reading import Reading
from redrive.taxonomy.rules.rule import Rule
from redrive.taxonomy.types import FailureType, Scalar

Test = Callable[[ExceptionFacts, Mapping[str, Scalar]], bool]
T = TypeVar("T", bound=Callable[..., Any])

TRUST = 0.98
"""Trust of a rule that states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRule(Rule):
    """A rule of the project. Every condition that is given must hold; of its alternatives one.

    Attributes:
        classes: Names of the exception's class or of a base of it, dotted (``shop.errors.OutOfStock``) or simple.
        texts: Fragments of the message (and of bodies and outputs), in lower case.
        codes: ``space code`` as evidence shows them: ``http 418``, ``sqlstate P0001``, ``errno 5``.
        tasks: Patterns (``*``, ``?``) of task names.
        test: A function of facts and context; one that raises has not said yes.
    """

    classes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    test: Test | None = None

    def found(self, reading: Reading, context: Mapping[str, Scalar]) -> str | None:
        """What the rule fired on, or None. Never raises."""
        facts = reading.facts
        looks = (
            (self.tasks, _task(self.tasks, context)),
            (self.classes, _class(self.classes, facts)),
            (self.codes, _code(self.codes, reading)),
            (self.texts, next((text for text in self.texts if text in reading.text), None)),
        )
        if any(wanted and what is None for wanted, what in looks):
            return None
        seen = [what for wanted, what in looks if wanted and what is not None]
        if self.test is not None:
            try:
                if not self.test(facts, context):
                    return None
            except Exception:
                return None
            seen.append(facts.exception_type)
        return ", ".join(dict.fromkeys(seen))


def _task(patterns: Sequence[str], context: Mapping[str, Scalar]) -> str | None:
    name = context.get("task_name")
    fits = isinstance(name, str) and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    return str(name) if fits else None


def _class(names: Sequence[str], facts: ExceptionFacts) -> str | None:
    for known in facts.mro:
        if known in names or known.rpartition(".")[2] in names or known.removeprefix("builtins.") in names:
            return known
    return None


def _code(codes: Sequence[str], reading: Reading) -> str | None:
    stated = [f"{space} {code}" for space, code, _ in reading.codes]
    if reading.status:
        stated.append(f"http {reading.status}")
    lowered = {code.lower() for code in stated}
    return next((code for code in codes if code.lower() in lowered), None)


@dataclass(slots=True)
class Registry:
    """Rules by name, in the order in which they came. One of the same name replaces the one before."""

    rules: tuple[ProjectRule, ...] = field(default=())

    def add(self, new: ProjectRule) -> None:
        """Take a rule in, or its newer version."""
        self.rules = (*(known for known in self.rules if known.id != new.id), new)


decorated = Registry()
"""What :func:`rule` has decorated in this process."""


def rule(
    says: FailureType | str,
    *,
    classes: str | Iterable[str] = (),
    texts: str | Iterable[str] = (),
    codes: str | Iterable[str] = (),
    tasks: str | Iterable[str] = (),
    retry: bool | None = None,
    trust: float = TRUST,
    registry: Registry = decorated,
) -> Callable[[T], T]:
    """Let a function ``(facts, context) -> bool`` decide that a failure is of type ``says``.

    Args:
        says: The type, or its name.
        classes: As in :class:`ProjectRule`; conditions that are looked at before the function is asked.
        texts: The same.
        codes: The same.
        tasks: The same.
        retry: Whether the unchanged call plausibly succeeds later; None takes the type's default.
        trust: 0..1, the confidence of the answer.
        registry: Where it is kept; for tests.

    Raises:
        ValueError: There is no such type, or the trust is no share.
    """

    def decorate(function: T) -> T:
        name = f"{function.__module__}.{function.__qualname__}"
        registry.add(
            ProjectRule(
                id=f"project.{function.__qualname__}",
                says=_type(says),
                trust=_share(trust),
                source=name,
                retry=retry,
                classes=_words(classes, "classes"),
                texts=tuple(text.lower() for text in _words(texts, "texts")),
                codes=_words(codes, "codes"),
                tasks=_words(tasks, "tasks"),
                test=function,
            )
        )
        return function

    _type(says), _share(trust)  # at once, where the mistake stands
    return decorate


_KEYS = {"class": "classes", "text": "texts", "code": "codes", "task": "tasks"}
_OTHERS = ("id", "says", "retry", "trust", "source")


def parse_rules(raw: Sequence[Any]) -> tuple[ProjectRule, ...]:
    """The list of the settings as rules: dicts, and dotted paths of dicts, of lists of them, of decorated functions.

    Functions, and modules that hold some, are only imported: their decorators have told the registry then.

    Raises:
        ValueError: Saying which one cannot be used and why.
    """
    found: list[ProjectRule] = []
    for number, entry in enumerate(raw, 1):
        named = _import(entry) if isinstance(entry, str) else entry
        if callable(named) or isinstance(named, ModuleType):
            continue
        for item in named if isinstance(named, list | tuple) else (named,):
            found.append(item if isinstance(item, ProjectRule) else parse_rule(item, number))
    return tuple(found)


def _import(path: str) -> Any:
    """A module, or what a dotted path names in one. Raises ValueError with the reason."""
    module, _, name = path.rpartition(".")
    try:
        if importlib.util.find_spec(path) is not None:
            return importlib.import_module(path)
    except ModuleNotFoundError:
        pass  # its parent is a module without that sub-module, so the last word is a name in it
    except Exception as broken:
        raise ValueError(f"{path!r} cannot be imported: {broken}") from broken
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as broken:
        raise ValueError(f"{path!r} cannot be imported: {broken}") from broken


def parse_rule(raw: Any, number: int) -> ProjectRule:
    """A dict of the settings as a rule.

    Args:
        raw: ``says`` and at least one of ``class``, ``text``, ``code``, ``task`` (each one or a list); may have
            ``id``, ``retry``, ``trust`` and ``source``.
        number: Its place in the list, from 1, for its name and for messages.

    Raises:
        ValueError: Saying what is wrong, with the closest known name.
    """
    place = f"rule {number}"
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place} must be a dict or a dotted path, not {type(raw).__name__}")
    known = [*_KEYS, *_OTHERS]
    for key in raw:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}" if close else f"known are {', '.join(known)}"
            raise ValueError(f"{place} has the unknown key {key!r}; {hint}")
    if "says" not in raw:
        raise ValueError(f"{place} lacks 'says', the failure type")
    conditions = {name: _words(raw.get(key, ()), key) for key, name in _KEYS.items()}
    if not any(conditions.values()):
        raise ValueError(f"{place} has no condition; give one of {', '.join(_KEYS)}")
    retry = raw.get("retry")
    if retry is not None and not isinstance(retry, bool):
        raise ValueError(f"{place}: 'retry' must be True, False or None")
    try:
        says, trust = _type(raw["says"]), _share(raw.get("trust", TRUST))
    except ValueError as wrong:
        raise ValueError(f"{place}: {wrong}") from None
    return ProjectRule(
        id=f"project.{raw.get('id') or number}",
        says=says,
        trust=trust,
        retry=retry,
        source=str(raw.get("source") or f'REDRIVE["RULES"], {place}'),
        classes=conditions["classes"],
        texts=tuple(text.lower() for text in conditions["texts"]),
        codes=conditions["codes"],
        tasks=conditions["tasks"],
    )


def _type(says: Any) -> FailureType:
    if isinstance(says, FailureType):
        return says
    known = list(FailureType.__members__)
    if says not in known:
        close = difflib.get_close_matches(str(says).upper(), known, n=1)
        raise ValueError(
            f"there is no failure type {says!r}; "
            + (f"did you mean {close[0]!r}" if close else "see the list of types")
        )
    return FailureType(says)


def _share(trust: Any) -> float:
    if isinstance(trust, bool) or not isinstance(trust, int | float) or not 0 < trust <= 1:
        raise ValueError(f"trust must be a number above 0 and at most 1, not {trust!r}")
    return float(trust)


def _words(value: Any, name: str) -> tuple[str, ...]:
    words = (value,) if isinstance(value, str) else value
    if not isinstance(words, Iterable):
        raise ValueError(f"{name!r} must be text or a list of it")
    found = tuple(words)
    if not all(isinstance(word, str) and word for word in found):
        raise ValueError(f"{name!r} must be text or a list of it")
    return found
