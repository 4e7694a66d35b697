"""Read a printed traceback back into facts: from a log, a bug report, a terminal.

What is read: Python's own format with its chains ("The above exception was the direct cause...", "During handling
of..."), exception groups, Celery's log lines around it, colours, and a bare last line such as ``ValueError: no``.
What a live exception knows beyond its words (attributes, base classes of libraries) is lost, so that a live one is
classified a little better.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from redrive.taxonomy.extract import KEPT_FRAMES, KEPT_FRAMES_BEHIND, place_of
from redrive.taxonomy.facts import MAX_CHAIN, MAX_MESSAGE, ExceptionFacts, Frame, cut, text_of
from redrive.taxonomy.secrets import mask

MAX_TEXT = 1_000_000
"""Characters that are read; of a longer text the last ones, where the failure is."""

_COLOUR = re.compile(r"\x1b\[[0-9;]{0,20}m")
_HEAD = re.compile(r"(?:Exception Group )?Traceback \(most recent call last\):\s*$")
_FRAME = re.compile(r'^\s{1,40}File "([^"]{1,1000})", line (\d{1,9})(?:, in (.{1,300}))?$')
_CLASS = re.compile(r"^((?:[^\W\d]\w{0,100}\.){0,12}(?:<locals>\.)?[^\W\d]\w{0,100})(?:: ?(.*))?$", re.DOTALL)
_BARE = re.compile(
    r"^((?:[^\W\d]\w{0,100}\.){0,12}[A-Z]\w{0,100}(?:Error|Exception|Exit|Interrupt|Warning|Timeout|Lost|Refused))"
    r"(?:: ?(.*))?$"
)
_LOG_LINE = re.compile(r"^(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d|(?:DEBUG|INFO|WARNING|ERROR|CRITICAL)[ :])")
_TASK = re.compile(
    r"Task (?:handler )?([\w.]{1,255})\[[\w-]{1,255}\] (?:raised|retry|failed|succeeded|Failure)"
)
_GROUP_MARGIN = re.compile(r"^\s{0,80}[|+]-? ?")
_GROUP_MEMBER = re.compile(r"^\s{0,80}\+-[+-]-{3,40} (?:\d{1,5}|\.\.\.) -{3,40}")
_CAUSE = "The above exception was the direct cause of the following exception:"
_CONTEXT = "During handling of the above exception, another exception occurred:"


@dataclass(frozen=True, slots=True)
class ParsedText:
    """What a text says.

    Attributes:
        facts: Its last failure with everything behind it; None where no exception can be found.
        task_name: Of the Celery log line around it, or empty.
        failures: How many separate failures the text has.
    """

    facts: ExceptionFacts | None
    task_name: str = ""
    failures: int = 0


@dataclass(slots=True)
class _Block:
    """One printed exception: how it follows from the one printed before, its frames, its last lines."""

    via: str
    frames: list[tuple[str, int, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    closed: bool = False


def parse_text(text: str) -> ParsedText:
    """Find the last failure in ``text``. Never raises; time is linear in the text's length."""
    lines = _COLOUR.sub("", text_of(text)[-MAX_TEXT:]).splitlines()
    blocks, task = _blocks(lines)
    if not blocks:
        bare = next((match for line in reversed(lines) if (match := _BARE.match(line.strip()))), None)
        facts = None if bare is None else _facts(_Block("", words=[bare[0]]), KEPT_FRAMES)
        return ParsedText(facts, _task_of(lines), 0 if facts is None else 1)
    failures = max(1, sum(1 for block in blocks if block.via == ""))
    chain = blocks[max((number for number, block in enumerate(blocks) if block.via == ""), default=0) :]
    inside = next(
        (number for number, block in enumerate(chain) if number and block.via == "member"), len(chain)
    )
    links, members = chain[:inside], chain[inside:]
    # Printed first to last, read last to first; how a link was reached is printed at the one after it.
    head = _facts(links[-1], KEPT_FRAMES)
    behind = [
        replace(_facts(block, KEPT_FRAMES_BEHIND), via=after.via)
        for block, after in zip(reversed(links[:-1]), reversed(links[1:]), strict=True)
    ]
    behind += [replace(_facts(block, KEPT_FRAMES_BEHIND), via="member") for block in members]
    if len(behind) > MAX_CHAIN:
        behind = behind[: MAX_CHAIN - 2] + behind[-2:]
    return ParsedText(replace(head, chain=tuple(behind)), task, failures)


