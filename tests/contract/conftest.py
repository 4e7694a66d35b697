"""The reference project, migrated, on SQLite and without a broker."""

import pytest

from tests.example.conftest import example_project
from tests.servers.django_project import Project


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The reference project as one finds it after `manage.py migrate`. Tests must not change its rows."""
    project = example_project(tmp_path_factory.mktemp("contract"), {})
    project.manage("migrate", "-v", "0")
    return project
