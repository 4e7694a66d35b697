"""`make chaos`, small: three seeds, everything killed at random, nothing lost and nothing run twice.

In a process of its own, as people run it: clients of servers that are killed under them complain when they are
collected.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = "--count 120 --seconds 8 --calm 2 --settle 60 --claim-seconds 6"


@pytest.mark.flaky(reruns=1)  # as every test with real workers, see tests/conftest.py
@pytest.mark.servers
@pytest.mark.celery
@pytest.mark.parametrize(
    ("seed", "broker"),
    [(1, "valkey"), pytest.param(2, "rabbitmq", marks=pytest.mark.rabbitmq), (3, "valkey")],
)
def test_nothing_is_lost_and_nothing_completes_twice(
    seed: int, broker: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(f"{broker}_server")  # skips where it is not installed
    command = [sys.executable, "-m", "chaos.run", "--seed", str(seed), "--broker", broker, *SMALL.split()]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"every claim holds (seed {seed})" in done.stdout


@pytest.mark.flaky(reruns=1)  # as every test with real workers, see tests/conftest.py
@pytest.mark.servers
@pytest.mark.celery
@pytest.mark.parametrize(
    "load", ["storm --rate 200 --seconds 3", "outage --rate 20 --seconds 6 --away 5"], ids=["storm", "outage"]
)
def test_every_failure_under_load_has_one_record(load: str, valkey_server: object) -> None:
    command = [sys.executable, "-m", "chaos.load", *load.split(), "--patience", "120"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
