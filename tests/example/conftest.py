"""The reference project, and the services its demo runs against."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.servers.django_project import Project
from tests.servers.process import Server, free_port

EXAMPLE = Path(__file__).resolve().parents[2] / "example"


class Services(Server):
    """`python -m services`: payment gateway, sensor hub, mail server, and the port that switches their faults."""

    name = "services"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.ports = {"control": self.port, **{name: free_port() for name in ("gateway", "hub", "mail")}}

    def command(self) -> list[str]:
        arguments = [word for name, port in self.ports.items() for word in (f"--{name}", str(port))]
        return [sys.executable, "-m", "services", *arguments]

    def working_directory(self) -> Path:
        return EXAMPLE

    def answers(self) -> bool:
        try:
            return httpx.get(self.address("control"), timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def address(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    def set_fault(self, service: str, fault: str, retry_after: int = 5) -> None:
        wish = {"fault": fault, "retry_after": retry_after}
        httpx.put(f"{self.address('control')}/{service}", json=wish).raise_for_status()

    def counts(self, service: str) -> dict[str, int]:
        counts: dict[str, int] = httpx.get(self.address("control")).json()[service]["counts"]
        return counts


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """The demo's outside world, newly started and without a fault."""
    services = Services(tmp_path)
    services.start()
    yield services
    services.kill()


def is_gone(pid: int) -> bool:
    """Whether a process has ended; where nobody reaps orphans it may still have an entry, as a zombie."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def example_project(scratch: Path, environment: dict[str, str]) -> Project:
    """The reference project with its data in `scratch`."""
    scratch.mkdir(parents=True, exist_ok=True)
    cleared = dict.fromkeys(("DATABASE_URL", "BROKER_URL", "REDIS_URL", "SECRETS_DIR"), "")
    return Project(EXAMPLE, "config", scratch, {**cleared, "VAR_DIR": str(scratch), **environment})


@pytest.fixture(scope="session")
def fresh_example(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The reference project as one finds it: SQLite, migrated and seeded, no broker. Tests must not change its rows."""
    project = example_project(tmp_path_factory.mktemp("example"), {})
    project.manage("migrate", "-v", "0")
    project.manage("seed_facilities")
    return project


@pytest.fixture(scope="session")
def documented(fresh_example: Project) -> dict[str, Any]:
    """What a fresh process finds at the documented import paths: module -> its `__all__` and what is identical."""
    source = """
import importlib
from tests.example.documented_names import compare
result = compare()
"""
    return dict(fresh_example.python(f"import sys; sys.path.append({str(EXAMPLE.parent)!r})\n{source}"))
