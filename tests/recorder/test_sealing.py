"""With a codec nothing is stored in clear, and a codec that fails costs the message only."""

import logging
from pathlib import Path

import pytest

from redrive.dead_letters import Outcome
from redrive.payload import MessageSource, UnusableCodec, is_sealed
from redrive.recorder import FileSpill, Recorder
from redrive.recorder.sealing import protected
from redrive.stores.sql.connection import Database
from tests.stores.endings import failure, hold, row_of


class Backwards:
    def seal(self, clear: bytes) -> bytes:
        return clear[::-1]

    def open(self, sealed: bytes) -> bytes:
        return sealed[::-1]


def test_neither_the_row_nor_the_line_has_arguments_in_clear(database: Database, tmp_path: Path) -> None:
    spill = FileSpill(tmp_path, 1_000_000)
    recorder = Recorder(database, spill, Backwards)

    recorder.record(failure(args=["one"], kwargs={"card": "one"}))
    recorder.spill(failure(args=["one"], kwargs={"card": "one"}))

    row = row_of(database)
    assert is_sealed(row["content_type"])
    assert bytes(row["body"]) == b'[["one"], {}, {}]'[::-1]
    assert "sealed" in str(row["task_args"])
    assert "one" not in f"{row['task_args']}{row['task_kwargs']}{row['headers']}{row['properties']}"
    assert '"one"' not in (tmp_path / "spill.jsonl").read_text()


def test_a_codec_that_fails_leaves_a_dead_letter_that_says_so(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    codec = UnusableCodec("secret text")
    recorder = Recorder(database, FileSpill(tmp_path, 1_000_000), lambda: codec)

    recorded = recorder.record(failure())

    row = row_of(database)
    assert (recorded.where, recorded.retry, row["status"]) == ("sql", False, "PENDING")
    assert row["message_source"] == "none"
    assert row["decision"].startswith("REDRIVE['PAYLOAD']['CODEC'] could not seal its message (ValueError).")
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert "secret text" not in caplog.text


def test_a_failure_that_would_wait_counts_as_one_where_its_message_cannot_be_kept() -> None:
    codec = UnusableCodec("no key")

    failed = protected(hold(exception_type="ValueError"), codec)
    never_ran = protected(hold(exception_type=""), codec)

    assert (failed.outcome, never_ran.outcome) == (Outcome.FAILED, Outcome.HELD)
    for ending in (failed, never_ran):
        assert ending.message is not None
        assert ending.message.source is MessageSource.NONE
