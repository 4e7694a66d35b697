"""A downstream that stays in trouble excuses six calls of one task; from then on its failures use up retries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from celery.app.task import Context
from django.test import override_settings

from redrive import runtime
from redrive.celery import gating, wrapper
from redrive.gate import Outcome, Run
from redrive.keeper.keeper import headers_of
from redrive.options import Options
from redrive.stores.sql import publishing
from redrive.stores.sql.connection import Database
from tests.stores.endings import make_due

DOWN = Outcome.failure("TRANSIENT_NETWORK", threshold=3, open_seconds=600)


def pay() -> None: ...


@pytest.fixture
def database(database_alias: str, tmp_path: Path, as_in_production: None) -> Iterator[Database]:
    settings = {"DATABASE": database_alias, "SPILL": {"DIRECTORY": str(tmp_path / "spill")}}
    with override_settings(REDRIVE=settings):
        yield runtime.database()
        runtime.database().close()


@pytest.mark.parametrize("claimed", [None, -(10**12), 10**12, "many"], ids=repr)
def test_calls_are_excused_up_to_six_times(claimed: Any, database: Database) -> None:
    """Whatever a stranger claims in the first message can make it fewer, never more."""
    app = Celery("shop", set_as_current=False)
    options = Options(downstream="bank", retry_safe=True)
    task = app.task(name="shop.pay", shared=False)(pay)
    task.redrive = options
    for _ in range(3):
        runtime.gate().report("shop.pay", "bank", Run(), DOWN)
    headers: dict[str, Any] = {"id": "t1", "task": "shop.pay", "retries": 0}
    if claimed is not None:
        headers["redrive"] = {"version": 1, "attempt": 1, "retries": 0, "excused": claimed}

    outcomes = []
    while len(outcomes) < 10 and "failed" not in outcomes:
        request = Context(headers, args=[], kwargs={}, delivery_info={}, called_directly=False)
        request.redrive_downstream = "bank"  # as its gate let it go before the breaker opened
        ending = wrapper._decide(task, request, ConnectionRefusedError("no answer"), gating.UNASKED)
        assert runtime.recorder().record(ending).where == "sql"
        outcomes.append(ending.outcome.value)
        make_due(database)
        (due,) = database.run(lambda cursor: publishing.claim_due(cursor, "keeper", limit=1, lease_seconds=1))
        headers = headers_of(due)

    # 10**12 counts as six: the first call is the seventh.
    excused = 0 if claimed == 10**12 else 6
    assert outcomes == ["held"] * excused + ["failed"]
    assert due.retries == 1
    assert gating._excused_runs(headers["redrive"]) == 6
