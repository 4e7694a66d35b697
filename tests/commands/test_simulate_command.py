"""``manage.py redrive simulate``: scenarios and recorded failures through changed policies."""

import json
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from redrive.management.simulate import chart
from redrive.stores.sql.connection import Database
from tests.commands.conftest import Redrive
from tests.stores.endings import failure, record

SHORT = {"like": "outage of 5 minutes", "begins": 60, "lasts": 60, "seconds": 300, "per_second": 5}


def test_scenario_file_is_run_with_and_without_the_change(redrive: Redrive, tmp_path: Path) -> None:
    file = tmp_path / "short.json"
    file.write_text(json.dumps(SHORT))

    said = redrive("simulate", str(file), "--policy", "TRANSIENT_NETWORK.max_retries=4", "--json").json

    assert [(one["scenario"], one["way"]) for one in said] == [("short", "as set"), ("short", "changed")]
    assert all(one["ok"] == 1.0 and one["attempts"] >= one["tasks"] for one in said)
    assert "attempts over time |" in redrive("simulate", str(file)).out


def test_nothing_recorded_names_the_scenarios(redrive: Redrive) -> None:
    with pytest.raises(CommandError, match="Name a scenario: random 5 % faults"):
        redrive("simulate")


def test_recorded_failures_are_replayed(redrive: Redrive, database: Database) -> None:
    record(database, failure(task_id="a"))

    (said,) = redrive("simulate", "--hours", "2", "--json").json

    assert (said["failure_type"], said["way"]) == ("TRANSIENT_NETWORK", "as set")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["outage", "--policy", "max_retries"], "type TYPE.field=value"),
        (["outage", "--policy", "EXTERNAL_API_DWN.max_retries=4"], "no failure type"),
        (["no such trouble"], "There are: random"),
        (["missing.json"], "cannot be read"),
    ],
)
def test_wrong_input_is_told_what_to_type(redrive: Redrive, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        redrive("simulate", *arguments)


def test_chart_shows_where_most_attempts_were() -> None:
    line = chart([0.0, 119.0, 119.0, 119.0])

    assert (len(line), line[0], line[30], line[-1]) == (60, "-", " ", "@")  # 1 of 3: three ninths
