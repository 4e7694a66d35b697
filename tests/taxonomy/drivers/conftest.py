"""What the failures of one file leave open is found in that file, not in whichever test runs when it is collected."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def nothing_left_open() -> Iterator[None]:
    """Collect garbage at the end of a file: a socket that it lost is a ResourceWarning there, and so an error."""
    yield
    gc.collect()
