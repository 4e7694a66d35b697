"""The browser of the web tests: Debian's Chromium, driven by Playwright."""

import shutil

from tests.servers.process import Unavailable

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """The path of an installed Chromium. (Playwright's own download would need a host that is no package
    registry.)

    Raises:
        Unavailable: no Chromium on PATH.
    """
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    raise Unavailable("Chromium", "apt-get install chromium")
