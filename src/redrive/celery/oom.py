"""Whether a killed pool child was killed for its memory: what the control group says.

The kernel counts, per control group, the processes that any of its out-of-memory killers has ended (``oom_kill`` in
``memory.events``, version 2, or in ``memory.oom_control``, version 1). Both are a few bytes that need no disk.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_COUNT = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)
_SIGNAL_9 = re.compile(r"signal 9\b|SIGKILL|exitcode -9\b")


def _files(root: Path) -> Iterator[Path]:
    """Where the count may be, the most exact place first. A container may see its own group as the top one."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mounts = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inner = path.lstrip("/")
        if "memory" in controllers.split(","):
            for group in (mounts / "memory" / inner, mounts / "memory"):
                yield group / "memory.oom_control"
        elif not controllers:
            for group in (mounts / inner, mounts / "unified" / inner):
                yield group / "memory.events"


def count_kills(root: Path = Path("/")) -> int | None:
    """Processes of this process's control group that were killed for memory so far; None where nobody tells."""
    for file in _files(root):
        try:
            found = _COUNT.search(file.read_text())
        except OSError:
            continue
        if found:
            return int(found[1])
    return None


class OomWatch:
    """Tells lost children that were killed for memory from others, as far as the control group's count allows.

    Each kill that is counted explains one lost child: the first that is asked about.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root
        self._explained: int | None = None

    def begin(self) -> None:
        """Count from here on: what was killed before is nobody's child."""
        self._explained = count_kills(self._root)

    def explains(self) -> bool | None:
        """Whether a memory kill has happened that no other child was lost by; None where it cannot be known."""
        count = count_kills(self._root)
        if count is None or self._explained is None:
            return None
        if count <= self._explained:
            return False
        self._explained += 1
        return True


def is_signal_9(message: str) -> bool:
    """Whether Celery's message on a lost child names the signal that memory killers send."""
    return _SIGNAL_9.search(message) is not None


def words_on_lost_child(message: str, confirmed: bool | None) -> str:
    """What is known, and what is not, of a child that was lost with Celery's message."""
    if not is_signal_9(message):
        return "The process that ran it ended under it, without a traceback."
    says = {
        True: "the control group reports an out-of-memory kill",
        False: "the control group reports no out-of-memory kill, so somebody or something else sent it",
        None: "nothing tells who sent it",
    }
    return f"The process that ran it was killed by signal 9, without a traceback; {says[confirmed]}."
