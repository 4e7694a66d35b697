"""SQL first, else the spill, else it is said; never an exception."""

import logging
import os
import time
from pathlib import Path

import pytest
from django.db import transaction

from redrive.metrics import CounterKey, CounterTotals
from redrive.recorder import FileSpill, Recorder
from redrive.recorder import recorder as recorder_module
from redrive.stores.sql.connection import Database
from tests.servers import PostgresServer
from tests.stores.databases import on_postgres, on_sqlite
from tests.stores.endings import BEGAN, failure, hold, row_of, rows_of


@pytest.fixture
def lost(spill: FileSpill, as_in_production: None) -> Recorder:
    """A recorder whose database is an alias that nobody configured."""
    return Recorder(Database("nowhere"), spill)


def test_an_ending_goes_to_sql(recorder: Recorder, database: Database, spill: FileSpill) -> None:
    recorded = recorder.record(failure())

    assert (recorded.where, recorded.status) == ("sql", "RETRYING")
    assert row_of(database)["task_id"] == "t1"
    assert spill.state().waiting_lines == 0


@pytest.mark.parametrize(("ending", "retry"), [(failure(), True), (failure(retries=0), False)])
def test_with_sql_away_it_goes_to_the_spill(
    lost: Recorder, spill: FileSpill, ending: object, retry: bool, caplog: pytest.LogCaptureFixture
) -> None:
    recorded = lost.record(ending)  # type: ignore[arg-type]  # an Ending

    assert (recorded.where, recorded.retry) == ("spill", retry)
    assert spill.state().waiting_lines == 1
    assert "the database is away (ConnectionDoesNotExist" in caplog.text


def test_an_event_goes_to_sql_else_to_the_spill(
    recorder: Recorder, database: Database, lost: Recorder, spill: FileSpill
) -> None:
    event = {"actor": "breaker", "kind": "breaker-open", "subject": "bank", "reason": "", "numbers": {}}

    recorder.note(event, BEGAN)
    lost.note(event, BEGAN)

    assert len(rows_of(database, "SELECT * FROM redrive_event")) == 1
    assert spill.state().waiting_lines == 1


def test_a_task_without_a_message_does_not_count_on_running_again(lost: Recorder) -> None:
    assert lost.record(failure(message=None)).retry is False


def test_with_both_away_it_is_said_with_all_that_is_known(
    lost: Recorder, spill: FileSpill, caplog: pytest.LogCaptureFixture
) -> None:
    spill.directory.mkdir(parents=True)
    (spill.directory / "spill.jsonl").symlink_to("/dev/full")

    recorded = lost.record(failure())

    assert (recorded.where, recorded.retry) == ("nowhere", False)
    said = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    assert len(said) == 1
    assert (
        "shop.pay[t1] ended (ValueError: no) and could be stored neither in SQL nor in the spill"
        in said[0].message
    )
    assert "No space left on device" in said[0].message


def test_after_one_process_found_sql_away_none_asks_for_five_seconds(
    lost: Recorder, recorder: Recorder, database: Database, spill: FileSpill
) -> None:
    lost.record(failure(task_id="first"))

    assert recorder.record(failure(task_id="second")).where == "spill"
    assert row_of(database, "second") == {}

    moments_ago = time.time() - 5.1
    os.utime(spill.directory / "database-away", (moments_ago, moments_ago))
    assert recorder.record(failure(task_id="third")).where == "sql"


def test_a_clock_that_was_set_back_does_not_keep_sql_away(recorder: Recorder, spill: FileSpill) -> None:
    spill.directory.mkdir(parents=True)
    away = spill.directory / "database-away"
    away.touch()
    os.utime(away, (time.time() + 3600, time.time() + 3600))

    assert recorder.record(failure()).where == "sql"


