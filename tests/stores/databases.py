"""Marks for tests that are about one of the two databases: `database` is then only that one."""

import pytest

on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
