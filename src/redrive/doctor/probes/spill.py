"""The spill directory of this machine and project."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from redrive import runtime
from redrive.conf import get_settings, spill_unsafe
from redrive.doctor.facts import SpillFacts
from redrive.doctor.probes.bounded import reason_of

MOUNTS = Path("/proc/self/mountinfo")


def spill_facts() -> SpillFacts:
    """The directory, its file system and its content. Leaves nothing behind."""
    settings = get_settings().spill
    directory = settings.directory
    there = _nearest(directory)
    state = runtime.spill().state()
    return SpillFacts(
        directory=str(directory),
        problem=_problem(directory, there),
        filesystem=filesystem_of(there),
        temporary=directory.is_relative_to(tempfile.gettempdir()),
        free_bytes=shutil.disk_usage(there).free,
        max_bytes=settings.max_bytes,
        waiting_bytes=state.waiting_bytes,
        waiting_lines=state.waiting_lines,
        rejected_lines=state.rejected_lines,
        newer_lines=state.newer_lines,
        max_lines=None if settings.redis_url is None else int(settings.max_lines),
        list_lines=state.list_lines,
    )


def _nearest(path: Path) -> Path:
    """The path, or the nearest parent that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _problem(directory: Path, there: Path) -> str:
    """Why a line could not be written, found out by writing; empty if it could."""
    if there != directory:
        if not there.is_dir():
            return f"{there} is not a directory"
        return "" if os.access(there, os.W_OK | os.X_OK) else f"no permission to make it in {there}"
    if unsafe := spill_unsafe():
        return str(unsafe)
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        return reason_of(exc)
    return ""


def filesystem_of(path: Path) -> str:
    """Type of the file system a path lies on, such as ``ext4``; empty where the kernel does not say."""
    try:
        lines = MOUNTS.read_text().splitlines()
    except OSError:
        return ""
    best, found = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = before.split()[4].encode().decode("unicode_escape")
        # Of two mounts on one place the later hides the earlier.
        if path.resolve().is_relative_to(mount) and len(mount) >= best:
            best, found = len(mount), after.split()[0]
    return found
