"""Fixtures of all tiers. Servers start when the first test asks, on free ports, and are shared by the
session.

A fixture named like a server (`valkey`, `postgres`, `rabbitmq`) hands it over running and, where that is
cheap, empty, also if the test before killed it. See `tests/README.md` for what to use when.
"""

import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.last_words import LastWords
from tests.project.databases import from_url
from tests.servers import Guard, PostgresServer, RabbitServer, Unavailable, ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

_PROJECT = Path(__file__).parent / "project"
_SKIPPED = "missing here: "
_TIERS = {
    "servers": {"server_directory", "broker_url", "database_url", "postgres_url", "sqlite_url"},
    "celery": {"make_project"},
    "rabbitmq": {"rabbitmq_server"},
    "web": {"browser"},
}
_PLACES = {
    "admin": "pages",
    "architecture": "servers",
    "conformance": "celery",
    "contract": "servers",
    "drivers": "servers",
    "example": "servers",
    "newcomer": "celery",
    "web": "pages",
}  # folders whose every test starts processes or asks for whole pages
# Nothing is judged by the time it takes, not even making an example: machines are shared.
hypothesis.settings.register_profile(
    "redrive", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("redrive")

_guard_key = pytest.StashKey[Guard]()
_left_key = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-servers",
        action="store_true",
        help="a server that is not installed fails the tests that need it, instead of skipping them",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_guard_key] = Guard()
    config.stash[_left_key] = []
    config.pluginmanager.register(LastWords())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with the tier that its fixtures or its folder put it in; without a mark it is a unit test."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        for mark, needs in _TIERS.items():
            if fixtures & needs:
                item.add_marker(mark)
        if mark_of_place := _PLACES.get(item.path.parent.name):
            item.add_marker(mark_of_place)
        if item.path.stem.endswith(("_races", "_memory")):
            item.add_marker("servers")
        if item.get_closest_marker("web"):
            # Collected while a page is drawn, sockets that other tests left would fail this one.
            item.add_marker(
                pytest.mark.filterwarnings("ignore:.*socket.socket:pytest.PytestUnraisableExceptionWarning")
            )
        # Killed servers, threads and busy machines fail in ways of their own now and then. A test that passes the
        # second time is printed as rerun, not hidden.
        item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A test that leaves a process running has failed, even if it passed."""
    guard = session.config.stash[_guard_key]
    left = session.config.stash[_left_key]
    try:
        wait_until(lambda: not guard.running(), 10, "what the tests started has ended", every=0.1)
    except TimeoutError:
        left += guard.running()
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["left_running"] = left  # one of several processes that run tests: the first one says it
    elif left:
        lines = ["", "Still running after the last test, ended now:", *left]
        sys.stderr.write("\n".join(lines) + "\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what another process that ran tests (`-n`) has left running."""
    node.config.stash[_left_key] += getattr(node, "workeroutput", {}).get("left_running", [])


def pytest_unconfigure(config: pytest.Config) -> None:
    if guard := config.stash.get(_guard_key, None):
        guard.close()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    """Say per missing program how many tests were skipped for it, and what to type: after everything else."""
    yield
    reasons = Counter(
        report.longrepr[2].partition(_SKIPPED)[2]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and _SKIPPED in report.longrepr[2]
    )
    for reason, count in sorted(reasons.items()):
        what, _, remedy = reason.partition("; type: ")
        terminalreporter.write_line(f"{what}: {count} tests skipped; type: {remedy}", yellow=True)


