"""The index of fragments finds what looking for each of them finds."""

from hypothesis import given
from hypothesis import strategies as st

from redrive.taxonomy.rules.rule import TextRule
from redrive.taxonomy.text_index import TextIndex
from redrive.taxonomy.types import FailureType

# Few letters: so fragments overlap, share their letters and lie at even and at odd places.
LETTERS = st.text("ab ", min_size=1, max_size=9)


def rule(number: int, fragments: list[str]) -> TextRule:
    return TextRule(
        id=f"text.{number}", says=FailureType.UNKNOWN, trust=0.5, source="a test", any_of=tuple(fragments)
    )


@given(
    st.lists(st.lists(LETTERS, min_size=1, max_size=4), min_size=1, max_size=12), st.text("abc ", max_size=60)
)
def test_it_finds_what_looking_for_each_finds(fragments: list[list[str]], text: str) -> None:
    rules = [rule(number, some) for number, some in enumerate(fragments)]
    expected = [
        (one, next(fragment for fragment in one.any_of if fragment in text))
        for one in rules
        if any(fragment in text for fragment in one.any_of)
    ]

    assert TextIndex(rules).matches(text) == expected


@given(st.integers(0, 7), st.integers(0, 7))
def test_it_finds_a_fragment_wherever_it_begins(before: int, after: int) -> None:
    only = rule(1, ["abcde"])

    assert TextIndex([only]).matches("x" * before + "abcde" + "y" * after) == [(only, "abcde")]
