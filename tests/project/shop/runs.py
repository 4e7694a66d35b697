"""A line per run of a task body, in a file.

A file, because tests take every server away: it still counts while database, broker and Redis are down, and a
line of this size appended in one write is whole even when the process is killed right after.
"""

import json
import os
import time
from pathlib import Path

from celery import current_task


def note(name: str, label: str, **more: object) -> int:
    """Append one line to the file in RUNS_FILE and return how often this task ran for `label`, this run
    included.
    """
    path = Path(os.environ["RUNS_FILE"])
    request = current_task.request
    line = {
        "task": name,
        "label": label,
        "task_id": request.id,
        "retries": request.retries,
        "redelivered": bool((request.delivery_info or {}).get("redelivered")),
        "pid": os.getpid(),
        "at": time.time(),
        **more,
    }
    with path.open("ab", buffering=0) as file:
        file.write(json.dumps(line).encode() + b"\n")
    return sum(run["task"] == name and run["label"] == label for run in read(path))


def read(path: Path) -> list[dict[str, object]]:
    """Every run so far, oldest first."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
