"""The SQL store passes the contract on PostgreSQL and on SQLite, by the database's clock."""

import functools
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from redrive.leases import LeaseStore
from redrive.stores.sql.connection import Cursor, Database
from redrive.stores.sql.leases import SqlLeaseStore, database_now, put
from redrive.testing import LeaseStoreContract
from tests.stores.databases import on_postgres
from tests.waiting import wait_until


def open_store(entry: dict[str, Any], **others: Any) -> SqlLeaseStore:
    """The store in another process, whose Django has no other settings than these."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(DATABASES={"default": entry}, **others)
    return SqlLeaseStore(Database("default"))


class TestSqlLeaseStore(LeaseStoreContract):
    @pytest.fixture(autouse=True)
    def _database(self, database_alias: str) -> None:
        self.alias = database_alias

    def make_store(self) -> LeaseStore:
        return SqlLeaseStore(Database(self.alias))

    def store_factory(self) -> Callable[[], LeaseStore]:
        from django.conf import settings
        from django.db import connections

        entry = connections.settings[self.alias]
        return functools.partial(open_store, entry, USE_TZ=settings.USE_TZ, TIME_ZONE=settings.TIME_ZONE)


@pytest.mark.usefixtures("naive_host")
@pytest.mark.parametrize("naive_host", ["America/Chicago"], indirect=True)
class TestSqlLeaseStoreOfANaiveHost(TestSqlLeaseStore):
    """The contract holds where the host's moments are in local time."""


class TestDeletion:
    @pytest.fixture(autouse=True)
    def _database(self, database: Database) -> None:
        self.database = database
        self.store = SqlLeaseStore(database)

    def test_only_what_has_ended_of_the_kinds_is_deleted_in_steps(self) -> None:
        for kind, key, seconds in (
            *(("claim", "a", -1), ("claim", "b", -1), ("claim", "c", 60)),
            *(("gate", "d", -1), ("worker", "e", -1)),
        ):
            self.database.run(
                lambda cursor, kind=kind, key=key, seconds=seconds: put(
                    cursor, kind, key, data={}, seconds=seconds
                )
            )

        deleted = [self.store.delete_expired(("claim", "gate"), limit=2) for _ in range(3)]

        assert deleted == [2, 1, 0]
        assert [lease.key for kind in ("claim", "gate", "worker") for lease in self.store.all(kind)] == [
            "c",
            "e",
        ]

    def test_no_kinds_are_nothing_to_delete(self) -> None:
        assert self.store.delete_expired(()) == 0

    @on_postgres
    def test_a_lease_renewed_while_the_deletion_waits_for_its_row_is_kept(self) -> None:
        self.database.run(lambda cursor: put(cursor, "claim", "a", data={}, seconds=-1))
        counts: list[int] = []
        deleting = threading.Thread(target=lambda: counts.append(self.store.delete_expired(("claim",))))

        def renew(cursor: Cursor) -> None:
            put(cursor, "claim", "a", data={}, seconds=60)
            deleting.start()
            wait_until(self._someone_waits, 10, "the deletion waits for the row")

        self.database.run(renew)
        deleting.join(20)

        assert counts == [0]
        assert self.store.get("claim", "a") is not None

    def _someone_waits(self) -> bool:
        from django.db import connections

        with connections[self.database.alias].cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            return bool(cursor.fetchone()[0])


def test_the_databases_time_is_aware(database: Database) -> None:
    now = database.run(database_now)

    assert now is not None
    assert now.utcoffset() == timedelta()
