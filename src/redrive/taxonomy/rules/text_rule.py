"""How the text tables write a rule down."""

from __future__ import annotations

import re

from redrive.taxonomy.rules.rule import TextRule
from redrive.taxonomy.types import FailureType as F

_ANY: frozenset[str] = frozenset()


def text_rule(
    name: str,
    says: F,
    trust: float,
    *any_of: str,
    also: tuple[str, ...] = (),
    unless: tuple[str, ...] = (),
    pattern: str = "",
    spelled: str = "",
    families: frozenset[str] = _ANY,
    classes: str = "",
    retry: bool | None = None,
    source: str = "messages of the servers and libraries concerned",
) -> TextRule:
    return TextRule(
        id=f"text.{name}",
        says=says,
        trust=trust,
        retry=retry,
        source=source,
        any_of=any_of,
        also=also,
        unless=unless,
        pattern=re.compile(pattern) if pattern else None,
        spelled=re.compile(spelled) if spelled else None,
        families=families,
        classes=frozenset(classes.split()),
    )
