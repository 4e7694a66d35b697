"""One short name for "the same failure again", so that a thousand dead letters become one group.

Made of the class chain, the message with everything that varies taken out, the innermost frame of the project's own
code (file and function: line numbers move with every edit) and the task. Two runs of one bug share it; two bugs
should not. The leading version says which rules made it: stored groups stay valid when the rules change.
"""

from __future__ import annotations

import hashlib
import re

from redrive.taxonomy.facts import ExceptionFacts
from redrive.taxonomy.secrets import mask

VERSION = "1"
_MAX_TEXT = 2000

# In this order: a later rule must not see half of what an earlier one should have taken. Every quantifier is bounded
# or works on a class that its successor excludes, so that no input makes the search super-linear.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>)]{1,500}", "<url>"),
        (r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}", "<email>"),
        (r"\b[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\b", "<uuid>"),
        (r"\b\d{4}-\d\d-\d\d(?:[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:z|[+-]\d\d:?\d\d)?)?", "<time>"),
        (r"\b(?:mon|tue|wed|thu|fri|sat|sun),? [\w :,+-]{8,30}", "<time>"),
        (r"\b\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?", "<time>"),
        (r"\b0x[0-9a-f]{1,32}", "<addr>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b", "<ip>"),
        (r"\[?\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,7}\]?", "<ip>"),
        (r"“[^”]{0,500}”|«[^»]{0,500}»|»[^«]{0,500}«|‘[^’]{0,500}’", "<q>"),
        (r"\"(?!<s:)[^\"]{0,500}\"|`[^`]{0,500}`", "<q>"),
        (r"(?<![\w])'(?!<s:)[^']{0,500}'", "<q>"),
        (r"(?:[a-z]:)?(?:[\\/][\w.@~%+-]{1,120}){2,40}[\\/]?", "<path>"),
        (r"\b(?=[0-9a-f]{0,40}\d)[0-9a-f]{8,128}\b", "<n>"),
        (r"\b(?=\w{0,80}\d)(?=\w{0,80}[a-z])\w{16,120}\b", "<id>"),
        (r"[-+]?\d[\d.,]{0,40}", "<n>"),
        (r"\s+", " "),
    )
)


# What stays although it looks like something that varies: an HTTP status tells failures apart, and a class like
# KeyError says nothing but the name in quotes.
_STATUS = re.compile(
    r"^[45]\d\d\b|(?<=too many )[45]\d\d\b|"
    r"\b[45]\d\d(?= (?:client|server|error|bad|not|service|too|gateway|internal|forbidden|unauth))"
)
_NAME = re.compile(r"'([a-z_]{2,40}(?:\.[a-z_]{1,40}){0,4})'")
_NAMES_MATTER = frozenset(
    {
        "KeyError",
        "AttributeError",
        "NameError",
        "ImportError",
        "ModuleNotFoundError",
        "TypeError",
        "NotRegistered",
        "FileNotFoundError",
    }
)
_LETTERS = str.maketrans("0123456789", "abcdefghij")


def normalise_message(message: str, *, keep_names: bool = False) -> str:
    """``message`` with what varies between runs replaced by placeholders, lower case, at most 2000 characters read.

    ``"Order 118 not found at /srv/a/b.pdf"`` becomes ``"order <n> not found at <path>"``. HTTP statuses stay, as
    letters (``503 server error`` becomes ``<s:fad> server error``). With ``keep_names`` quoted words without digits
    stay too.
    """
    text = _STATUS.sub(lambda found: f"<s:{found[0].translate(_LETTERS)}>", message[:_MAX_TEXT].lower())
    if keep_names:
        text = _NAME.sub(r"<\1>", text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text.strip()


def fingerprint(facts: ExceptionFacts, task_name: str) -> str:
    """``"1:"`` and 32 hexadecimal digits; equal for two runs of the same bug."""
    parts = [task_name]
    for link in facts.links():
        message = normalise_message(
            mask(link.message[:_MAX_TEXT]), keep_names=link.exc_qualname in _NAMES_MATTER
        )
        parts.append(f"{link.via and 'behind'}|{link.exc_module}.{link.exc_qualname}|{message}")
    parts.append(_innermost_project_frame(facts))
    digest = hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace"))
    return f"{VERSION}:{digest.hexdigest()[:32]}"


def _innermost_project_frame(facts: ExceptionFacts) -> str:
    for frame in reversed(facts.frames):
        if frame.project:
            return f"{frame.file}:{frame.function}"
    return ""
