"""``manage.py validate_schedules``: the project's schedule in, findings and an exit code out."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError
from django.db import DatabaseError

from redrive.api.schedules import Schedule, read_schedule
from redrive.schedules import Entry, Finding, Severity, check_duplicates, check_idempotency

CHECKS = ("idempotency", "duplicates")
"""The checks there are, in the order in which they are reported. Without a choice all of them run."""
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def load() -> Schedule:
    """The schedule of the project. Raises CommandError that says what to do."""
    try:
        return read_schedule()
    except LookupError as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        raise CommandError(f"The schedule in the database cannot be read: {error}") from error
    except Exception as error:
        raise CommandError(
            f"The project's tasks cannot be imported: {type(error).__name__}: {error}"
        ) from error


def chosen(entries: Sequence[Entry], wanted: str) -> Entry:
    """The entry with this number or name. Raises CommandError with the closest name."""
    for entry in entries:
        if wanted in (entry.name, str(entry.id)):
            return entry
    names = [entry.name for entry in entries]
    close = difflib.get_close_matches(wanted, names, n=1)
    hint = (
        f"Did you mean {close[0]!r}?"
        if close
        else "Names and numbers: manage.py validate_schedules --verbose"
    )
    raise CommandError(f"There is no schedule {wanted!r}. {hint}")


def find(schedule: Schedule, checks: Iterable[str], now: datetime) -> tuple[Finding, ...]:
    """What the checks find, the worst first; what several find about an entry is told once."""
    found: dict[tuple[str, tuple[str, ...]], Finding] = {}
    for check in checks:
        if check == "idempotency":
            findings = check_idempotency(schedule.entries, schedule.tasks, now)
        else:
            findings = check_duplicates(schedule.entries, now)
        for finding in findings:
            found.setdefault((finding.kind, finding.entries), finding)
    return tuple(sorted(found.values(), key=lambda f: (_ORDER[f.severity], f.kind, f.entries)))


def about(findings: Iterable[Finding], entry: Entry) -> tuple[Finding, ...]:
    """Those about one entry."""
    return tuple(finding for finding in findings if entry.name in finding.entries)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 if there is a fault; advice and what could not be judged are no faults."""
    return int(any(finding.severity is Severity.FAULT for finding in findings))


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """How many of each severity."""
    found = {severity.value: 0 for severity in Severity}
    for finding in findings:
        found[finding.severity.value] += 1
    return found


def to_dict(
    entries: Sequence[Entry], findings: Sequence[Finding], checks: Sequence[str], *, verbose: bool
) -> dict[str, Any]:
    """The report as JSON."""
    report: dict[str, Any] = {
        "version": 1,
        "checks": list(checks),
        "schedules": len(entries),
        "counts": counts(findings),
        "findings": [finding.to_dict() for finding in findings],
    }
    if verbose:
        report["entries"] = [
            {
                "name": entry.name,
                "id": entry.id,
                "task": entry.task,
                "when": entry.words,
                "source": entry.source,
                "enabled": entry.enabled,
            }
            for entry in entries
        ]
    return report


def to_lines(
    entries: Sequence[Entry], findings: Sequence[Finding], checks: Sequence[str], *, verbose: bool
) -> list[str]:
    """The report for people."""
    n = counts(findings)
    lines = [
        f"{len(entries)} schedules, checked for {' and '.join(checks)}:"
        f" {n['fault']} faults, {n['advice']} advice, {n['unknown']} not judged."
    ]
    for finding in findings:
        names = ", ".join(finding.entries)
        lines += [
            "",
            f"{finding.severity.value.upper():<8} {finding.kind}: {names} ({finding.task})",
            f"         {finding.words}",
            f"         {finding.fix}",
        ]
    if verbose:
        lines += ["", "Schedules"]
        faulty = {name for finding in findings for name in finding.entries}
        for entry in entries:
            state = "off" if not entry.enabled else "see above" if entry.name in faulty else "ok"
            number = f"{entry.source} {entry.id}" if entry.id is not None else entry.source
            lines.append(f"  {state:<10} {entry.name} ({number}): {entry.task}, {entry.words}")
    return lines


def report(
    checks: Sequence[str], now: datetime, *, schedule_id: str | None, as_json: bool, verbose: bool
) -> tuple[str, int]:
    """The text of a report and the exit code."""
    schedule = load()
    findings = find(schedule, checks, now)
    if schedule_id is not None:
        entry = chosen(schedule.entries, schedule_id)
        findings, schedule = about(findings, entry), replace(schedule, entries=(entry,))
    if as_json:
        text = json.dumps(to_dict(schedule.entries, findings, checks, verbose=verbose), indent=2)
    else:
        text = "\n".join(to_lines(schedule.entries, findings, checks, verbose=verbose))
    return text, exit_code(findings)
