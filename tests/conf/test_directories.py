"""Directories of our own: made for this user only, and not used where somebody else might have been."""

import os
import stat
from pathlib import Path

import pytest

from redrive.directories import make, owner_of, why_unsafe


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    directory = tmp_path / "redrive" / "shop"
    make(directory)
    return directory


def somebody_elses(tmp_path: Path) -> Path:
    """A directory that is not this user's: only root can give one away, and to others root's are somebody else's."""
    if os.geteuid() != 0:
        return Path("/usr/lib")
    directory = tmp_path / "theirs"
    directory.mkdir(mode=0o755)
    os.chown(directory, 65534, -1)
    return directory


def test_what_is_made_is_for_this_user_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        make(tmp_path / "a" / "b")
    finally:
        os.umask(before)

    assert (mode_of(tmp_path / "a"), mode_of(tmp_path / "a" / "b")) == (0o700, 0o700)


def test_what_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o750)

    make(tmp_path / "a")

    assert mode_of(tmp_path / "a") == 0o750


@pytest.mark.parametrize("is_own", [True, False])
def test_what_was_made_is_safe_and_what_is_not_there_yet_too(own: Path, is_own: bool) -> None:
    assert why_unsafe(own, own=is_own) is None
    assert why_unsafe(own / "later" / "still", own=is_own) is None


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o1777])
@pytest.mark.parametrize("which", ["itself", "the one above"])
def test_a_default_directory_that_others_can_write_to_is_not_used(own: Path, mode: int, which: str) -> None:
    path = own if which == "itself" else own.parent
    path.chmod(mode)

    assert str(why_unsafe(own, own=True)) == f"{path} can be written by other users. Type: chmod go-w {path}"


def test_a_default_directory_of_somebody_else_is_not_used(tmp_path: Path) -> None:
    theirs = somebody_elses(tmp_path)

    for directory in (theirs, theirs / "shop"):
        unsafe = why_unsafe(directory, own=True)
        assert unsafe is not None
        assert " belongs to " in unsafe.message
        assert "Type: chown " in unsafe.remedy


def test_a_link_in_the_place_of_the_directory_above_is_not_followed(own: Path, tmp_path: Path) -> None:
    (tmp_path / "trap").symlink_to(own.parent)

    unsafe = why_unsafe(tmp_path / "trap" / "shop", own=True)

    assert unsafe is not None
    assert unsafe.message == f"{tmp_path / 'trap'} is not a directory"


def test_a_directory_that_was_asked_for_may_be_another_users_or_a_groups(own: Path, tmp_path: Path) -> None:
    own.chmod(0o2770)

    assert why_unsafe(own, own=False) is None
    assert why_unsafe(somebody_elses(tmp_path), own=False) is None


def test_a_directory_that_was_asked_for_is_not_used_if_everybody_can_write_to_it(own: Path) -> None:
    own.chmod(0o1777)

    assert str(why_unsafe(own, own=False)) == f"{own} can be written by everybody. Type: chmod o-w {own}"


def test_an_owner_is_named_or_numbered(own: Path) -> None:
    import pwd

    name = pwd.getpwuid(os.geteuid()).pw_name

    assert owner_of(own) == owner_of(own / "later") == name
