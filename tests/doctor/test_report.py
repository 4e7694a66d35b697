"""Order, exit codes, JSON and text of findings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from redrive.doctor import IDS, Finding, Severity, examine, exit_code, to_dict, to_lines
from tests.doctor.systems import WELL, backlog, database, project, task

_DOCS = Path(__file__).parents[2] / "docs" / "doctor.md"


def _finding(severity: Severity) -> Finding:
    return Finding(id="tasks.none", severity=severity, saw="Nothing.", means="Much.", remedy="Type: this")


@pytest.mark.parametrize(
    ("severities", "plain", "strict"),
    [
        ([], 0, 0),
        ([Severity.OK, Severity.INFO], 0, 0),
        ([Severity.OK, Severity.WARNING], 0, 1),
        ([Severity.WARNING, Severity.ERROR], 2, 2),
    ],
)
def test_exit_code_says_how_bad_it_is(severities: list[Severity], plain: int, strict: int) -> None:
    findings = [_finding(severity) for severity in severities]

    assert exit_code(findings, strict=False) == plain
    assert exit_code(findings, strict=True) == strict


def test_worst_comes_first() -> None:
    facts = task(database(project(debug=True), read_only=True), time_limit=None)

    seen = [finding.severity for finding in examine(facts) if finding.severity != Severity.OK]

    assert seen == [Severity.ERROR, Severity.WARNING, Severity.INFO]


def test_ignored_ids_are_left_out_and_do_not_count() -> None:
    facts = backlog(overdue=1)

    assert exit_code(examine(facts), strict=False) == 2
    assert exit_code(examine(facts, ignore=["backlog.overdue"]), strict=False) == 0


def test_json_form() -> None:
    findings = [_finding(Severity.WARNING), Finding(id="tasks.uncovered", severity=Severity.OK, saw="All.")]

    assert to_dict(findings, strict=True) == {
        "version": 1,
        "exit_code": 1,
        "counts": {"error": 0, "warning": 1, "info": 0, "ok": 1},
        "findings": [
            {
                "id": "tasks.none",
                "severity": "warning",
                "saw": "Nothing.",
                "means": "Much.",
                "remedy": "Type: this",
            },
            {"id": "tasks.uncovered", "severity": "ok", "saw": "All.", "means": "", "remedy": ""},
        ],
    }


def test_text_form() -> None:
    findings = [_finding(Severity.WARNING), Finding(id="tasks.uncovered", severity=Severity.OK, saw="All.")]

    assert to_lines(findings) == [
        "WARNING  tasks.none",
        "  Nothing.",
        "  Means: Much.",
        "  Do:    Type: this",
        "",
        "ok       All.",
        "",
        "no errors, 1 warning, no notes; 1 well. Every id is explained in docs/doctor.md.",
    ]


def test_documentation_explains_every_id_and_no_other() -> None:
    explained = re.findall(r"^\| `([a-z]+\.[a-z-]+)` \|", _DOCS.read_text(), re.MULTILINE)

    assert sorted(explained) == sorted(IDS)


def test_healthy_system_ends_with_zero_even_if_strict() -> None:
    assert exit_code(examine(WELL), strict=True) == 0
