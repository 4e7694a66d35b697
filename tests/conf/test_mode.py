"""The mode can be switched on a machine while workers run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from redrive.conf import forget_mode, get_mode, switch_file


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path) -> Iterator[None]:
    with override_settings(REDRIVE={"MODE": "observe", "SPILL": {"DIRECTORY": str(tmp_path / "spill")}}):
        yield
    forget_mode()


def switch(text: str | bytes) -> None:
    switch_file().parent.mkdir(exist_ok=True)
    switch_file().write_bytes(text.encode() if isinstance(text, str) else text)
    forget_mode()


def test_without_a_switch_the_setting_counts() -> None:
    assert get_mode() == "observe"


@pytest.mark.parametrize("text", ["off", "on\n", " on "])
def test_the_switch_wins_over_the_setting(text: str) -> None:
    switch(text)

    assert get_mode() == text.strip()


@pytest.mark.parametrize("text", ["", "nonsense", b"\xff\xfe"])
def test_a_switch_that_says_nothing_is_no_switch(text: str | bytes) -> None:
    switch(text)

    assert get_mode() == "observe"


def test_a_switch_that_is_a_directory_is_no_switch() -> None:
    switch_file().mkdir(parents=True)
    forget_mode()

    assert get_mode() == "observe"


def test_it_is_looked_at_again_within_a_second() -> None:
    assert get_mode() == "observe"
    switch_file().parent.mkdir()
    switch_file().write_text("off")

    from tests.waiting import wait_until

    wait_until(lambda: get_mode() == "off", 2, "the switch is seen")


def test_a_switch_that_anybody_could_have_put_there_is_not_followed(caplog: pytest.LogCaptureFixture) -> None:
    switch("off")
    switch_file().parent.chmod(0o777)

    assert get_mode() == "observe"
    assert (
        f"the mode switch is not followed: {switch_file().parent} can be written by everybody" in caplog.text
    )
    switch_file().parent.chmod(0o770)
    forget_mode()
    assert get_mode() == "off"
