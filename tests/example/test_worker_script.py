"""`example/scripts/celery_workers.sh`, as an operator types it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.example.conftest import EXAMPLE, is_gone
from tests.servers import ValkeyServer
from tests.waiting import wait_until

SCRIPT = EXAMPLE / "scripts" / "celery_workers.sh"

pytestmark = pytest.mark.celery


class Script:
    """The script with pid files and logs of its own."""

    def __init__(self, var: Path, broker_url: str) -> None:
        self.var = var
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        own = {
            "PYTHON": sys.executable,
            "VAR_DIR": str(var),
            "BROKER_URL": broker_url,
            "REDIS_URL": "",
            "DATABASE_URL": "",
        }
        self._environment = inherited | own

    def call(self, verb: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, verb], env=self._environment, capture_output=True, text=True, timeout=120
        )

    def pids(self) -> dict[str, int]:
        return {file.stem: int(file.read_text()) for file in (self.var / "run").glob("*.pid")}


@pytest.fixture
def script(tmp_path: Path, valkey: ValkeyServer) -> Iterator[Script]:
    script = Script(tmp_path, valkey.url)
    yield script
    script.call("stop")


def test_workers_for_all_queues_start_once_and_stop(script: Script) -> None:
    first = script.call("start")
    pids = script.pids()
    second = script.call("start")
    queues = " ".join(" ".join(psutil.Process(pid).cmdline()) for pid in pids.values())

    assert (first.returncode, second.returncode) == (0, 0), first.stderr
    assert second.stdout.count("runs already") == 3
    assert script.pids() == pids
    assert all(name in queues for name in ("critical", "high_priority", "reports", "maintenance", "celery"))
    assert script.call("status").returncode == 0

    stopped = script.call("stop")

    assert stopped.returncode == 0, stopped.stderr
    assert all(is_gone(pid) for pid in pids.values())
    assert script.call("stop").returncode == 0
    assert script.call("status").returncode == 1


def test_process_that_is_not_a_worker_of_ours_is_left_alone(script: Script) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        run = script.var / "run"
        run.mkdir()
        (run / "general.pid").write_text(f"{stranger.pid}\n")

        said = script.call("stop")

        assert "general: does not run" in said.stdout
        assert stranger.poll() is None
        stranger.kill()


def test_killed_worker_is_seen_and_started_again(script: Script) -> None:
    script.call("start")
    pid = script.pids()["heavy"]
    psutil.Process(pid).kill()
    wait_until(lambda: is_gone(pid), 10, "the killed worker is gone")

    seen = script.call("status")
    again = script.call("start")

    assert "heavy: does not run" in seen.stdout
    assert again.returncode == 0, again.stderr
    assert "heavy: started" in again.stdout


def test_word_it_does_not_know_is_answered_with_the_usage(script: Script) -> None:
    said = script.call("launch")

    assert (said.returncode, said.stderr.startswith("usage:")) == (2, True)
