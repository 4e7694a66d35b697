"""`manage.py redrive` in this process, on a migrated database without rows."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings

from redrive.stores.sql.connection import Database


@dataclass
class Said:
    """What a command printed, and its exit code."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Redrive = Callable[..., Said]


@pytest.fixture
def database(database_alias: str, tmp_path: Path) -> Iterator[Database]:
    redrive = {"DATABASE": database_alias, "SPILL": {"DIRECTORY": str(tmp_path / "spill")}}
    with override_settings(REDRIVE=redrive):
        database = Database(database_alias)
        yield database
        database.close()
        from redrive import runtime

        runtime.database().close()


@pytest.fixture
def redrive(database: Database) -> Redrive:
    """Run a verb; a `CommandError` comes through, `sys.exit` becomes the code."""

    def run(*arguments: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        code = 0
        try:
            call_command("redrive", *arguments, stdout=out, stderr=err)
        except SystemExit as left:
            code = int(left.code or 0)
        return Said(out.getvalue(), err.getvalue(), code)

    return run
