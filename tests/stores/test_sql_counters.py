"""Hourly sums, added by many."""

from datetime import timedelta

from redrive.metrics import CounterKey, CounterTotals
from redrive.stores.sql import counters
from redrive.stores.sql.connection import Database
from tests.stores.endings import BEGAN, rows_of
from tests.stores.races import in_processes

HOUR = BEGAN.replace(minute=0, second=0, microsecond=0)


def key(label: str = "ok", task: str = "shop.pay", hours_ago: int = 0) -> CounterKey:
    return CounterKey(HOUR - timedelta(hours=hours_ago), "run", task, label)


def add(database: Database, *keys: CounterKey) -> None:
    totals = {one: CounterTotals(count=2, seconds=1.5, sketch={"1": 2}) for one in keys}
    database.run(lambda cursor: counters.add(cursor, totals))


def test_sums_add_up(database: Database) -> None:
    add(database, key())
    add(database, key(), key("failed"))

    labels = database.run(lambda cursor: counters.count_all_labels(cursor, "run", since=HOUR))
    seconds = rows_of(database, "SELECT seconds FROM redrive_stat WHERE label = 'ok'")
    assert labels == {"shop.pay": {"ok": 4, "failed": 2}}
    assert seconds == [{"seconds": 3.0}]


def test_processes_that_add_lose_nothing_and_do_not_block_each_other(database: Database) -> None:
    keys = [key(label) for label in ("a", "b", "c")]

    in_processes(4, database, lambda own, n: [add(own, *(keys if n % 2 else keys[::-1])) for _ in range(5)])

    labels = database.run(lambda cursor: counters.count_all_labels(cursor, "run", since=HOUR))
    assert labels == {"shop.pay": {"a": 40, "b": 40, "c": 40}}


def test_names_no_column_holds_are_cut(database: Database) -> None:
    add(database, key("l\x00" + "x" * 200, "t\ud800" + "y" * 300))

    assert rows_of(database, "SELECT count FROM redrive_stat") == [{"count": 2}]


def test_only_old_hours_are_deleted(database: Database) -> None:
    add(database, key(hours_ago=0), key(hours_ago=50))

    deleted = database.run(lambda cursor: counters.purge(cursor, older_than=timedelta(hours=48)))

    assert deleted == 1
    assert database.run(lambda cursor: counters.purge(cursor, older_than=timedelta(hours=48))) == 0
