"""Every verb: what it prints, its JSON, its exit code, and what it says to wrong input."""

import getpass
import os
import stat
from pathlib import Path

import pytest
from django.core.management.base import CommandError
from django.test import override_settings

from redrive.conf import get_mode
from redrive.recorder import FileSpill
from redrive.stores.sql.connection import Database
from tests.commands.conftest import Redrive
from tests.stores.databases import on_sqlite
from tests.stores.endings import change, failure, record, row_of, rows_of, success


def dead(database: Database, task_id: str = "t1", **changes: object) -> int:
    record_id = record(database, failure(task_id=task_id, retries=0, **changes)).record_id  # type: ignore[arg-type]  # Ending's fields
    assert record_id is not None
    return record_id


def test_status_of_a_first_day(redrive: Redrive, tmp_path: Path) -> None:
    said = redrive("status")

    assert said.code == 0
    assert said.out.splitlines() == [
        "mode      on",
        "pending   0",
        "retrying  0",
        "resolved  0",
        "abandoned 0",
        f"spill     0 lines wait, 0 set aside, 0 failures drained in 24 h ({tmp_path / 'spill'})",
    ]


def test_status_counts_and_says_what_to_type(redrive: Redrive, database: Database, tmp_path: Path) -> None:
    dead(database)
    record(database, failure(task_id="waits", delay=90))
    record(database, failure(task_id="done"))
    record(database, success(2, task_id="done"))
    FileSpill(tmp_path / "spill", 10_000).append("ending", {})

    said = redrive("status")
    data = redrive("status", "--json").json

    assert "pending   1" in said.out
    assert "  TRANSIENT_NETWORK        1" in said.out
    assert said.out.rstrip().endswith("Look at them: manage.py redrive list --status PENDING")
    assert data["records"] == {"PENDING": 1, "RETRYING": 1, "RESOLVED": 1, "ABANDONED": 0}
    assert data["pending_by_type"] == {"TRANSIENT_NETWORK": 1}
    assert {*data} == {
        "mode",
        "records",
        "pending_by_type",
        "spill",
        "breakers",
        "gate_degraded",
        "undeclared",
    }
    assert {key: data["spill"][key] for key in ("waiting_lines", "rejected_lines", "newer_lines")} == {
        "waiting_lines": 1,
        "rejected_lines": 0,
        "newer_lines": 0,
    }
    assert data["breakers"] == []


def test_list_shows_the_newest_failure_first(redrive: Redrive, database: Database) -> None:
    assert redrive("list").out == "No task has failed.\n"
    first = dead(database, "a", exception_message="first\nline two")
    second = dead(database, "b", ended_at=failure(5).ended_at, task_name="shop.ship")

    lines = redrive("list").out.splitlines()
    rows = redrive("list", "--json").json

    assert [line.split()[0] for line in lines] == [str(second), str(first)]
    assert lines[1].split()[1:4] == ["PENDING", "TRANSIENT_NETWORK", "shop.pay"]
    assert "first line two" in lines[1]
    assert [row["id"] for row in rows] == [second, first]
    assert rows[1]["last_failed_at"] == failure(1).ended_at.isoformat()
    assert rows[1]["next_retry_at"] is None


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--status", "PENDING"], ["a"]),
        (["--status", "RETRYING"], ["b"]),
        (["--task", "PAY"], ["a", "b"]),
        (["--task", "ship"], []),
        (["--type", "TRANSIENT_NETWORK"], ["a", "b"]),
        (["--type", "UNKNOWN"], []),
        (["--business-unit", "north"], ["b"]),
        (["--page", "0"], ["a", "b"]),
    ],
)
def test_list_takes_filters(
    redrive: Redrive, database: Database, arguments: list[str], found: list[str]
) -> None:
    dead(database, "a")
    record(database, failure(task_id="b", business_unit="north"))

    rows = redrive("list", "--json", *arguments).json

    assert sorted(row["task_id"] for row in rows) == found


