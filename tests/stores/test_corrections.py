"""What operators say of failure types: kept once, audited, revocable, and told to the workers."""

from __future__ import annotations

import pytest

from redrive.stores.sql import corrections
from redrive.stores.sql.connection import Database
from redrive.stores.sql.corrections import SqlCorrectionStore
from redrive.taxonomy import Corrections, FailureType
from tests.stores.endings import failure, record, rows_of

NAME = "1:0123456789abcdef0123456789abcdef"


@pytest.fixture
def service(database: Database) -> Corrections:
    record(database, failure(retries=0, fingerprint=NAME))
    return Corrections(SqlCorrectionStore(database))


def groups(database: Database) -> list[tuple[str, str, str]]:
    rows = rows_of(database, "SELECT fingerprint, failure_type, correction FROM redrive_failuregroup")
    return [(row["fingerprint"], row["failure_type"], row["correction"]) for row in rows]


def acts(database: Database) -> list[tuple[str, str, str, str]]:
    rows = rows_of(database, "SELECT actor, kind, subject, reason FROM redrive_event ORDER BY id")
    return [(row["actor"], row["kind"], row["subject"], row["reason"]) for row in rows]


def test_correction_makes_the_group_and_is_audited(database: Database, service: Corrections) -> None:
    refused = service.judge(NAME, "EXTERNAL_API_DOWN", actor="ann", reason="their gateway")

    assert refused == ""
    assert groups(database) == [(NAME, "TRANSIENT_NETWORK", "EXTERNAL_API_DOWN")]
    assert acts(database) == [("ann", "correct type", NAME, "their gateway")]


def test_naming_the_type_that_was_found_is_a_confirmation(database: Database, service: Corrections) -> None:
    service.judge(NAME, FailureType.TRANSIENT_NETWORK, actor="ann")

    assert groups(database) == [(NAME, "TRANSIENT_NETWORK", "TRANSIENT_NETWORK")]
    assert acts(database) == [("ann", "confirm type", NAME, "")]


def test_saying_it_twice_changes_nothing(database: Database, service: Corrections) -> None:
    service.judge(NAME, "EXTERNAL_API_DOWN", actor="ann")

    assert service.judge(NAME, "EXTERNAL_API_DOWN", actor="bob") == "That was said already."
    assert len(acts(database)) == 1


def test_another_operator_may_know_better(database: Database, service: Corrections) -> None:
    service.judge(NAME, "EXTERNAL_API_DOWN", actor="ann")
    service.judge(NAME, "PERMANENT_LOGIC", actor="bob")

    assert groups(database) == [(NAME, "TRANSIENT_NETWORK", "PERMANENT_LOGIC")]
    assert [(actor, kind) for actor, kind, *_ in acts(database)] == [
        ("ann", "correct type"),
        ("bob", "correct type"),
    ]


def test_revoking_lets_the_rules_decide_again(database: Database, service: Corrections) -> None:
    service.judge(NAME, "EXTERNAL_API_DOWN", actor="ann")

    assert service.revoke(NAME, actor="bob", reason="it was us") == ""
    assert groups(database) == [(NAME, "TRANSIENT_NETWORK", "")]
    assert acts(database)[-1] == ("bob", "revoke type", NAME, "it was us")
    assert service.revoke(NAME, actor="bob") == "Nothing was said of it."


@pytest.mark.parametrize(
    ("name", "says", "why"),
    [
        ("1:ffff", "PERMANENT_LOGIC", "No failure has this fingerprint."),
        (NAME, "PERMANENT_LOGICS", "There is no such failure type."),
        ("", "PERMANENT_LOGIC", "It has no fingerprint, so nothing could be learnt from it."),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(
    database: Database, service: Corrections, name: str, says: str, why: str
) -> None:
    assert service.judge(name, says, actor="ann") == why
    assert (groups(database), acts(database)) == ([], [])


def test_workers_are_told_what_stands(database: Database, service: Corrections) -> None:
    assert database.run(corrections.learnt) == {}

    service.judge(NAME, "EXTERNAL_API_DOWN", actor="ann")

    assert database.run(corrections.learnt) == {NAME: "EXTERNAL_API_DOWN"}
