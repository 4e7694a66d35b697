"""Which of two thousand fragments occur in a message, without looking for each of them.

Every fragment is filed twice under four of its letters in a row, those that the fewest others share: once beginning at
an even place of the fragment, once at an odd one. So only every second place of a message needs to be looked at. It can
only hold the fragments filed under letters that are there; each of these few is then looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from redrive.taxonomy.rules.rule import TextRule

_LETTERS = 4
_SHORTEST = _LETTERS + 1
"""Characters of the shortest fragment that has four letters in a row at an even place and at an odd one."""

_Gram = tuple[str, ...]
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
        shared = Counter(
            gram for _, _, fragment in entries for gram in {*_grams(fragment, 0), *_grams(fragment, 1)}
        )
        self._rules = tuple(rules)
        self._short = tuple(entry for entry in entries if len(entry[2]) < _SHORTEST)
        filed: dict[_Gram, list[_Entry]] = {}
        for entry in entries:
            if len(entry[2]) >= _SHORTEST:
                for gram in {min(_grams(entry[2], first), key=shared.__getitem__) for first in (0, 1)}:
                    filed.setdefault(gram, []).append(entry)
        self._filed = {gram: tuple(found) for gram, found in filed.items()}

    def matches(self, text: str) -> list[tuple[TextRule, str]]:
        """Rules with a fragment in ``text``, in their order, each with its first such fragment."""
        found = [entry for entry in self._short if entry[2] in text]
        for entries in filter(None, map(self._filed.get, _grams(text, 0))):
            for entry in entries:
                if entry[2] in text:
                    found.append(entry)  # they are few: a list for each gram costs more
        found.sort()
        rules = self._rules
        answer: list[tuple[TextRule, str]] = []
        last = -1
        for place, _, fragment in found:
            if place != last:
                answer.append((rules[place], fragment))
                last = place
        return answer


def _grams(text: str, first: int) -> Iterator[_Gram]:
    """Four letters in a row from each second place, the first at ``first``; `zip` makes them faster than slices."""
    even, odd = text[first::2], text[first + 1 :: 2]
    return zip(even, odd, even[1:], odd[1:], strict=False)
