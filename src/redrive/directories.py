"""Local directories: where this project keeps its own, and whether what lies in one can be trusted.

The spill holds arguments of tasks, and a keeper turns its lines into messages; the mode switch beside it turns Redrive
off. So nobody else may write there, and a directory in a place that everybody can write to may be somebody's trap.
"""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_ELSEWHERE = 'set REDRIVE = {"SPILL": {"DIRECTORY": "/a/directory/of/its/own"}}.'


@dataclass(frozen=True, slots=True)
class Unsafe:
    """Why a directory cannot be trusted, and what to type."""

    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message}. {self.remedy}"


def default_directory(name: str) -> Path:
    """This user's directory of that name, which survives a restart; a temporary one where there is no home."""
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    if os.path.isabs(home) and can_write(Path(home)):
        return Path(home) / "redrive" / name
    return Path(tempfile.gettempdir()) / f"redrive-{os.geteuid()}" / name


def can_write(path: Path) -> bool:
    """Whether this user may create entries in path, or in the nearest parent that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def make(directory: Path) -> None:
    """Make a directory and the parents it lacks, for this user only. Raises OSError."""
    if directory.is_dir():
        return
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)


def why_unsafe(directory: Path, *, own: bool) -> Unsafe | None:
    """Why nothing may be read from or written to a directory; None if it may, or is not there yet. Never raises.

    Args:
        directory: The directory.
        own: Whether it (and the directory above it) must be this user's and written by nobody else, as our default
            ones must; else it only must not be for everybody to write (a mounted volume may be another user's).
    """
    if not own:
        status = _status(directory, follow=True)
        if status is not None and stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_IWOTH:
            return Unsafe(f"{directory} can be written by everybody", f"Type: chmod o-w {directory}")
        return None
    # The one above: whoever owns that can put another in the place of ours. A link there may be such a trap.
    for path, follow in ((directory.parent, False), (directory, True)):
        status = _status(path, follow=follow)
        if status is None:
            continue
        if not stat.S_ISDIR(status.st_mode):
            return Unsafe(f"{path} is not a directory", f"Remove it, or {_ELSEWHERE}")
        if status.st_uid != os.geteuid():
            owner, user = user_name(status.st_uid), user_name(os.geteuid())
            return Unsafe(
                f"{path} belongs to {owner}, and this process runs as {user}",
                f"Type: chown {user} {path} (or run this as {owner}), or {_ELSEWHERE}",
            )
        if status.st_mode & _OTHERS:
            return Unsafe(f"{path} can be written by other users", f"Type: chmod go-w {path}")
    return None


def owner_of(path: Path) -> str:
    """Name of the user whom path, or the nearest parent that exists, belongs to; empty if that cannot be told."""
    while not path.exists() and path != path.parent:
        path = path.parent
    status = _status(path, follow=True)
    return "" if status is None else user_name(status.st_uid)


def user_name(uid: int) -> str:
    """A user's name, or the number where there is none (containers)."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _status(path: Path, *, follow: bool) -> os.stat_result | None:
    try:
        return os.stat(path, follow_symlinks=follow)
    except OSError:
        return None
