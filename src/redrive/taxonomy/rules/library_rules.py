"""How the library tables write their rules down."""

from __future__ import annotations

from redrive.taxonomy.rules.rule import ClassRule, one_of
from redrive.taxonomy.types import FailureType as F


def library_rules(
    library: str,
    source: str,
    rows: tuple[tuple[str, F, float, bool | None, str], ...],
    *,
    wrapper: bool = False,
) -> tuple[ClassRule, ...]:
    return tuple(
        ClassRule(
            id=f"class.{library}.{name}",
            names=tuple(
                name_ if ":" in name_ or "." in name_ else f"{library}:{name_}" for name_ in one_of(names)
            ),
            says=says,
            trust=trust,
            retry=retry,
            source=source,
            wrapper=wrapper,
        )
        for name, says, trust, retry, names in rows
    )
