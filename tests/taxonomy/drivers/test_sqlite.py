"""SQLite, through the standard library."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.taxonomy.drivers.driven import Driven, check


def query(*statements: str, values: tuple[object, ...] = ()) -> Any:
    """Run the statements on one connection to the file; the last one fails."""

    def provoke(file: Path) -> None:
        with closing(sqlite3.connect(file)) as connection:
            for statement in statements:
                connection.execute(statement, values)

    return provoke


def locked(file: Path) -> None:
    with closing(sqlite3.connect(file)) as holder, closing(sqlite3.connect(file, timeout=0)) as other:
        holder.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO shelf VALUES (9, 'x')")


def read_only(file: Path) -> None:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        connection.execute("DELETE FROM shelf")


def not_a_database(file: Path) -> None:
    other = file.with_name("notes.txt")
    other.write_text("remember the milk " * 100)
    query("SELECT * FROM shelf")(other)


CASES = (
    Driven("locked", "TRANSIENT_DATABASE", True, locked),
    Driven(
        "full",
        "SYSTEM_DISK_FULL",
        False,
        query("PRAGMA max_page_count = 3", "INSERT INTO shelf VALUES (9, zeroblob(1000000))"),
    ),
    Driven("read-only", "PERMANENT_PERMISSION,CONFIG_INVALID_SETTING", False, read_only),
    Driven("not a database", "CONFIG_INVALID_SETTING,PERMANENT_VALIDATION", False, not_a_database),
    Driven(
        "no such directory",
        "CONFIG_INVALID_SETTING",
        False,
        lambda file: sqlite3.connect(file / "no" / "such.db"),
    ),
    Driven("no such table", "CONFIG_INVALID_SETTING", False, query("SELECT * FROM absent")),
    Driven("unique", "PERMANENT_VALIDATION", False, query("INSERT INTO shelf VALUES (1, 'again')")),
    Driven("not null", "PERMANENT_VALIDATION", False, query("INSERT INTO shelf VALUES (2, NULL)")),
    Driven("syntax", "PERMANENT_LOGIC", False, query("SELEKT 1")),
    Driven(
        "bindings",
        "PERMANENT_LOGIC",
        False,
        query("SELECT ?, ?", values=(1,)),
    ),
    Driven(
        "integer too large",
        "PERMANENT_VALIDATION",
        False,
        query("SELECT ?", values=(2**70,)),
    ),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "shop.sqlite3"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE shelf (id integer PRIMARY KEY, name text NOT NULL)")
        connection.execute("INSERT INTO shelf VALUES (1, 'first')")
    return file


@pytest.mark.parametrize("case", CASES, ids=str)
def test_sqlite_failure_is_understood(case: Driven, file: Path) -> None:
    check(case, file)