@on_postgres
def test_a_stopped_database_is_noticed_and_used_again_when_it_is_back(
    postgres: PostgresServer, recorder: Recorder, database: Database, spill: FileSpill
) -> None:
    recorder.record(failure(task_id="before"))
    postgres.kill()

    assert recorder.record(failure(task_id="during")).where == "spill"
    assert recorder.record(failure(task_id="during-2")).where == "spill"
    postgres.start()
    (spill.directory / "database-away").unlink()

    assert recorder.record(failure(task_id="after")).where == "sql"


@on_sqlite
def test_a_host_in_an_sqlite_transaction_is_not_waited_for(recorder: Recorder, database_alias: str) -> None:
    with transaction.atomic(using=database_alias):
        recorded = recorder.record(failure())

    assert recorded.where == "spill"


@on_postgres
def test_a_value_that_sql_refuses_goes_to_the_spill_and_keeps_nobody_from_sql(
    recorder: Recorder, database: Database, spill: FileSpill, caplog: pytest.LogCaptureFixture
) -> None:
    poison = failure(task_id="poison", delivery=2**40)

    recorded = recorder.record(poison)

    assert recorded.where == "spill"
    assert "SQL refuses shop.pay[poison]" in caplog.text
    assert not (spill.directory / "database-away").exists()
    assert recorder.record(failure()).where == "sql"


def test_a_hold_without_a_message_is_not_stored(recorder: Recorder, database: Database) -> None:
    assert recorder.record(hold(message=None)).where == "nowhere"
    assert row_of(database) == {}


def test_a_hosts_tests_never_fill_the_spill(spill: FileSpill) -> None:
    """Django's test environment is set up here: what fails is recorded on the test's connection or not at all."""
    recorded = Recorder(Database("nowhere"), spill).record(failure())

    assert recorded.where == "nowhere"
    assert not spill.directory.exists()


def test_counters_go_through_the_spill(spill: FileSpill) -> None:
    recorder = Recorder(Database("nowhere"), spill)
    totals = {CounterKey(BEGAN, "run", "shop.pay", "ok"): CounterTotals(count=3)}

    assert recorder.count(totals)
    assert '"count": 3' in (spill.directory / "spill.jsonl").read_text()


def test_counters_that_cannot_be_written_are_to_be_kept_by_the_caller(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(Database("nowhere"), FileSpill(tmp_path, 1))

    assert not recorder.count({CounterKey(BEGAN, "run", "shop.pay", "ok"): CounterTotals(count=3)})
    assert "counters could not be written" in caplog.text


def test_nobody_else_can_say_that_sql_is_away(database: Database, tmp_path: Path) -> None:
    """A mark in a directory that others can write to would send every failure to a spill that is not used."""
    directory = tmp_path / "everybodys"
    directory.mkdir()
    (directory / "database-away").touch()
    directory.chmod(0o777)

    assert Recorder(database, FileSpill(directory, 50_000_000)).record(failure()).where == "sql"


def test_what_a_full_memory_loses_is_said_once(
    spill: FileSpill, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spill.directory.mkdir(parents=True)
    full = spill.directory / "spill.jsonl"
    full.symlink_to("/dev/full")
    monkeypatch.setattr(recorder_module, "MOST_KEPT", 2)
    recorder = Recorder(Database("nowhere"), spill)

    for name in "abcd":
        recorder.spill_or_keep(failure(task_id=name))
    full.unlink()
    recorder.spill_kept()

    assert caplog.text.count("the oldest ones are lost") == 1
    assert spill.state().waiting_lines == 2


def test_what_is_kept_is_written_a_part_at_a_time(spill: FileSpill, monkeypatch: pytest.MonkeyPatch) -> None:
    spill.directory.mkdir(parents=True)
    full = spill.directory / "spill.jsonl"
    full.symlink_to("/dev/full")
    recorder = Recorder(Database("nowhere"), spill)
    recorder.spill_or_keep(failure())
    full.unlink()

    with monkeypatch.context() as patch:
        patch.setattr(recorder_module, "SPILL_SECONDS", 0.0)
        recorder.spill_kept()
        assert spill.state().waiting_lines == 0
    recorder.spill_kept()

    assert spill.state().waiting_lines == 1
