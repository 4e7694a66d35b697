"""Which of two thousand fragments occur in a message, without looking for each of them.

Every fragment is filed under four of its letters in a row, those that the fewest others share. A message can only hold
the fragments filed under letters that it has; each of these few is then looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from redrive.taxonomy.rules.rule import TextRule

_LETTERS = 4
_Entry = tuple[int, int, str]
"""Place of the rule, place of the fragment in it, the fragment."""


class TextIndex:
    """The fragments of some rules, in the rules' order. Read-only after construction."""

    def __init__(self, rules: Sequence[TextRule]) -> None:
        entries = [
            (place, number, fragment)
            for place, rule in enumerate(rules)
            for number, fragment in enumerate(rule.any_of)
        ]
        shared = Counter(gram for _, _, fragment in entries for gram in _grams(fragment))
        self._rules = tuple(rules)
        self._short = tuple(entry for entry in entries if len(entry[2]) < _LETTERS)
        filed: dict[str, list[_Entry]] = {}
        for entry in entries:
            if len(entry[2]) >= _LETTERS:
                rarest = min(sorted(_grams(entry[2])), key=shared.__getitem__)
                filed.setdefault(rarest, []).append(entry)
        self._filed = {gram: tuple(found) for gram, found in filed.items()}

    def matches(self, text: str) -> list[tuple[TextRule, str]]:
        """Rules with a fragment in ``text``, in their order, each with its first such fragment."""
        found = [entry for entry in self._short if entry[2] in text]
        look = self._filed.get
        for start in range(len(text) - _LETTERS + 1):
            entries = look(text[start : start + _LETTERS])
            if entries is not None:
                found.extend([entry for entry in entries if entry[2] in text])
        found.sort()
        rules = self._rules
        answer: list[tuple[TextRule, str]] = []
        last = -1
        for place, _, fragment in found:
            if place != last:
                answer.append((rules[place], fragment))
                last = place
        return answer


def _grams(text: str) -> set[str]:
    return {text[start : start + _LETTERS] for start in range(len(text) - _LETTERS + 1)}
