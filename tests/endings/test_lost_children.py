"""What is known of a pool child that was killed, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from redrive.celery.oom import OomWatch, words_on_lost_child
from tests.path.conftest import SOON
from tests.path.records import record_of
from tests.servers import ValkeyServer
from tests.servers.django_project import Project

SIGNAL_9 = "Worker exited prematurely: signal 9 (SIGKILL) Job: 3."
GROUPS = {
    "version 2": ("0::/shop/worker\n", "sys/fs/cgroup/shop/worker/memory.events", "oom 7\noom_kill {}\n"),
    "version 2, seen from a container": ("0::/\n", "sys/fs/cgroup/memory.events", "oom 7\noom_kill {}\n"),
    "version 1": (
        "4:cpu,memory:/shop\n0::/\n",
        "sys/fs/cgroup/memory/shop/memory.oom_control",
        "under_oom 0\noom_kill {}\n",
    ),
    "version 1, seen from a container": (
        "4:memory:/docker/5f\n",
        "sys/fs/cgroup/memory/memory.oom_control",
        "under_oom 0\noom_kill {}\n",
    ),
}


@pytest.mark.parametrize("group", GROUPS)
def test_each_memory_kill_that_is_counted_explains_one_lost_child(group: str, tmp_path: Path) -> None:
    lines, place, text = GROUPS[group]
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(lines)
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text(text.format(4))
    watch = OomWatch(tmp_path)
    watch.begin()

    before = watch.explains()
    file.write_text(text.format(5))

    assert (before, watch.explains(), watch.explains()) == (False, True, False)


def test_where_nothing_counts_nothing_is_known(tmp_path: Path) -> None:
    watch = OomWatch(tmp_path)
    watch.begin()

    assert watch.explains() is None


@pytest.mark.parametrize(
    ("message", "confirmed", "words"),
    [
        (
            SIGNAL_9,
            True,
            "killed by signal 9, without a traceback; the control group reports an out-of-memory kill",
        ),
        (SIGNAL_9, False, "the control group reports no out-of-memory kill"),
        (SIGNAL_9, None, "nothing tells who sent it"),
        ("Worker exited prematurely: exitcode 7", None, "ended under it, without a traceback"),
    ],
)
def test_the_words_say_no_more_than_is_known(message: str, confirmed: bool | None, words: str) -> None:
    assert words in words_on_lost_child(message, confirmed)


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group with little memory; skipped where none can be made."""
    own = next(
        line
        for line in Path("/proc/self/cgroup").read_text().splitlines()
        if ":memory:" in line or "::" in line
    )
    top = Path("/sys/fs/cgroup/memory") if ":memory:" in own else Path("/sys/fs/cgroup")
    group = top / own.split(":", 2)[2].lstrip("/") / "redrive-test"
    limit = "memory.limit_in_bytes" if ":memory:" in own else "memory.max"
    try:
        group.mkdir()
        (group / limit).write_text(str(400 * 1024 * 1024))
    except OSError as exc:
        pytest.skip(f"no control group can be made here: {exc}")
    yield group
    for pid in (group / "cgroup.procs").read_text().split():
        (group.parent / "cgroup.procs").write_text(pid)
    group.rmdir()


def test_a_child_that_outgrows_its_memory_is_recorded_as_that(
    make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer, small_group: Path
) -> None:
    project = make_project(
        database_url=postgres_url, broker_url=valkey.url, redrive=SOON, celery={"imports": ["shop.endings"]}
    )
    worker = project.worker(concurrency=1)
    for pid in (worker.pid, *worker.children()):
        (small_group / "cgroup.procs").write_text(str(pid))

    task_id = project.send("shop.endings.outgrows_its_memory", "one")

    record = record_of(project, task_id, "PENDING")
    assert record["failure_type"] == "SYSTEM_OUT_OF_MEMORY"
    assert record["confidence"] >= 0.9
    assert "the control group reports an out-of-memory kill" in record["decision"]
