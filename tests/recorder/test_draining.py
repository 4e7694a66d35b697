"""From the spill into the database, exactly once."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from redrive.keeper.drain import drain
from redrive.leases import StoreUnavailable
from redrive.metrics import CounterKey, CounterTotals
from redrive.metrics.counters import to_rows
from redrive.recorder import FileSpill
from redrive.recorder import spill as spill_module
from redrive.stores.sql.connection import Cursor, Database
from tests.stores.endings import BEGAN, change, failure, row_of, rows_of

COUNTED = {CounterKey(BEGAN, "run", "shop.pay", "ok"): CounterTotals(count=1, seconds=0.5)}


def append(spill: FileSpill, *task_ids: str) -> None:
    for task_id in task_ids:
        spill.append("ending", failure(task_id=task_id).to_dict())


def count(spill: FileSpill) -> None:
    spill.append("counters", {"rows": to_rows(COUNTED)})


def counted(database: Database) -> int:
    return int(
        rows_of(database, "SELECT COALESCE(SUM(count), 0) AS n FROM redrive_stat WHERE kind = 'run'")[0]["n"]
    )


def task_ids(database: Database) -> list[str]:
    rows = rows_of(database, "SELECT task_id FROM redrive_taskfailurerecord ORDER BY task_id")
    return [row["task_id"] for row in rows]


def test_endings_and_counters_arrive(spill: FileSpill, database: Database) -> None:
    append(spill, "a", "b")
    count(spill)
    count(spill)

    assert drain(spill, database) == 4

    assert task_ids(database) == ["a", "b"]
    assert counted(database) == 2
    assert drain(spill, database) == 0


def test_events_arrive_with_the_moment_at_which_they_happened(spill: FileSpill, database: Database) -> None:
    event = {
        "actor": "breaker",
        "kind": "breaker-ramp",
        "subject": "bank",
        "reason": "why",
        "numbers": {"a": 1},
    }
    spill.append("event", {**event, "at": BEGAN.isoformat()})
    spill.append("event", {**event, "at": "some day"})

    assert drain(spill, database) == 2

    rows = rows_of(database, "SELECT * FROM redrive_event")
    assert [(row["kind"], row["subject"], row["reason"]) for row in rows] == [("breaker-ramp", "bank", "why")]
    assert database.run(lambda cursor: cursor.dialect.read_moment(rows[0]["at"])) == BEGAN
    assert spill.state().rejected_lines == 1


def test_nothing_of_a_drained_file_is_remembered(spill: FileSpill, database: Database) -> None:
    append(spill, "a")

    drain(spill, database)

    assert rows_of(database, "SELECT * FROM redrive_lease") == []


def test_an_ending_nobody_decided_about_is_decided(spill: FileSpill, database: Database) -> None:
    ending = replace(
        failure(),
        proposal=None,
        classification=None,
        facts={"exc_module": "builtins", "exc_qualname": "KeyError"},
    )
    spill.append("ending", ending.to_dict())

    drain(spill, database)

    row = row_of(database)
    assert (row["status"], row["exception_type"]) == ("PENDING", "KeyError")
    assert row["decision"] != ""


class _Dying(Database):
    """Its connection is lost in the middle of the first piece of work that changes something."""

    def __init__(self, alias: str, after: int) -> None:
        super().__init__(alias)
        self.left = after

    def run(self, work: Any, *, eager: bool = False) -> Any:
        def counting(cursor: Cursor) -> Any:
            real = cursor.execute

            def execute(sql: str, params: Any = ()) -> int:
                self.left -= 1
                if self.left == 0:
                    raise KeyboardInterrupt
                return real(sql, params)

            cursor.execute = execute  # type: ignore[method-assign]  # dies instead
            return work(cursor)

        return super().run(counting, eager=eager)


@pytest.mark.parametrize("after", range(1, 12))
def test_a_drainer_that_dies_between_any_two_statements_applies_nothing_twice(
    spill: FileSpill, database: Database, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill_module, "CHUNK", 2)
    count(spill)
    append(spill, "a")
    count(spill)
    dying = _Dying(database.alias, after)

    try:
        drain(spill, dying)
    except KeyboardInterrupt:
        pass
    finally:
        dying.close()
    drain(spill, database)

    assert counted(database) == 2
    assert task_ids(database) == ["a"]


def test_a_refused_line_is_set_aside_and_its_neighbours_get_through_once(
    spill: FileSpill, database: Database
) -> None:
    count(spill)
    spill.append(
        "ending", failure(task_id="poison", classification={"evidence": []}, delivery=None).to_dict()
    )
    append(spill, "good")
    count(spill)

    drain(spill, database)

    assert task_ids(database) == ["good"]
    assert counted(database) == 2
    rejected = (spill.directory / "rejected.jsonl").read_text().splitlines()
    assert [json.loads(line)["payload"]["task_id"] for line in rejected] == ["poison"]


def test_an_ending_of_a_newer_release_waits_for_it(spill: FileSpill, database: Database) -> None:
    append(spill, "a")
    spill.append("ending", {**failure(task_id="newer").to_dict(), "version": 2})
    append(spill, "b")

    drain(spill, database)
    drain(spill, database)

    assert task_ids(database) == ["a", "b"]
    assert (spill.state().newer_lines, spill.state().rejected_lines) == (1, 0)


def test_fields_of_a_newer_release_are_left_out(spill: FileSpill, database: Database) -> None:
    data = failure().to_dict()
    data["mood"] = "bad"
    data["proposal"]["colour"] = "red"
    spill.append("ending", data)

    drain(spill, database)

    assert row_of(database)["status"] == "RETRYING"


@pytest.mark.parametrize("payload", [{}, {"version": 1}, {"version": "x"}, {"rows": 3}])
def test_what_is_no_ending_is_set_aside(
    spill: FileSpill, database: Database, payload: dict[str, Any]
) -> None:
    spill.append("ending", payload)
    append(spill, "a")

    drain(spill, database)

    assert task_ids(database) == ["a"]
    assert spill.state().rejected_lines == 1


def test_without_tables_everything_waits(spill: FileSpill, database: Database) -> None:
    change(database, "ALTER TABLE redrive_taskfailurerecord RENAME TO not_there_yet")
    append(spill, "a")

    with pytest.raises(StoreUnavailable):
        drain(spill, database)

    change(database, "ALTER TABLE not_there_yet RENAME TO redrive_taskfailurerecord")
    drain(spill, database)
    assert task_ids(database) == ["a"]
    assert spill.state().rejected_lines == 0


def test_a_directory_that_must_not_be_used_is_said_once_and_keeps_nobody_from_work(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "everybodys"
    planted = FileSpill(directory, 50_000_000)
    append(planted, "planted")
    directory.chmod(0o777)

    counts = [drain(FileSpill(directory, 50_000_000), database) for _ in range(3)]

    assert counts == [0, 0, 0]
    assert rows_of(database, "SELECT count(*) AS n FROM redrive_taskfailurerecord")[0]["n"] == 0
    assert caplog.text.count("can be written by everybody") == 1


def test_a_chunk_whose_commit_was_still_on_its_way_is_not_applied_twice(
    spill: FileSpill, database: Database
) -> None:
    """A keeper dies after it asked for the commit; the next one has read before, how far the file was applied."""
    count(spill)
    late = _Late(database.alias)

    with pytest.raises(StoreUnavailable):
        drain(spill, late)
    drain(spill, _Stale(database.alias))

    assert counted(database) == 1
    late.close()


class _Late(Database):
    """Commits, and does not hear of it."""

    def run(self, work: Any, *, eager: bool = False) -> Any:
        result = super().run(work, eager=eager)
        if result is None:
            raise StoreUnavailable("silence")
        return result


class _Stale(Database):
    """Has asked how far the file was applied before that was written."""

    def run(self, work: Any, *, eager: bool = False) -> Any:
        result = super().run(work, eager=eager)
        return 0 if isinstance(result, int) else result
