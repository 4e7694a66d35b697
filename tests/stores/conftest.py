"""Stores on real databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from redrive.stores.sql.connection import Database


@pytest.fixture(params=["America/Chicago", "Asia/Kolkata"])
def naive_host(request: pytest.FixtureRequest) -> Iterator[str]:
    """A host with `USE_TZ = False`, behind UTC or ahead of it; its time zone."""
    with override_settings(USE_TZ=False, TIME_ZONE=request.param):
        yield request.param


@pytest.fixture
def database(database_alias: str, tmp_path: Path) -> Iterator[Database]:
    """Redrive's own connections to a migrated, empty database; once on PostgreSQL and once on SQLite."""
    with override_settings(
        REDRIVE={"DATABASE": database_alias, "SPILL": {"DIRECTORY": str(tmp_path / "spill")}}
    ):
        database = Database(database_alias)
        yield database
        database.close()
