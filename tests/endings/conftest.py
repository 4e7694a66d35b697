"""Tables of the tests here are printed with the last lines of the run, whatever came of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

_tables_key = pytest.StashKey[list[str]]()


@pytest.fixture
def record_table(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Keep a text for the end of the run."""
    return pytestconfig.stash.setdefault(_tables_key, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what was kept."""
    for text in config.stash.get(_tables_key, []):
        terminalreporter.write_line(f"\n{text}")