def _blocks(lines: list[str]) -> tuple[list[_Block], str]:
    """The printed exceptions in order, and the task of the log line before the last failure."""
    found: list[_Block] = []
    task = ""
    seen_task = ""
    via = ""
    for raw in lines:
        named = _TASK.search(raw)
        if named is not None:
            seen_task = named[1]
        if _GROUP_MEMBER.match(raw):
            via = "member"
            if found:
                found[-1].closed = True
            continue
        line = _GROUP_MARGIN.sub("", raw) if _in_group(raw) else raw
        head = _HEAD.search(line)
        current = found[-1] if found else None
        if head is not None:
            found.append(_Block(via))
            if via == "":
                task = seen_task
            via = ""
        elif line.strip() == _CAUSE or line.strip() == _CONTEXT:
            via = "cause" if line.strip() == _CAUSE else "context"
            if current is not None:
                current.closed = True
        elif current is not None and not current.closed:
            _take(current, line)
    return [block for block in found if block.words], task or seen_task


def _in_group(line: str) -> bool:
    stripped = line.lstrip()
    return stripped.startswith(("| ", "+ ")) or stripped == "|"


def _take(block: _Block, line: str) -> None:
    """One more line of a block: a frame, its source, the exception, or more of its message."""
    if block.words:
        if _LOG_LINE.match(line) or line.strip() == '"""':
            block.closed = True
        else:
            block.words.append(line)
        return
    frame = _FRAME.match(line)
    if frame is not None:
        block.frames.append((frame[1], int(frame[2]), (frame[3] or "<module>").strip()))
    elif line[:1].strip() and _CLASS.match(line):
        block.words.append(line)


def _facts(block: _Block, kept: int) -> ExceptionFacts:
    while len(block.words) > 1 and not block.words[-1].strip():
        block.words.pop()
    match = _CLASS.match("\n".join(block.words))
    dotted, message = (match[1], match[2] or "") if match is not None else ("", "")
    module, qualname, mro = _class_of(dotted)
    frames = [
        Frame(file, line, function, project)
        for path, line, function in block.frames
        for file, project in (_place(path),)
    ]
    shown = frames[-kept:]
    if not any(frame.project for frame in shown):
        shown = [frame for frame in frames[:-kept] if frame.project][-1:] + shown
    return ExceptionFacts(module, qualname, mro, cut(mask(message), MAX_MESSAGE), frames=tuple(shown))


def _class_of(dotted: str) -> tuple[str, str, tuple[str, ...]]:
    """Module, name and bases. Printed without a module is a built-in class, or one of the script itself."""
    module, _, name = dotted.rpartition(".")
    known = getattr(builtins, name, None) if module in ("", "builtins") else None
    if isinstance(known, type) and issubclass(known, BaseException):
        bases = tuple(_bases(known))
        return "builtins", name, bases
    module = module or "__main__"
    return module, name, (f"{module}.{name}", "builtins.Exception")


def _bases(cls: type[BaseException]) -> Iterator[str]:
    return (
        f"{base.__module__}.{base.__qualname__}"
        for base in cls.__mro__
        if base is not object and base is not BaseException
    )


_ELSEWHERE = re.compile(r"/lib(?:64)?/python3(?:\.\d{1,2})?/(?!site-packages|dist-packages)(.{1,500})$")


def _place(path: str) -> tuple[str, bool]:
    """As for a live exception, and for the standard library of another machine."""
    elsewhere = _ELSEWHERE.search(path.replace("\\", "/"))
    return (elsewhere[1], False) if elsewhere is not None else place_of(path)


def _task_of(lines: list[str]) -> str:
    return next((match[1] for line in reversed(lines) if (match := _TASK.search(line))), "")
