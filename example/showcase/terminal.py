"""How the demo talks: one block redrawn in place on a terminal, plain lines anywhere else."""

import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import TextIO

CLEAR_AND_HOME = "\x1b[H\x1b[J"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
OTHER_SCREEN, FIRST_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
LINE_EVERY_SECONDS = 5.0
MAX_NEWS = 200


class Terminal:
    """Prints to `out`. News may come from any thread; blocks only from the main one."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._news: deque[str] = deque(maxlen=MAX_NEWS)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._last_line_at = float("-inf")
        self.is_live = False

    @property
    def can_redraw(self) -> bool:
        return self._out.isatty()

    def print(self, text: str = "") -> None:
        """A line that stays."""
        with self._lock:
            print(text, file=self._out, flush=True)

    def say(self, text: str) -> None:
        """A piece of news: lines of their own, or the newest of the list inside the block."""
        stamped = f"{self.elapsed()}  {text}"
        with self._lock:
            self._news.extend(stamped.splitlines())
            if not (self.is_live and self.can_redraw):
                print(stamped, file=self._out, flush=True)

    def elapsed(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 60:02}:{seconds % 60:02}"

    def go_live(self) -> None:
        """From now on `show` redraws the whole screen, if this is a terminal."""
        self.is_live = True
        if self.can_redraw:
            print(OTHER_SCREEN + HIDE_CURSOR, end="", file=self._out, flush=True)

    def leave(self) -> None:
        """Give the screen back as it was."""
        if self.is_live and self.can_redraw:
            print(SHOW_CURSOR + FIRST_SCREEN, end="", file=self._out, flush=True)
        self.is_live = False

    def show(self, block: Sequence[str], line: str) -> None:
        """On a terminal the block and the newest news; elsewhere the line, every few seconds."""
        if self.can_redraw:
            self._redraw(block)
        elif time.monotonic() - self._last_line_at >= LINE_EVERY_SECONDS:
            self._last_line_at = time.monotonic()
            self.print(f"{self.elapsed()}  {line}")

    def _redraw(self, block: Sequence[str]) -> None:
        width, height = shutil.get_terminal_size()
        with self._lock:
            room = max(0, height - len(block) - 3)
            news = list(self._news)[-room:] if room else []
            lines = [*block, "", *news]
            text = "\n".join(line[: width - 1] for line in lines[: height - 1])
            print(CLEAR_AND_HOME + text, end="", file=self._out, flush=True)
