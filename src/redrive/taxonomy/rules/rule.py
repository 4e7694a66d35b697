"""The shape of a rule. Rules are data: what they read, what it means, how much it counts, who says so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from redrive.taxonomy.types import FailureType


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule has.

    Attributes:
        id: Unique, ``reader.words``.
        says: The failure type it points at.
        trust: 0..1, share of cases in which this reading alone is right; the highest trust decides.
        retry: Whether the unchanged call plausibly succeeds later; None takes the type's default.
        source: Documentation, RFC or library source it rests on.
    """

    id: str
    says: FailureType
    trust: float
    source: str
    retry: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRule(Rule):
    """Reads a structured code: SQLSTATE, errno, HTTP status, a provider's error code.

    Attributes:
        space: Which numbering the codes belong to, ``sqlstate``, ``http``, ``aws``...
        codes: The codes as text, in the spelling of the space (provider codes in lower case).
    """

    space: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRule(Rule):
    """Reads the class and its bases; the nearest base that has a rule decides.

    Attributes:
        names: Dotted names, or ``package:Name`` for a class of that name anywhere below the package,
            or ``:Name`` for a class of that name anywhere.
        wrapper: The class says nothing itself: what it wraps decides, if that is known.
    """

    names: tuple[str, ...]
    wrapper: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NameRule(Rule):
    """Reads the words of a class name nobody listed, such as ``AcmeRateLimitError``.

    Attributes:
        words: Lower-case parts, any of which must occur in the class name; with ``^`` in front, begin it.
    """

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRule(Rule):
    """Reads the message (and subprocess output, response bodies, server replies), lower case.

    Attributes:
        any_of: Fragments, one of which must occur.
        also: Further fragments, one of which must occur too; empty for no condition.
        unless: Fragments of which none may occur.
        pattern: A regular expression that must also match; only with linear-time patterns.
        spelled: A regular expression on the message as it is written, for what capitals tell.
        families: Kinds of library (``families.py``) the exception must belong to; empty for any.
        classes: Simple class names, one of which the exception must have or derive from; empty for any.
    """

    any_of: tuple[str, ...]
    also: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    spelled: re.Pattern[str] | None = None
    families: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRule(Rule):
    """Reads only which kind of library the class comes from: the last resort.

    Attributes:
        families: Kinds of library (``families.py``).
    """

    families: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRule(Rule):
    """Reads where it was raised: which library code a built-in exception came out of.

    Attributes:
        places: Fragments of ``file:function``, one of which must occur in one of the innermost frames.
        classes: Simple class names, one of which the exception must have or derive from; empty for any.
        depth: How many innermost frames are looked at.
    """

    places: tuple[str, ...]
    classes: frozenset[str] = frozenset()
    depth: int = 4


def one_of(words: str) -> tuple[str, ...]:
    """``"a b"`` as ``("a", "b")``: keeps long tables of single words readable."""
    return tuple(words.split())


def unique_ids(rules: Iterable[Rule]) -> None:
    """Raise ValueError when two rules share an id: evidence must name one rule."""
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise ValueError(f"two rules are called {rule.id}")
        seen.add(rule.id)
