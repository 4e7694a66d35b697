"""A permit that a keeper took for a message is given back, whatever becomes of the message."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from celery.app.task import Context
from django.test import override_settings

from redrive import runtime
from redrive.celery import gating
from redrive.gate import Run
from tests.gate.fleet import FAST
from tests.path.records import record_of
from tests.servers import ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

IN_FLIGHT = (
    "from redrive import runtime; result = [one.in_flight for one in runtime.gate().states().breakers]"
)


@pytest.fixture
def narrow(make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer) -> Project:
    """The shop, where two idempotent calls may be at the bank at once."""
    settings: dict[str, Any] = {
        **FAST,
        "DOWNSTREAMS": {"bank": {"concurrency": 2}},
        "TASK_PATTERNS": {"shop.tasks.once": {"downstream": "bank"}},
    }
    return make_project(
        database_url=postgres_url, broker_url=valkey.url, redis_url=valkey.database_url(1), redrive=settings
    )


def test_a_duplicate_that_goes_on_waiting_takes_no_place(narrow: Project) -> None:
    narrow.worker(concurrency=2)
    path = narrow.scratch / "open"
    narrow.send("shop.tasks.once", "one", str(path))
    narrow.wait_for_runs(1, "once", "one")
    second = narrow.send("shop.tasks.once", "one", str(path))
    held = record_of(narrow, second, "RETRYING")
    assert held["downstream"] == "bank"

    narrow.manage("redrive", "retry", second)
    narrow.wait_for_rows("SELECT 1 FROM redrive_taskfailurerecord WHERE task_id = %s AND holds >= 2", second)

    wait_until(lambda: narrow.python(IN_FLIGHT) == [1], 20, lambda: f"one place is taken\n{narrow.logs()}")
    path.touch()


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(("redelivered", "taken"), [(False, 0), (True, 1)])
def test_a_copy_that_is_dropped_gives_back_a_place_of_its_own(
    redelivered: bool, taken: int, valkey: ValkeyServer, tmp_path: Path
) -> None:
    """What the broker delivers again came with the permit of the delivery before."""
    settings = {
        "DATABASE": "nowhere",
        "REDIS_URL": valkey.url,
        "DOWNSTREAMS": {"bank": {"concurrency": 2}},
        "SPILL": {"DIRECTORY": str(tmp_path / "spill")},
    }
    with override_settings(REDRIVE=settings):
        permit = runtime.gate().admit("shop.pay", "bank", "one")
        assert isinstance(permit, Run)
        header = {"version": 1, "attempt": 2, "permit": permit.to_dict(), "downstream": "bank"}
        request = Context(
            id="one", task="shop.pay", redrive=header, delivery_info={"redelivered": redelivered}
        )
        request.redrive_dropped = True

        gating.give_back(request)

        assert [one.in_flight for one in runtime.gate().states().breakers] == [taken]
