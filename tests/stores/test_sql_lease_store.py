"""The SQL store passes the contract on PostgreSQL and on SQLite, by the database's clock."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from redrive.leases import LeaseStore
from redrive.stores.sql.connection import Database
from redrive.stores.sql.leases import SqlLeaseStore
from redrive.testing import LeaseStoreContract


def open_store(entry: dict[str, Any]) -> SqlLeaseStore:
    """The store in another process, whose Django has no other settings than these."""
    from django.conf import settings

    if not settings.configured:
        settings.configure(DATABASES={"default": entry}, USE_TZ=True)
    return SqlLeaseStore(Database("default"))


class TestSqlLeaseStore(LeaseStoreContract):
    @pytest.fixture(autouse=True)
    def _database(self, database_alias: str) -> None:
        self.alias = database_alias

    def make_store(self) -> LeaseStore:
        return SqlLeaseStore(Database(self.alias))

    def store_factory(self) -> Callable[[], LeaseStore]:
        from django.db import connections

        return functools.partial(open_store, connections.settings[self.alias])
