"""The documented steps on a fresh project give what the README promises, with a real worker and a real login."""

from collections.abc import Iterator

import pytest
from tests.newcomer.bakery import Bakery, open_bakery
from tests.servers import ValkeyServer


@pytest.fixture(scope="module", params=["postgres", "sqlite"])
def bakery(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, valkey_server: ValkeyServer
) -> Iterator[Bakery]:
    with open_bakery(
        request.param, "on", tmp_path_factory.mktemp("bakery"), valkey_server, request
    ) as bakery:
        yield bakery


def test_failed_task_is_in_the_admin_with_type_reason_arguments_and_traceback(bakery: Bakery) -> None:
    task_id = bakery.project.send("ovens.tasks.bake", "rye", loaves=-3)
    bakery.record(task_id, "PENDING")

    page = bakery.staff.open_record(task_id)

    assert "ovens.tasks.bake" in page.text
    assert "PERMANENT_VALIDATION" in page.text
    assert "cannot bake -3 loaves" in page.text
    assert "rye" in page.text
    assert "Traceback (most recent call last)" in page.text
    assert bakery.runs("bake rye") == 1


def test_transient_failure_of_a_declared_task_recovers_by_itself(bakery: Bakery) -> None:
    task_id = bakery.project.send("ovens.tasks.deliver", "corner")
    waiting = bakery.record(task_id, "RETRYING")

    (bakery.project.directory / "corner.open").touch()

    resolved = bakery.record(task_id, "RESOLVED")
    assert waiting["failure_type"] == "TRANSIENT_NETWORK"
    assert resolved["id"] == waiting["id"]
    assert bakery.runs("deliver corner") >= 2


def test_transient_failure_of_an_undeclared_task_waits_for_a_person(bakery: Bakery) -> None:
    task_id = bakery.project.send("ovens.tasks.deliver_carefully", "market")

    record = bakery.record(task_id, "PENDING")

    assert record["failure_type"] == "TRANSIENT_NETWORK"
    assert record["next_retry_at"] is None
    assert "MANUAL_RETRY" in bakery.staff.open_record(task_id).text
    assert bakery.runs("deliver market") == 1


def test_dead_task_redriven_from_the_admin_ends_resolved(bakery: Bakery) -> None:
    task_id = bakery.project.send("ovens.tasks.order_flour", "old-mill")
    record = bakery.record(task_id, "PENDING")
    (bakery.project.directory / "old-mill.known").touch()

    bakery.staff.retry(int(str(record["id"])))

    resolved = bakery.record(task_id, "RESOLVED")
    assert resolved["id"] == record["id"]
    assert bakery.runs("order_flour old-mill") == 2
