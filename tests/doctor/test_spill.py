"""The probe of the spill directory, and waiting for any probe."""

from __future__ import annotations

import socket
from pathlib import Path

from django.test import override_settings

from redrive.doctor.facts import Away, SpillFacts
from redrive.doctor.probes.bounded import Asked, reason_of
from redrive.doctor.probes.spill import filesystem_of, spill_facts


def _spill(directory: Path) -> SpillFacts:
    with override_settings(REDRIVE={"SPILL": {"DIRECTORY": str(directory), "MAX_BYTES": 1000}}):
        return spill_facts()


def test_spill_that_is_not_made_yet_can_be_made(tmp_path: Path) -> None:
    facts = _spill(tmp_path / "deep" / "spill")

    assert (facts.problem, facts.waiting_lines, facts.max_bytes) == ("", 0, 1000)
    assert facts.temporary
    assert facts.free_bytes > 0
    assert not (tmp_path / "deep").exists()


def test_spill_lines_are_counted_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "spill.jsonl").write_text('{"v": 1}\n{"v": 1}\n')
    (tmp_path / "rejected.jsonl").write_text("x\n")
    (tmp_path / "newer.jsonl").write_text("x\nx\nx\n")

    facts = _spill(tmp_path)

    assert (facts.waiting_lines, facts.waiting_bytes, facts.rejected_lines, facts.newer_lines) == (
        2,
        18,
        1,
        3,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "newer.jsonl",
        "rejected.jsonl",
        "spill.jsonl",
    ]


def test_spill_where_a_file_stands_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert "is not a directory" in _spill(tmp_path / "file" / "spill").problem


def test_spill_on_a_file_system_that_refuses_is_found_by_writing() -> None:
    facts = _spill(Path("/proc/self"))

    assert facts.problem
    assert facts.filesystem == "proc"


def test_filesystem_of_a_path_is_its_innermost_mount() -> None:
    assert filesystem_of(Path("/proc/self/status")) == "proc"
    assert filesystem_of(Path("/")) not in ("", "proc")


def test_question_that_hangs_is_given_up() -> None:
    left, right = socket.socketpair()

    answer = Asked(lambda: left.recv(1)).answer(0.05)

    right.close()
    left.close()
    assert answer == Away("no answer within 0 s")


def test_reason_names_the_kind_of_error_once() -> None:
    assert reason_of(ValueError("bad\n  input")) == "ValueError: bad input"
    assert reason_of(OSError()) == "OSError"
