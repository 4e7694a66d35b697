"""Facts to findings, findings to text, JSON and an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from redrive.doctor.examinations import EXAMINATIONS
from redrive.doctor.facts import Facts
from redrive.doctor.types import Finding, Severity

FORMAT = 1
"""Version of the JSON form."""
EXIT_WARNINGS, EXIT_ERRORS = 1, 2


def examine(facts: Facts, *, ignore: Iterable[str] = ()) -> list[Finding]:
    """Every finding, the worst first, in the order of the examinations within a severity.

    Args:
        facts: The live system.
        ignore: Ids that are left out.
    """
    left_out = frozenset(ignore)
    found = [
        finding
        for examination in EXAMINATIONS
        for finding in examination.look(facts)
        if finding.id not in left_out
    ]
    order = list(Severity)
    return sorted(found, key=lambda finding: order.index(finding.severity))


def exit_code(findings: Iterable[Finding], *, strict: bool) -> int:
    """2 with an error, 1 with a warning if strict, else 0."""
    seen = {finding.severity for finding in findings}
    if Severity.ERROR in seen:
        return EXIT_ERRORS
    return EXIT_WARNINGS if strict and Severity.WARNING in seen else 0


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each severity; every severity is there."""
    found = Counter(finding.severity for finding in findings)
    return {severity.value: found[severity] for severity in Severity}


def to_dict(findings: Sequence[Finding], *, strict: bool) -> dict[str, Any]:
    """The JSON-ready form: ``version``, ``exit_code``, ``counts``, ``findings``."""
    return {
        "version": FORMAT,
        "exit_code": exit_code(findings, strict=strict),
        "counts": counts(findings),
        "findings": [finding.to_dict() for finding in findings],
    }


def to_lines(findings: Sequence[Finding]) -> list[str]:
    """For a person: what was seen, what it means, what to type; a line for each thing that is well; a sum."""
    lines: list[str] = []
    for finding in findings:
        if finding.severity is Severity.OK:
            continue
        lines.append(f"{finding.severity.upper():<8} {finding.id}")
        lines.append(f"  {finding.saw}")
        lines += [f"  {label} {text}" for label, text in _explained(finding) if text]
        lines.append("")
    lines += [f"ok       {finding.saw}" for finding in findings if finding.severity is Severity.OK]
    found = counts(findings)
    lines += [
        "",
        f"{_some(found['error'], 'error')}, {_some(found['warning'], 'warning')}, {_some(found['info'], 'note')};"
        f" {found['ok']} well. Every id is explained in docs/doctor.md.",
    ]
    return lines


def _explained(finding: Finding) -> tuple[tuple[str, str], ...]:
    return (("Means:", finding.means), ("Do:   ", finding.remedy))


def _some(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
