"""``manage.py redrive classify``: from a file and from stdin, for people and for programs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

TEXT = """\
[2026-11-22 07:00:00,123: ERROR/ForkPoolWorker-1] Task shop.tasks.pay[0c1b] raised unexpected: X
Traceback (most recent call last):
  File "/srv/shop/tasks.py", line 17, in pay
    charge(order)
ConnectionRefusedError: [Errno 111] no answer from https://shop:s3cret@bank.example/v1
"""


def classify(*arguments: str) -> str:
    out = io.StringIO()
    call_command("redrive", "classify", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "worker.log"
    path.write_text(TEXT)
    return str(path)


def test_file_is_explained_to_a_person(file: str) -> None:
    lines = classify(file).splitlines()

    assert lines[0].startswith("TRANSIENT_NETWORK, 9")
    assert "retry        yes, after 60 s" in lines
    assert "exception    ConnectionRefusedError" in lines
    assert any(line.startswith("fingerprint  1:") and "shop.tasks.pay" in line for line in lines)
    assert any("errno(3)" in line for line in lines)


def test_program_gets_everything_in_json(file: str) -> None:
    data = json.loads(classify(file, "--json"))

    assert (data["failure_type"], data["retry_recommended"]) == ("TRANSIENT_NETWORK", True)
    assert data["fingerprint"].startswith("1:")
    assert data["task_name"] == "shop.tasks.pay"
    assert data["evidence"][0]["source"]


def test_stdin_is_read_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("ValueError: Invalid data"))

    said = classify()

    assert said.startswith("PERMANENT_VALIDATION")
    assert "give it with --task" in said


def test_secrets_are_not_repeated(file: str) -> None:
    assert "s3cret" not in classify(file)
    assert "s3cret" not in classify(file, "--json")


def test_last_of_several_is_explained_and_the_number_told(file: str) -> None:
    with open(file, "a") as log:
        log.write("\nTraceback (most recent call last):\nMemoryError\n")

    said = classify(file)

    assert said.startswith("SYSTEM_OUT_OF_MEMORY")
    assert "The text has 2 failures; this is the last." in said


def test_text_without_an_exception_says_what_is_wanted(tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.log"
    quiet.write_text("all is well")

    with pytest.raises(CommandError, match="whole traceback"):
        classify(str(quiet))
    with pytest.raises(CommandError, match="cannot be read"):
        classify(str(tmp_path / "absent.log"))
