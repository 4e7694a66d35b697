"""``manage.py redrive gate``: list, and an operator's word, audited."""

import pytest
from django.core.management.base import CommandError

from redrive import runtime
from redrive.gate import Outcome, Run
from redrive.stores.sql.connection import Database
from tests.commands.conftest import Redrive

DOWN = Outcome.failure("EXTERNAL_API_DOWN", threshold=3, open_seconds=60)


def test_first_day_has_no_breaker(redrive: Redrive) -> None:
    assert redrive("gate").out == "No downstream has been in trouble lately.\n"
    assert redrive("gate", "--json").json == {"degraded": False, "breakers": []}


def test_word_is_kept_listed_and_audited(redrive: Redrive, database: Database) -> None:
    runtime.gate().report("shop.pay", "stripe", Run(), DOWN)

    said = redrive("gate", "force-open", "stripe", "--reason", "they asked us to stop")
    listed = redrive("gate").out
    events = database.run(lambda cursor: cursor.all("SELECT kind, subject, reason FROM redrive_event"))

    assert "they asked us to stop" in said.out
    assert "stripe" in listed
    assert "forced_open" in listed
    assert [tuple(row)[:2] for row in events] == [("gate-force-open", "stripe")]
    assert redrive("gate", "release", "stripe", "--reason", "over", "--json").json["until"] is None
    assert redrive("gate", "--json").json["breakers"][0]["override"] is None


def test_wrong_input_is_told_what_to_type(redrive: Redrive) -> None:
    with pytest.raises(CommandError, match="gate reset NAME"):
        redrive("gate", "reset")
    with pytest.raises(CommandError, match="gate reset stripe --reason"):
        redrive("gate", "reset", "stripe")
