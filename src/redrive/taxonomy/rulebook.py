"""Rules arranged for looking up: by code, by class, by text. Built once, then only read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from redrive.taxonomy.reading import Reading
from redrive.taxonomy.rules import families
from redrive.taxonomy.rules.rule import (
    ClassRule,
    CodeRule,
    FamilyRule,
    FrameRule,
    NameRule,
    Rule,
    TextRule,
)
from redrive.taxonomy.text_index import TextIndex
from redrive.taxonomy.words import has_any

_MAX_REMEMBERED_CLASSES = 1024
_CHILD_TRACEBACK = "traceback (most recent call last)"
_LAST_LINE = re.compile(r"^(?:\w{1,60}\.){0,6}([A-Z]\w{2,60})(?:: |$)")
_HIDDEN = re.compile(r"\b(?:state=finished|Dependency [\w-]{1,60}) raised ([A-Z]\w{2,60})\b")


class Hit(NamedTuple):
    """A rule that fired and the text it fired on. (A tuple: several are made per failure, in a third of the time.)"""

    rule: Rule
    found: str
    discount: float = 0.0
    """Taken off the rule's trust, for what was found only by way of a distant base class."""


class RuleBook:
    """Finds the rules that fire on one exception. Safe to share between threads after construction."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._codes: dict[tuple[str, str], CodeRule] = {}
        self._classes: dict[str, ClassRule] = {}
        self._names: list[NameRule] = []
        self._texts: list[TextRule] = []
        self._frames: list[FrameRule] = []
        self._families: dict[str, FamilyRule] = {}
        for rule in rules:
            if isinstance(rule, CodeRule):
                for code in rule.codes:
                    self._codes.setdefault((rule.space, code), rule)
            elif isinstance(rule, ClassRule):
                for name in rule.names:
                    self._classes.setdefault(name, rule)
            elif isinstance(rule, NameRule):
                self._names.append(rule)
            elif isinstance(rule, TextRule):
                self._texts.append(rule)
            elif isinstance(rule, FrameRule):
                self._frames.append(rule)
            elif isinstance(rule, FamilyRule):
                self._families.update(dict.fromkeys(rule.families, rule))
        self._texts.sort(key=lambda rule: -rule.trust)
        # Text rules by the kind of library they apply to, so that most are never looked at.
        kinds = {kind for rule in self._texts for kind in rule.families} | {""}
        self._texts_of = {
            kind: TextIndex([rule for rule in self._texts if not rule.families or kind in rule.families])
            for kind in kinds
        }
        self._general = TextIndex([rule for rule in self._texts if not rule.families])
        self._remembered: dict[tuple[str, ...], tuple[Hit, ...]] = {}

    def hits(self, reading: Reading) -> list[Hit]:
        """Every reader's strongest finding on this exception, in no particular order."""
        found: list[Hit] = []
        found.extend(self._code_hits(reading))
        found.extend(self._class_hits(reading))
        if "raised " in reading.text:
            found.extend(self._hidden_class_hits(_HIDDEN.search(reading.facts.message)))
        if _CHILD_TRACEBACK in reading.text:
            found.extend(self._hidden_class_hits(_last_line_of_child(reading)))
        text = self._text_hit(reading)
        if text is not None:
            found.append(text)
        frame = self._frame_hit(reading)
        if frame is not None:
            found.append(frame)
        family = self._families.get(reading.family)
        if family is not None:
            found.append(Hit(family, f"{reading.family} library"))
        return found

    def _code_hits(self, reading: Reading) -> Iterable[Hit]:
        codes = self._codes
        for space, code, found in reading.codes:
            rule = codes.get((space, code))
            if rule is None and space == "sqlstate":
                rule = codes.get((space, code[:2]))
            if rule is not None:
                yield Hit(rule, f"{space} {found}" if found == code else found)
        if reading.status:
            space = "ownhttp" if reading.family in families.OWN_DATA else "http"
            rule = codes.get((space, str(reading.status)))
            if rule is None and reading.status >= 500:
                rule = codes.get((space, "500"))
            elif rule is None and reading.status >= 400:
                rule = codes.get((space, "400"))
            if rule is not None:
                yield Hit(rule, f"status {reading.status}")

    def _class_hits(self, reading: Reading) -> tuple[Hit, ...]:
        mro = reading.facts.mro
        known = self._remembered.get(mro)
        if known is None:
            known = self._class_hits_of(mro)
            if (
                len(self._remembered) >= _MAX_REMEMBERED_CLASSES
            ):  # classes made on the fly must not grow memory
                self._remembered.clear()
            self._remembered[mro] = known
        return known

    def _class_hits_of(self, mro: tuple[str, ...]) -> tuple[Hit, ...]:
        found: list[Hit] = []
        nearest: ClassRule | None = None
        for name in mro:
            nearest = self._class_rule(name)
            if nearest is not None:
                # A library's own class that derives from ValueError or KeyError is more than that.
                borrowed = name.startswith("builtins.") and not mro[0].startswith("builtins.")
                found.append(Hit(nearest, name, 0.08 if borrowed else 0.0))
                break
        for level, name in enumerate(mro):
            if name.startswith("builtins."):
                break
            if nearest is not None and found[0].found == name and not nearest.wrapper and nearest.trust > 0.6:
                break
            named = self._name_rule(name.rpartition(".")[2].lower())
            if named is not None:
                found.append(Hit(named, name, 0.03 * min(level, 4)))
                break
        return tuple(found)

    def _hidden_class_hits(self, match: re.Match[str] | None) -> Iterable[Hit]:
        """The class that is only named: by a wrapper (tenacity, Celery chords), or by a child's last words."""
        if match is None:
            return
        name = match[1]
        rule = self._class_rule(f"builtins.{name}") or self._name_rule(name.lower())
        if rule is not None:
            yield Hit(rule, name, 0.05)

    def _class_rule(self, name: str) -> ClassRule | None:
        rule = self._classes.get(name)
        if rule is not None:
            return rule
        parts = name.split(".")
        parts[0] = families.SAME_CLASSES_AS.get(parts[0], parts[0])
        simple = parts[-1]
        for length in range(min(len(parts) - 1, 3), 0, -1):
            rule = self._classes.get(f"{'.'.join(parts[:length])}:{simple}")
            if rule is not None:
                return rule
        return self._classes.get(f":{simple}")

    def _name_rule(self, simple: str) -> NameRule | None:
        clean = simple.replace("_", "")
        best: NameRule | None = None
        for rule in self._names:
            if (best is None or rule.trust > best.trust) and any(
                clean.startswith(word[1:]) if word[0] == "^" else word in clean for word in rule.words
            ):
                best = rule
        return best

    def _text_hit(self, reading: Reading) -> Hit | None:
        kind = reading.family or ("" if reading.origin not in families.REMOTE else reading.origin)
        text = reading.text
        for rule, fragment in self._texts_of.get(kind, self._general).matches(text):
            if rule.also and not has_any(rule.also, text):
                continue
            if rule.unless and has_any(rule.unless, text):
                continue
            if rule.classes and not any(
                name.rpartition(".")[2] in rule.classes for name in reading.facts.mro
            ):
                continue
            if rule.pattern is not None and rule.pattern.search(text) is None:
                continue
            if rule.spelled is not None and rule.spelled.search(reading.facts.message) is None:
                continue
            return Hit(rule, fragment)
        return None

    def _frame_hit(self, reading: Reading) -> Hit | None:
        frames = reading.facts.frames
        if not frames or not self._frames:
            return None
        names = {name.rpartition(".")[2] for name in reading.facts.mro}
        best: Hit | None = None
        for rule in self._frames:
            if (best is not None and best.rule.trust >= rule.trust) or (
                rule.classes and not rule.classes & names
            ):
                continue
            for frame in frames[-rule.depth :]:
                place = f"{frame.file}:{frame.function}"
                if not frame.project and any(part in place for part in rule.places):
                    best = Hit(rule, place)
                    break
        return best


def _last_line_of_child(reading: Reading) -> re.Match[str] | None:
    """The exception that ended a child process whose traceback was captured."""
    for name in ("stderr", "output"):
        text = reading.facts.attrs.get(name)
        if isinstance(text, str) and _CHILD_TRACEBACK in text.lower():
            return _LAST_LINE.match(text.rstrip().rpartition("\n")[2])
    return None
