"""A recorder on a real database and a spill of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from redrive.recorder import FileSpill, Recorder
from redrive.stores.sql.connection import Database


@pytest.fixture
def spill(tmp_path: Path) -> FileSpill:
    return FileSpill(tmp_path / "spill", 50_000_000)


@pytest.fixture
def database(database_alias: str, spill: FileSpill) -> Iterator[Database]:
    redrive = {"DATABASE": database_alias, "SPILL": {"DIRECTORY": str(spill.directory)}}
    with override_settings(REDRIVE=redrive):
        database = Database(database_alias)
        yield database
        database.close()


@pytest.fixture
def recorder(database: Database, spill: FileSpill) -> Recorder:
    return Recorder(database, spill)
