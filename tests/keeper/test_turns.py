"""A keeper's turns on real servers: what it claims it sends once; a broker that is away makes it wait and say so."""

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from celery import Celery
from django.conf import settings
from django.test import override_settings

from redrive import runtime
from redrive.gate import Outcome, Run
from redrive.keeper.admission import BURST, FAR_BEHIND
from redrive.keeper.keeper import Keeper, seconds_left
from redrive.stores.sql import publishing
from redrive.stores.sql.connection import Cursor, Database
from redrive.stores.sql.leases import put
from redrive.testing import FakeClock
from tests.servers import ValkeyServer
from tests.stores.endings import failure, make_due, record, row_of, rows_of
from tests.waiting import wait_until

PAST = "UPDATE redrive_taskfailurerecord SET lease_expires_at = '2020-01-01 00:00:00.000000'"


@pytest.fixture
def database(database_alias: str, tmp_path: Path) -> Iterator[Database]:
    redrive = {
        "DATABASE": database_alias,
        "SPILL": {"DIRECTORY": str(tmp_path / "spill")},
        "DOWNSTREAMS": {"bank": {"concurrency": 3, "first_open_seconds": 1}},
    }
    with override_settings(REDRIVE=redrive):
        yield runtime.database()
        runtime.database().close()


@pytest.fixture
def make_keeper(database: Database, valkey: ValkeyServer) -> Iterator[Callable[[], Keeper]]:
    made: list[Keeper] = []

    def make() -> Keeper:
        app = Celery("shop", broker=valkey.url, set_as_current=False)
        made.append(Keeper(app))
        return made[-1]

    yield make
    for keeper in made:
        keeper.close()


def waiting(database: Database, task_id: str = "t1") -> None:
    record(database, failure(task_id=task_id))
    make_due(database, task_id)


def sent(valkey: ValkeyServer) -> int:
    with redis.Redis.from_url(valkey.url) as client:
        return int(client.llen("celery"))


def test_a_broker_that_is_away_is_waited_for_longer_and_longer_and_said_once(
    database: Database,
    make_keeper: Callable[[], Keeper],
    valkey: ValkeyServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "redrive")
    keeper = make_keeper()
    valkey.kill()

    pauses = []
    for _ in range(3):
        waiting(database)
        pauses.append(keeper.turn())

    assert pauses == [1.0, 2.0, 4.0]
    assert caplog.text.count("the keeper waits, the broker is away") == 1
    row = row_of(database)
    assert (row["hold_reason"], row["lease_owner"]) == ("The broker is away.", "")

    valkey.start()
    make_due(database, "t1")
    keeper.turn()

    assert sent(valkey) == 1
    assert "the keeper is at work again" in caplog.text


@pytest.mark.parametrize("queue", ["celery", "nowhere"])
def test_what_is_not_sent_takes_no_place_at_its_downstream(
    queue: str, database: Database, make_keeper: Callable[[], Keeper], valkey: ValkeyServer
) -> None:
    """The broker is away, or the project has no such queue."""
    keeper = make_keeper()
    keeper.app.conf.task_create_missing_queues = False
    if queue == "celery":
        valkey.kill()
    record(database, failure(options={"downstream": "bank"}, queue=queue))

    for _ in range(2):
        make_due(database)
        keeper.turn()

    (bank,) = runtime.gate().states().breakers
    assert (bank.concurrency, bank.in_flight) == (3, 0)
    reason = "The broker is away." if queue == "celery" else "the project has no queue 'nowhere'"
    assert reason in row_of(database)["hold_reason"]


def test_a_probe_that_is_not_sent_leaves_its_turn_to_the_next(
    database: Database, make_keeper: Callable[[], Keeper]
) -> None:
    keeper = make_keeper()
    keeper.app.conf.task_create_missing_queues = False
    down = Outcome.failure("TRANSIENT_NETWORK", threshold=3, open_seconds=1)
    for _ in range(3):
        runtime.gate().report("shop.pay", "bank", Run(), down)
    record(database, failure(options={"downstream": "bank"}, queue="nowhere"))

    def has_probed() -> bool:
        make_due(database)
        keeper.turn()
        return "cannot be sent" in row_of(database)["hold_reason"]

    wait_until(has_probed, 30, "the breaker let a probe through")

    probe = runtime.gate().admit("shop.pay", "bank", "another")
    assert isinstance(probe, Run)
    assert probe.probe


