"""The spill as a Redis list: drained once by any keeper, with the file behind it."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from redrive.keeper.drain import drain
from redrive.leases import StoreUnavailable
from redrive.recorder import spill as spill_module
from redrive.recorder.list_spill import ListSpill
from redrive.stores.sql.connection import Database
from tests.recorder.test_draining import task_ids
from tests.servers import ValkeyServer
from tests.stores.endings import failure, rows_of


def make_spill(directory: Path, valkey: ValkeyServer, *, max_lines: int = 1000) -> ListSpill:
    return ListSpill(directory, 10_000_000, url=valkey.url, namespace="shop", max_lines=max_lines)


def append(spill: ListSpill, *names: str) -> None:
    for name in names:
        spill.append("ending", failure(task_id=name).to_dict())


def in_file(spill: ListSpill) -> list[str]:
    path = spill.directory / "spill.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line)["payload"]["task_id"] for line in lines]


def test_any_keeper_of_the_fleet_drains_it(valkey: ValkeyServer, database: Database, tmp_path: Path) -> None:
    append(make_spill(tmp_path / "one", valkey), "a", "b")
    elsewhere = make_spill(tmp_path / "two", valkey)
    assert (elsewhere.state().waiting_lines, elsewhere.state().list_lines) == (2, 2)

    assert drain(elsewhere, database) == 2

    assert task_ids(database) == ["a", "b"]
    assert elsewhere.state().list_lines == 0
    assert rows_of(database, "SELECT count FROM redrive_stat WHERE kind = 'spill'") == [{"count": 2}]


def test_a_full_list_is_said_and_the_file_takes_the_rest(
    valkey: ValkeyServer, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spill = make_spill(tmp_path / "spill", valkey, max_lines=2)

    with caplog.at_level(logging.ERROR):
        append(spill, "a", "b", "c", "d")

    assert in_file(spill) == ["c", "d"]
    assert [record.message for record in caplog.records] == [
        f"redrive: The spill's list has its full size of 2 lines; failures go to {spill.directory}"
    ]
    assert drain(spill, database) == 4


def test_while_sql_is_away_the_list_is_taken_once_and_its_size_holds(
    valkey: ValkeyServer, database: Database, tmp_path: Path
) -> None:
    spill = make_spill(tmp_path / "spill", valkey, max_lines=2)

    def away(*_: Any) -> Any:
        raise StoreUnavailable("away")

    for name in "abcdef":
        append(spill, name)
        with pytest.raises(StoreUnavailable):
            spill.drain(away, away)

    assert in_file(spill) == ["d", "e", "f"]
    assert drain(spill, database) == 6


def test_a_url_that_nobody_can_use_leaves_everything_to_the_file(tmp_path: Path) -> None:
    spill = ListSpill(tmp_path, 10_000_000, url="http://localhost", namespace="shop", max_lines=9)

    append(spill, "a")

    assert in_file(spill) == ["a"]
    assert spill.state().list_lines is None


def test_without_its_server_the_file_takes_everything_and_a_keeper_goes_on(
    valkey: ValkeyServer, database: Database, tmp_path: Path
) -> None:
    spill = make_spill(tmp_path / "spill", valkey)
    append(spill, "before")
    valkey.kill()

    append(spill, "a", "b")

    assert in_file(spill) == ["a", "b"]
    assert spill.state().list_lines is None
    assert drain(spill, database) == 2
    valkey.start()
    assert drain(make_spill(tmp_path / "spill", valkey), database) == 1
    assert task_ids(database) == ["a", "b", "before"]


class _Killed(BaseException):
    """As a keeper that is killed."""


def test_a_keeper_killed_after_its_commit_leaves_nothing_to_apply_twice(
    valkey: ValkeyServer, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redrive.recorder.list_spill.CHUNK", 2)
    spill = make_spill(tmp_path / "spill", valkey)
    append(spill, *"abcde")
    chunks = []

    def die() -> None:
        chunks.append(1)
        if len(chunks) == 2:
            raise _Killed

    with pytest.raises(_Killed):
        drain(spill, database, between=die)
    assert task_ids(database) == ["a", "b", "c", "d"]

    assert drain(make_spill(tmp_path / "other", valkey), database) == 1

    assert task_ids(database) == [*"abcde"]
    assert rows_of(database, "SELECT count FROM redrive_stat WHERE kind = 'spill'") == [{"count": 5}]


def test_keepers_at_once_apply_each_line_once(
    valkey: ValkeyServer, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redrive.recorder.list_spill.CHUNK", 5)
    spill = make_spill(tmp_path / "spill", valkey)
    names = [f"{number:03}" for number in range(60)]
    append(spill, *names)

    def work(number: int) -> Any:
        return drain(make_spill(tmp_path / str(number), valkey), database)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))

    assert task_ids(database) == names
    assert rows_of(database, "SELECT count FROM redrive_stat WHERE kind = 'spill'") == [{"count": 60}]


def test_a_line_that_cannot_be_read_is_set_aside_in_the_file(
    valkey: ValkeyServer, database: Database, tmp_path: Path
) -> None:
    import redis

    spill = make_spill(tmp_path / "spill", valkey)
    append(spill, "a")
    with redis.Redis.from_url(valkey.url) as client:
        client.rpush("{shop:spill}", "{half a line")
    append(spill, "b")

    drain(spill, database)

    assert task_ids(database) == ["a", "b"]
    assert (spill.directory / "rejected.jsonl").read_text() == "{half a line\n"


def test_counters_go_to_the_file(valkey: ValkeyServer, tmp_path: Path) -> None:
    spill = make_spill(tmp_path / "spill", valkey)

    spill.append("counters", {"rows": []}, durable=False)

    assert spill.state().list_lines == 0
    assert spill_module.loads((spill.directory / "spill.jsonl").read_text())["kind"] == "counters"
