"""What must still be said when pytest itself falls: it prints no summary then, and of what it prints the end is cut off
first where output is kept short."""

import sys

import pytest

_LINES = 15  # of a traceback that may have hundreds, when it has come from another process


class LastWords:
    """Remembers which tests had failed and where pytest fell. Says nothing unless it fell."""

    def __init__(self) -> None:
        self._fell: list[str] = []
        self._failed: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.outcome in ("failed", "rerun"):
            reason = str(report.longrepr).strip().splitlines()[-1:]
            self._failed.append(f"{report.outcome} {report.nodeid}: {' '.join(reason)}")

    def pytest_internalerror(self, excrepr: object) -> None:
        if not self._fell:  # the first fall is the cause; what comes after it are consequences
            self._fell = str(excrepr).strip().splitlines()[-_LINES:]

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        if self._fell and not hasattr(
            config, "workerinput"
        ):  # of several processes, the first one has heard it all
            words = [
                "",
                "pytest itself fell:",
                *self._fell,
                "",
                "before that:",
                *(self._failed or ["no failure"]),
            ]
            sys.stderr.write("\n".join(words) + "\n")
