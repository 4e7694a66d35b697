"""Projects whose retries come after two seconds, so that tests need not wait for the documented minutes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.servers import ValkeyServer
from tests.servers.django_project import Project

SOON: dict[str, Any] = {
    "POLICIES": {
        name: {"initial_delay": 2, "backoff_factor": 1, "max_delay": 2}
        for name in ("TRANSIENT_NETWORK", "TRANSIENT_DATABASE", "SYSTEM_WORKER_LOST", "SYSTEM_OUT_OF_MEMORY")
    },
    "KEEPER": {
        "poll_seconds".upper(): 0.2,
        "LEASE_SECONDS": 3,
        "HEARTBEAT_SECONDS": 4,
        "REPUBLISH_SECONDS": 5,
    },
}


@pytest.fixture
def soon(make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer) -> Project:
    """The test project on PostgreSQL and Valkey, with short delays and leases."""
    return make_project(
        database_url=postgres_url, broker_url=valkey.url, redis_url=valkey.database_url(1), redrive=SOON
    )


@pytest.fixture
def soon_on(make_project: Callable[..., Project], postgres_url: str, broker_url: str) -> Project:
    """The same on PostgreSQL and either broker, without Redis of ours."""
    return make_project(database_url=postgres_url, broker_url=broker_url, redrive=SOON)