def test_a_filter_that_finds_nothing_says_so(redrive: Redrive) -> None:
    assert redrive("list", "--task", "x").out == "No record fits.\n"
    assert redrive("list", "--task", "x", "--json").json == []


def test_list_is_cut_to_pages(redrive: Redrive, database: Database) -> None:
    for number in range(52):
        dead(database, f"t{number}")

    first, second = redrive("list").out.splitlines(), redrive("list", "--page", "2").out.splitlines()

    assert (len(first), len(second)) == (51, 2)
    assert first[-1] == "52 in all. More: --page 2"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("TRANSIENT_NETWROK", "Did you mean TRANSIENT_NETWORK?"),
        ("transient_network", "Did you mean TRANSIENT_NETWORK?"),
        ("xyzzy", "Known types: TRANSIENT_DATABASE,"),
    ],
)
def test_a_type_that_does_not_exist_is_an_error_that_names_the_closest(
    redrive: Redrive, wrong: str, says: str
) -> None:
    with pytest.raises(CommandError, match=f"There is no failure type '{wrong}'") as caught:
        redrive("list", "--type", wrong)

    assert says in str(caught.value)


def test_show_by_either_id(redrive: Redrive, database: Database) -> None:
    record_id = dead(
        database, args=["one"], kwargs={"password": "geheim", "order": 7}, traceback="Traceback\n  boom"
    )

    by_task, by_id = redrive("show", "t1"), redrive("show", str(record_id))
    data = redrive("show", "t1", "--json").json

    assert by_task.out == by_id.out
    assert by_task.out.splitlines()[0] == f"shop.pay  [t1]  record {record_id}"
    assert "geheim" not in by_task.out
    assert by_task.out.rstrip().endswith(f"Send it back to work: manage.py redrive retry {record_id}")
    assert (data["args"], data["kwargs"]) == (["one"], {"password": "••••••", "order": 7})
    assert data["status"] == "PENDING"
    assert data["first_failed_at"] == failure(1).ended_at.isoformat()
    assert [(attempt["attempt"], attempt["outcome"]) for attempt in data["attempts"]] == [(1, "failed")]


@pytest.mark.parametrize("value", ["nobody", "0", "99999999999999999999999", "1.5", "²"])
@pytest.mark.parametrize("verb", ["show", "retry", "abandon"])
def test_a_record_that_does_not_exist_is_an_error_that_says_what_to_type(
    redrive: Redrive, verb: str, value: str
) -> None:
    with pytest.raises(CommandError, match=f"There is no record {value}. Type: manage.py redrive list"):
        redrive(verb, value)


def test_retry_sends_back_and_says_who(redrive: Redrive, database: Database) -> None:
    record_id = dead(database)

    said = redrive("retry", "t1", "--reason", "fixed")

    assert (said.code, said.out) == (0, "1 will run again.\n")
    assert row_of(database)["decision"] == f"Redriven by {getpass.getuser()}. fixed"
    events = rows_of(database, "SELECT actor, kind, reason FROM redrive_event")
    assert events == [{"actor": getpass.getuser(), "kind": "retry", "reason": "fixed"}]
    assert redrive("show", str(record_id), "--json").json["status"] == "RETRYING"


def test_retry_with_another_priority_changes_the_queue(redrive: Redrive, database: Database) -> None:
    dead(database)

    redrive("retry", "t1", "--priority", "HIGH")

    assert row_of(database)["routing_key"] == row_of(database)["queue_name"] != "celery"


@pytest.mark.parametrize("verb", ["retry", "abandon"])
def test_what_is_refused_is_said_and_is_exit_code_three(
    redrive: Redrive, database: Database, verb: str
) -> None:
    done, ready = dead(database, "done"), dead(database, "ready")
    record(database, success(2, task_id="done"))

    said = redrive(verb, "done", "ready")
    again = redrive(verb, "done", "--json")

    assert said.code == 3
    assert said.out.splitlines()[0].startswith("1 ")
    assert said.out.splitlines()[1] == f"Record {done}: It is resolved already."
    assert (again.code, again.json) == (3, {"done": [], "refused": {str(done): "It is resolved already."}})
    assert ready


