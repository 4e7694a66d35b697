"""`make demo`, from its first line to the last process it leaves (none)."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.example.conftest import EXAMPLE, is_gone
from tests.waiting import wait_until

pytestmark = pytest.mark.celery

START_SECONDS = 180
DAY_SECONDS = 420


class Demo:
    """One demo with data, logs and web port of its own."""

    def __init__(self, scratch: Path, **environment: str) -> None:
        self.output = scratch / "output.txt"
        cleared = dict.fromkeys(("DATABASE_URL", "BROKER_URL", "REDIS_URL", "DEMO_SECONDS"), "")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, EXAMPLE / "demo.py"],
                env={**os.environ, **cleared, "VAR_DIR": str(scratch / "var"), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # As from a terminal: what runs in the background of a script ignores Ctrl-C, and all below it.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )

    def text(self) -> str:
        return self.output.read_text()

    def is_at_work(self) -> bool:
        assert self.process.poll() is None, self.text()
        return " runs, " in self.text()

    def has_shown_everything(self) -> bool:
        assert self.process.poll() is None, self.text()
        line = self.text().rpartition(" runs, ")[2]
        return number(r"(\d+) recovered by", line) >= 5 and number(r"redriven, (\d+) with", line) >= 3

    def descendants(self) -> list[int]:
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    demos: list[Demo] = []

    def start(**environment: str) -> Demo:
        demos.append(Demo(tmp_path, **environment))
        return demos[-1]

    yield start
    for demo in demos:
        demo.process.kill()
        demo.process.wait()


def number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else -1


def test_demo_shows_recoveries_dead_letters_and_redrives_and_ctrl_c_ends_it(
    start_demo: Callable[..., Demo],
) -> None:
    demo = start_demo()
    wait_until(demo.is_at_work, START_SECONDS, demo.text)
    started = demo.descendants()
    # All of it is in the timetable's first minute, which beside other tests takes several.
    wait_until(demo.has_shown_everything, DAY_SECONDS, demo.text)

    demo.process.send_signal(signal.SIGINT)

    assert demo.process.wait(timeout=START_SECONDS) == 0
    summary = demo.text()[demo.text().index("Summary after") :]
    assert number(r"recovered by themselves\s+(\d+)", summary) >= 5, summary
    assert number(r"of which (\d+) with success", summary) >= 3, summary
    assert number(r"in (\d+) failure types", summary) >= 6, summary
    assert all(is_gone(pid) for pid in started)


def test_demo_ends_by_itself(start_demo: Callable[..., Demo]) -> None:
    demo = start_demo(DEMO_SECONDS="30")
    started: set[int] = set()

    def has_ended() -> bool:
        with suppress(psutil.NoSuchProcess):
            started.update(demo.descendants())
        return demo.process.poll() is not None

    wait_until(has_ended, START_SECONDS + 120, demo.text)

    assert demo.process.returncode == 0, demo.text()
    assert "Summary after" in demo.text()
    assert len(started) > 10
    assert all(is_gone(pid) for pid in started)


def test_killed_demo_leaves_nothing_running(start_demo: Callable[..., Demo]) -> None:
    demo = start_demo()
    wait_until(demo.is_at_work, START_SECONDS, demo.text)
    started = demo.descendants()

    demo.process.send_signal(signal.SIGKILL)

    assert len(started) > 10
    wait_until(lambda: all(is_gone(pid) for pid in started), 30, "everything the demo started is gone")


def test_second_demo_says_that_one_runs(start_demo: Callable[..., Demo], tmp_path: Path) -> None:
    first = start_demo()
    wait_until(lambda: "started  Valkey" in first.text(), START_SECONDS, first.text)

    second = subprocess.run(
        [sys.executable, EXAMPLE / "demo.py"],
        env={**os.environ, "VAR_DIR": str(tmp_path / "var"), "DEMO_SECONDS": "1"},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )

    assert second.returncode == 1
    assert "another demo is running" in second.stdout


def test_wish_that_is_no_number_is_named(start_demo: Callable[..., Demo]) -> None:
    demo = start_demo(DEMO_SECONDS="soon")

    assert demo.process.wait(timeout=60) == 1
    assert "DEMO_SECONDS and DEMO_PORT have to be numbers" in demo.text()