def _or_skip(config: pytest.Config, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Unavailable as error:
        if config.getoption("--require-servers"):
            pytest.fail(f"--require-servers: {error}", pytrace=False)
        pytest.skip(f"{_SKIPPED}{error}")


@pytest.fixture(scope="session")
def server_directory(pytestconfig: pytest.Config) -> Path:
    """Where servers keep their data; removed with everything in it when the session ends."""
    return pytestconfig.stash[_guard_key].directory


@pytest.fixture(scope="session")
def valkey_server(pytestconfig: pytest.Config, server_directory: Path) -> Iterator[ValkeyServer]:
    server = _or_skip(pytestconfig, lambda: ValkeyServer(server_directory / "valkey"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> ValkeyServer:
    """Valkey, running and empty. Keeps what it acknowledged over `kill()` and `start()`."""
    valkey_server.start()
    valkey_server.empty()
    return valkey_server


@pytest.fixture(scope="session")
def postgres_server(pytestconfig: pytest.Config, server_directory: Path) -> Iterator[PostgresServer]:
    server = _or_skip(pytestconfig, lambda: PostgresServer(server_directory / "postgres"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def postgres(postgres_server: PostgresServer) -> PostgresServer:
    """PostgreSQL, running; `create_database()` gives an empty database."""
    postgres_server.start()
    return postgres_server


@pytest.fixture(scope="session")
def rabbitmq_server(pytestconfig: pytest.Config, server_directory: Path) -> Iterator[RabbitServer]:
    server = _or_skip(pytestconfig, lambda: RabbitServer(server_directory / "rabbitmq"))
    server.start()
    yield server
    server.close()


@pytest.fixture
def rabbitmq(rabbitmq_server: RabbitServer) -> RabbitServer:
    """RabbitMQ, running; `create_virtual_host()` gives one without queues."""
    rabbitmq_server.start()
    return rabbitmq_server


@pytest.fixture(params=["valkey", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def broker_url(request: pytest.FixtureRequest) -> str:
    """A broker without messages; the test runs once on Valkey and once on RabbitMQ."""
    if request.param == "valkey":
        return str(request.getfixturevalue("valkey").url)
    return str(request.getfixturevalue("rabbitmq").create_virtual_host())


@pytest.fixture(scope="session")
def _migrated_postgres(postgres_server: PostgresServer, server_directory: Path) -> str:
    postgres_server.start()
    url = postgres_server.create_database()
    _migrate(url, server_directory)
    return url


@pytest.fixture(scope="session")
def _migrated_sqlite(server_directory: Path) -> Path:
    file = server_directory / "migrated.sqlite3"
    _migrate(f"sqlite:///{file}", server_directory)
    return file


def _migrate(url: str, scratch: Path) -> None:
    Project(_PROJECT, "shop", scratch, {"DATABASE_URL": url, "BROKER_URL": "memory://"}).manage(
        "migrate", "-v", "0"
    )


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres: PostgresServer) -> str:
    """A PostgreSQL database of the test project: migrated, without rows."""
    return postgres.create_database(template=request.getfixturevalue("_migrated_postgres"))


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An SQLite database of the test project: migrated, without rows."""
    file = tmp_path / "shop.sqlite3"
    shutil.copyfile(request.getfixturevalue("_migrated_sqlite"), file)
    return f"sqlite:///{file}"


@pytest.fixture(params=["postgres", "sqlite"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database without rows; the test runs once on PostgreSQL and once on SQLite."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def as_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what tells Redrive that a host's test runner is at work."""
    from django.test.utils import _TestState

    monkeypatch.delattr(_TestState, "saved_data", raising=False)


@pytest.fixture
def database_alias(
    database_url: str,
    django_db_blocker: DjangoDbBlocker,
    monkeypatch: pytest.MonkeyPatch,
    as_in_production: None,
) -> Iterator[str]:
    """The same, as an alias in the test process's `DATABASES`, for stores that open connections of their own.

    Works as in production, not as in a host's test run: no transaction around the test, and connections of its own.
    """
    from django.db import connections

    alias = "real"
    known = connections.configure_settings(
        {"default": connections.settings["default"], alias: from_url(database_url)}
    )
    monkeypatch.setitem(connections.settings, alias, known[alias])
    with django_db_blocker.unblock():
        yield alias
        connections[alias].close()
    del connections[alias]


@pytest.fixture
def make_project(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Make the test project (`tests/project`) for a database and a broker; see `Project` for what it can do.

    make_project(database_url=..., broker_url=..., redis_url=None, redrive={"MODE": "observe"},
    celery={"task_acks_late": True}, environment={...}).
    """
    made: list[Project] = []

    def make(
        *,
        database_url: str,
        broker_url: str,
        redis_url: str | None = None,
        redrive: Mapping[str, Any] | None = None,
        celery: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Project:
        scratch = tmp_path / f"project-{len(made)}"
        scratch.mkdir()
        project = Project(
            _PROJECT,
            "shop",
            scratch,
            {
                "DATABASE_URL": database_url,
                "BROKER_URL": broker_url,
                "RUNS_FILE": str(scratch / "runs.jsonl"),
                "REDRIVE": json.dumps(redrive or {}),
                "CELERY": json.dumps(celery or {}),
                "HOME": str(scratch),
                **({"REDIS_URL": redis_url} if redis_url else {}),
                **(environment or {}),
            },
        )
        made.append(project)
        return project

    yield make
    for project in made:
        project.close()


@pytest.fixture
def project(make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer) -> Project:
    """The test project as most users run it: PostgreSQL, Valkey as broker and as Redrive's Redis, default
    settings.
    """
    return make_project(database_url=postgres_url, broker_url=valkey.url, redis_url=valkey.database_url(1))