def test_what_a_silent_keeper_had_claimed_is_sent_when_its_lease_is_over(
    database: Database, make_keeper: Callable[[], Keeper], valkey: ValkeyServer
) -> None:
    waiting(database)
    database.run(lambda cursor: publishing.claim_due(cursor, "silent", limit=10, lease_seconds=30))
    keeper = make_keeper()

    keeper.turn()
    before = sent(valkey)
    database.run(lambda cursor: cursor.execute(PAST))
    keeper.turn()

    assert (before, sent(valkey)) == (0, 1)


def test_several_keepers_send_each_row_once(
    database: Database, make_keeper: Callable[[], Keeper], valkey: ValkeyServer
) -> None:
    for number in range(60):
        waiting(database, f"t{number}")
    keepers = [make_keeper() for _ in range(3)]
    threads = [threading.Thread(target=lambda k=keeper: (k.turn(), k.turn())) for keeper in keepers]  # type: ignore[misc]  # bound at once

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sent(valkey) == 60


@pytest.mark.parametrize(("declared", "left"), [({}, 500), ({"max_age_seconds": 300}, 200)])
def test_a_record_has_the_time_that_its_policy_gives_it_or_its_task_declares(
    declared: dict[str, int], left: float, database: Database
) -> None:
    record(database, failure(options=declared))
    make_due(database)
    (due,) = database.run(lambda cursor: publishing.claim_due(cursor, "a keeper", limit=1, lease_seconds=30))
    assert due.first_failed_at is not None
    policies = {"TRANSIENT_NETWORK": {"max_age_seconds": 600}}

    with override_settings(REDRIVE={**settings.REDRIVE, "POLICIES": policies}):
        found = seconds_left(due, due.first_failed_at + timedelta(seconds=100))

    assert found == left


def test_a_queue_far_behind_is_entered_one_by_one(
    database: Database, make_keeper: Callable[[], Keeper], valkey: ValkeyServer
) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.rpush("celery", *["a message"] * (FAR_BEHIND + 1))
    for number in range(40):
        waiting(database, f"t{number}")
    keeper = make_keeper()

    keeper.turn()
    keeper.turn()
    let_in = sent(valkey) - FAR_BEHIND - 1
    held = rows_of(
        database, "SELECT task_id, hold_reason FROM redrive_taskfailurerecord WHERE published_at IS NULL"
    )
    for row in held:
        make_due(database, row["task_id"])
    keeper.turn()

    assert BURST <= let_in < 40
    assert len(held) == 40 - let_in
    assert held[0]["hold_reason"] == "1,001 tasks wait in the queue celery: retries enter it one by one."
    assert sent(valkey) - FAR_BEHIND - 1 == 40  # nobody waits for it twice
    assert sum(row["holds"] for row in rows_of(database, "SELECT holds FROM redrive_taskfailurerecord")) == 0


@pytest.mark.parametrize("days", [-400, 400])
def test_the_keepers_own_clock_decides_nothing(
    days: int,
    database: Database,
    make_keeper: Callable[[], Keeper],
    valkey: ValkeyServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting(database, "due")
    record(database, failure(task_id="later", delay=7200))
    make_due(database, "later", seconds_ago=-3600)
    monkeypatch.setattr(runtime, "clock", FakeClock(runtime.clock.now() + timedelta(days=days)))

    make_keeper().turn()

    assert sent(valkey) == 1
    assert row_of(database, "later")["published_at"] is None


def test_a_row_of_a_newer_release_is_left_to_newer_keepers(
    database: Database, make_keeper: Callable[[], Keeper], valkey: ValkeyServer
) -> None:
    waiting(database, "newer")
    database.run(lambda cursor: cursor.execute("UPDATE redrive_taskfailurerecord SET version = 99"))

    make_keeper().turn()

    assert sent(valkey) == 0
    assert row_of(database, "newer")["status"] == "RETRYING"


def test_all_that_has_ended_is_purged_in_one_duty(
    database: Database, make_keeper: Callable[[], Keeper]
) -> None:
    def claim_many(cursor: Cursor) -> None:
        for number in range(1_001):
            put(cursor, "claim", str(number), data={}, seconds=-1)

    database.run(claim_many)

    make_keeper()._purge()

    assert runtime.sql_leases().all("claim") == []