def test_abandon_gives_up(redrive: Redrive, database: Database) -> None:
    record_id = dead(database)

    said = redrive("abandon", str(record_id), "--json")

    assert (said.code, said.json) == (0, {"done": [record_id], "refused": {}})
    assert row_of(database)["status"] == "ABANDONED"


@pytest.mark.parametrize("verb", ["retry", "abandon"])
def test_all_takes_the_dead_ones_that_fit(redrive: Redrive, database: Database, verb: str) -> None:
    ids = [dead(database, "a"), dead(database, "b", task_name="shop.ship"), dead(database, "c")]
    record(database, failure(task_id="waits", delay=90))

    some = redrive(verb, "--all", "--task", "pay", "--json").json
    rest = redrive(verb, "--all", "--json").json

    assert sorted(some["done"]) == [ids[0], ids[2]]
    assert rest["done"] == [ids[1]]


@pytest.mark.parametrize("verb", ["retry", "abandon"])
def test_nothing_is_changed_without_a_name_or_all(redrive: Redrive, database: Database, verb: str) -> None:
    dead(database)

    with pytest.raises(CommandError, match="Name records"):
        redrive(verb, "--status", "PENDING")

    assert row_of(database)["status"] == "PENDING"


def test_the_mode_is_switched_and_switched_back(redrive: Redrive, tmp_path: Path) -> None:
    file, user = tmp_path / "spill" / "mode", getpass.getuser()
    assert redrive("mode").out == "Mode: on.\n"

    said = redrive("mode", "off")

    assert said.out.startswith(
        f"Mode: off.\nWritten to {file} as {user}; workers that use this directory follow within a second.\n"
        "Nothing had been there before: "
    )
    assert get_mode() == "off"
    assert redrive("mode", "--json").json == {"mode": "off", "file": str(file), "user": user}
    assert [path.name for path in (tmp_path / "spill").iterdir()] == ["mode"]
    said = redrive("mode", "default")
    assert said.out == (
        f"Mode: on.\nRemoved {file} as {user}; workers that use this directory follow within a second.\n"
    )
    assert redrive("mode", "default").code == 0


@on_sqlite
def test_a_switch_can_be_read_by_whoever_uses_the_directory(redrive: Redrive, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        redrive("mode", "off")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "spill" / "mode").stat().st_mode) == 0o644


@on_sqlite
def test_a_switch_that_workers_would_not_follow_is_refused(redrive: Redrive, tmp_path: Path) -> None:
    (tmp_path / "spill").mkdir()
    (tmp_path / "spill").chmod(0o777)

    with pytest.raises(CommandError, match=r"can be written by everybody. Type: chmod o-w "):
        redrive("mode", "off")

    assert list((tmp_path / "spill").iterdir()) == []


@on_sqlite
def test_a_mode_that_cannot_be_written_is_an_error(redrive: Redrive, database: Database) -> None:
    with (
        override_settings(REDRIVE={"DATABASE": database.alias, "SPILL": {"DIRECTORY": "/dev/null"}}),
        pytest.raises(CommandError, match=r"/dev/null/mode cannot be written: "),
    ):
        redrive("mode", "off")


@on_sqlite
@pytest.mark.parametrize(
    "arguments",
    [["frobnicate"], ["mode", "maybe"], ["list", "--status", "DEAD"], ["list", "--page", "x"], ["show"]],
)
def test_a_line_that_cannot_be_read_is_an_error(
    redrive: Redrive, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = redrive(*arguments).code
    except CommandError:
        code = 1

    assert code in (1, 2)


@pytest.mark.parametrize("arguments", [["status"], ["list"], ["show", "t1"], ["retry", "--all"]])
def test_without_tables_it_says_what_to_type(
    redrive: Redrive, database: Database, arguments: list[str]
) -> None:
    change(database, "ALTER TABLE redrive_taskfailurerecord RENAME TO not_there")

    with pytest.raises(CommandError, match=r"Type: manage\.py migrate redrive"):
        redrive(*arguments)
