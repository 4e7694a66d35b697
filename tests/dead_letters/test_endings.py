"""An ending is plain data: it can wait in a file and be read by another release."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from redrive.dead_letters import Ending, NewerVersion, Outcome, Proposal
from redrive.payload import MessageSource, StoredMessage

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENDING = Ending(
    outcome=Outcome.FAILED,
    task_id="t1",
    task_name="shop.pay",
    attempt=2,
    ended_at=NOON,
    source="wrapper",
    args=["one"],
    kwargs={"n": 1},
    message=StoredMessage(body=b"\x00\xff", source=MessageSource.RAW),
    options={"retry_safe": True},
    context={"retries": 1},
    classification={"failure_type": "UNKNOWN"},
    proposal=Proposal(retry=True, delay_seconds=90, max_retries=3, reason="r", explain={"a": 1}),
)


@pytest.mark.parametrize(
    "ending", [ENDING, replace(ENDING, message=None, proposal=None, classification=None, facts={"a": 1})]
)
def test_it_survives_its_json_form(ending: Ending) -> None:
    assert Ending.from_dict(json.loads(json.dumps(ending.to_dict()))) == ending


def test_what_an_older_release_did_not_write_has_its_default() -> None:
    data = {
        key: ENDING.to_dict()[key]
        for key in ("version", "outcome", "task_id", "task_name", "attempt", "source")
    }
    data["ended_at"] = NOON.isoformat()

    assert Ending.from_dict(data) == Ending(
        outcome=Outcome.FAILED, task_id="t1", task_name="shop.pay", attempt=2, ended_at=NOON, source="wrapper"
    )


def test_what_a_newer_release_added_is_left_out() -> None:
    data = ENDING.to_dict()
    data["mood"] = "bad"
    data["proposal"]["colour"] = "red"

    assert Ending.from_dict(data) == ENDING


def test_a_newer_form_is_refused_as_such() -> None:
    with pytest.raises(NewerVersion, match=r"written by a newer version \(2\)"):
        Ending.from_dict({**ENDING.to_dict(), "version": 2})


@pytest.mark.parametrize(
    "damage",
    [
        {"outcome": "odd"},
        {"ended_at": "noon"},
        {"version": "x"},
        {"message": {"body": ""}},
        {"proposal": {"delay": 1}},
    ],
)
def test_what_is_no_ending_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        Ending.from_dict({**ENDING.to_dict(), **damage})


@pytest.mark.parametrize(
    ("outcome", "proposal", "due"),
    [
        (Outcome.FAILED, Proposal(retry=True, delay_seconds=90), NOON + timedelta(seconds=90)),
        (Outcome.FAILED, Proposal(retry=False, delay_seconds=90), None),
        (Outcome.FAILED, None, None),
        (Outcome.HELD, Proposal(retry=False, delay_seconds=5), NOON + timedelta(seconds=5)),
        (Outcome.HELD, None, None),
    ],
)
def test_it_is_due_when_somebody_proposed_it(
    outcome: Outcome, proposal: Proposal | None, due: datetime | None
) -> None:
    assert replace(ENDING, outcome=outcome, proposal=proposal).due_at == due


@pytest.mark.parametrize(
    ("message", "has"),
    [
        (None, False),
        (StoredMessage(), False),
        (StoredMessage(source=MessageSource.REBUILT), True),
        (StoredMessage(source=MessageSource.RAW), True),
    ],
)
def test_only_a_message_that_could_be_had_can_be_sent_again(message: StoredMessage | None, has: bool) -> None:
    assert replace(ENDING, message=message).has_message is has
