"""Many processes append while another drains and is killed: every line comes out exactly once."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.waiting import wait_until

WRITER = """
import sys
from pathlib import Path
from redrive.recorder import FileSpill
directory, number, count = sys.argv[1:4]
spill = FileSpill(Path(directory), 10**9)
for n in range(int(count)):
    spill.append("ending", {"n": f"{number}-{n}", "pad": "x" * (n * 37 % 900)})
"""

# What keeper/drain.py does, with SQLite in the place of the database: lines and offset in one transaction.
DRAINER = """
import sqlite3, sys
from pathlib import Path
from redrive.recorder import FileSpill, spill as module
module.CHUNK = 5
directory, database = sys.argv[1:3]
spill = FileSpill(Path(directory), 10**9)
connection = sqlite3.connect(database, isolation_level=None, timeout=30)

def apply(name, offset, lines):
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO line VALUES (?)", [(line.payload["n"],) for line in lines])
    connection.execute("INSERT OR REPLACE INTO done VALUES (?, ?)", (name, offset))
    connection.execute("COMMIT")

def done(name):
    row = connection.execute("SELECT at FROM done WHERE name = ?", (name,)).fetchone()
    return row[0] if row else 0

print("ready", flush=True)
while True:
    spill.drain(apply, done)
"""


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", *arguments], stdout=subprocess.PIPE)


def test_every_line_comes_out_once_whoever_is_killed(tmp_path: Path) -> None:
    writers, lines_each, seed = 4, 150, random.Random(7)
    directory, database = tmp_path / "spill", tmp_path / "applied.sqlite3"
    connection = sqlite3.connect(database, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE line (n TEXT)")
    connection.execute("CREATE TABLE done (name TEXT PRIMARY KEY, at INTEGER)")
    connection.commit()
    running = [_start(WRITER, str(directory), str(n), str(lines_each)) for n in range(writers)]

    def applied() -> int:
        return int(connection.execute("SELECT count(*) FROM line").fetchone()[0])

    drainers = []
    try:
        for _ in range(8):
            drainers = [_start(DRAINER, str(directory), str(database)) for _ in range(2)]
            for drainer in drainers:
                assert drainer.stdout is not None
                drainer.stdout.readline()
            before = applied()
            more = seed.randrange(1, 60)
            wait_until(
                lambda before=before, more=more: applied() >= min(before + more, writers * lines_each),  # type: ignore[misc]
                20,
                "some lines are applied",
                every=0.001,
            )
            for drainer in drainers:
                _kill(drainer)
        drainers = [_start(DRAINER, str(directory), str(database))]
        wait_until(lambda: applied() >= writers * lines_each, 30, lambda: f"all lines, not {applied()}")
    finally:
        for process in (*running, *drainers):
            _kill(process)

    names = sorted(row[0] for row in connection.execute("SELECT n FROM line"))
    connection.close()
    assert names == sorted(f"{w}-{n}" for w in range(writers) for n in range(lines_each))
    assert not (directory / "rejected.jsonl").exists()


def test_writers_that_are_killed_lose_at_most_the_line_they_wrote(tmp_path: Path) -> None:
    """A line that ``append`` returned for is there; a half one does not swallow its neighbour."""
    directory = tmp_path / "spill"
    writers = [_start(WRITER, str(directory), str(n), "100000") for n in range(3)]
    path = directory / "spill.jsonl"
    wait_until(lambda: path.exists() and path.stat().st_size > 50_000, 20, "some lines are written")
    for writer in writers:
        _kill(writer)

    from redrive.recorder import FileSpill

    FileSpill(directory, 10**9).append("ending", {"n": "last"})

    seen: dict[str, list[int]] = {}
    # On a slow disk a writer that could not get the lock goes on in a file of its own.
    lines = [line for file in directory.glob("spill-*.jsonl") for line in file.read_bytes().split(b"\n")]
    lines += path.read_bytes().split(b"\n")
    torn = 0
    for line in lines:
        try:
            name = json.loads(line)["payload"]["n"] if line else ""
        except ValueError:
            torn += 1
            continue
        number, _, n = name.partition("-")
        if n:
            seen.setdefault(number, []).append(int(n))
    assert torn <= 3
    assert json.loads(lines[-2])["payload"]["n"] == "last"
    for numbers in seen.values():
        assert sorted(numbers) == list(range(len(numbers)))


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    if process.stdout is not None:
        process.stdout.close()
