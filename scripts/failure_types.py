"""Write docs/failure-types.md from the taxonomy's rules: `python scripts/failure_types.py [--check]`.

`--check` writes nothing and exits with 1 if the page is not what the rules say.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "failure-types.md"
sys.path[:0] = [str(ROOT / "src")]

from redrive.taxonomy import REMEDIES, FailureType  # noqa: E402 - needs the path above
from redrive.taxonomy.rules import (  # noqa: E402
    ALL,
    ClassRule,
    CodeRule,
    FamilyRule,
    FrameRule,
    NameRule,
    Rule,
    TextRule,
)

READERS: tuple[tuple[type[Rule], str, str], ...] = (
    (CodeRule, "Codes", "numbers and words that a server or a system states about itself"),
    (ClassRule, "Classes", "the exception's class or the nearest base that is known, by name"),
    (NameRule, "Names of unknown classes", "parts of the names of classes that nobody listed"),
    (TextRule, "Texts", "the message, output of a child, the body of an answer"),
    (FrameRule, "Places", "the library code that it was raised in"),
    (FamilyRule, "Kinds of library", "the last resort, when nothing else is known"),
)
SHOWN = 12
"""Readings shown per rule; the rest is counted."""
INTRODUCTION = """\
# Failure types

Made by `make docs` from the rules in `src/redrive/taxonomy/rules`: change them, not this page.

Every failure gets one of these types. `manage.py redrive classify FILE` says what a traceback gets, and why.
Retry says whether the same call plausibly succeeds later without anybody acting; some rules know better, and say so.

## The types
"""
HOW = """
## How a type is found

1. What an operator said of failures with the same fingerprint decides.
2. Then the project's own rules (`REDRIVE["RULES"]`, `@redrive.taxonomy.rule`).
3. Then the rules below. Each has a trust, 0 to 1; what an exception *behind* the first one says counts a little less.
   The strongest decides, and all are kept as evidence with their source.
4. What the caller knows may turn the answer: whether a service is ours (`DOWNSTREAMS`), that the kernel ended a worker
   for lack of memory, that a missing row had been created a moment ago.
"""


def readings(rule: Rule) -> str:
    """What a rule looks for, in a table's cell."""
    found: tuple[str, ...] = ()
    if isinstance(rule, CodeRule):
        found = rule.codes
    elif isinstance(rule, ClassRule):
        found = tuple(name.removeprefix(":") for name in rule.names)
    elif isinstance(rule, NameRule):
        found = rule.words
    elif isinstance(rule, TextRule):
        found = rule.any_of
    elif isinstance(rule, FrameRule):
        found = rule.places
    elif isinstance(rule, FamilyRule):
        found = tuple(sorted(rule.families))
    shown = ", ".join(f"`{cell(reading.strip() or reading)}`" for reading in found[:SHOWN])
    space = f"{rule.space} " if isinstance(rule, CodeRule) else ""
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return f"{space}{shown}{more}"


def cell(text: str) -> str:
    """Text that breaks neither a table nor a code span."""
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")


def retry_words(retry: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[retry]


def page() -> str:
    """The whole page."""
    lines = [INTRODUCTION, "| type | retry | first wait | what to do | in words |", "|---|---|---|---|---|"]
    for kind in FailureType:
        remedy = REMEDIES[kind]
        wait = f"{remedy.delay_seconds:,.0f} s" if remedy.retry else "–"
        actions = ", ".join(action.value for action in remedy.actions)
        words = cell(remedy.sentence.replace(" ({what})", ""))
        lines.append(f"| `{kind.value}` | {'yes' if remedy.retry else 'no'} | {wait} | {actions} | {words} |")
    lines.append(HOW)
    lines.append(f"## The {len(ALL)} rules\n")
    for reader, title, words in READERS:
        rules = [rule for rule in ALL if isinstance(rule, reader)]
        lines.append(f"### {title}\n\n{len(rules)} rules that read {words}.\n")
        lines.append("| says | trust | retry | reads | rule | known from |")
        lines.append("|---|---|---|---|---|---|")
        by_type: dict[FailureType, list[Rule]] = defaultdict(list)
        for rule in rules:
            by_type[rule.says].append(rule)
        for kind in FailureType:
            for rule in sorted(by_type[kind], key=lambda rule: (-rule.trust, rule.id)):
                lines.append(
                    f"| `{kind.value}` | {rule.trust:g} | {retry_words(rule.retry)} | {readings(rule)} |"
                    f" `{rule.id}` | {cell(rule.source)} |"
                )
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: list[str]) -> int:
    text = page()
    if "--check" in arguments:
        return 0 if PAGE.exists() and PAGE.read_text("utf-8") == text else 1
    PAGE.write_text(text, "utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(ALL)} rules")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
