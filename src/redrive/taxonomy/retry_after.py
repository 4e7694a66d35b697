"""How long a server asked us to wait, in all the forms servers use.

Header forms: ``Retry-After`` as seconds or HTTP date (RFC 9110 section 10.2.3), ``retry-after-ms``,
``RateLimit-Reset`` (draft-ietf-httpapi-ratelimit-headers), ``X-RateLimit-Reset`` as seconds, Unix time or a span such
as ``6m0s``. Attribute forms: ``retry_after``, ``retry_delay``, Telegram's flood wait. Text forms: "try again in 1.4s",
"A wait of 42 seconds is required", Google's ``retryDelay``.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from redrive.taxonomy.facts import ExceptionFacts
from redrive.taxonomy.types import Scalar

MAX_WAIT_SECONDS = 86_400.0
"""Nobody is believed who asks for more than a day: a wrong clock or a hostile server must not park a task."""

_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_TEXT = re.compile(
    r"(?:try again in|retry after|retry in|retry-after['\"]?:|wait of|retrydelay['\"]?:|retry_after['\"]?:|flood_wait_|"
    r"available in|please wait)"
    r" {0,3}['\"]?(?:about |~)?(\d{1,9}(?:\.\d{1,6})?) ?(ms|milliseconds?|s\b|secs?\b|seconds?|"
    r"m(?![a-z])|mins?\b|minutes?|h\b|hours?)?((?:\d{1,9}(?:\.\d{1,3})?s)?)"
)
_TEXT_HINTS = ("again in", "retry", "wait", "available in")
"""One of these is in every text that the pattern matches; looking for them is quicker."""
_HEADERS = (
    "header.retry-after-ms",
    "header.retry-after",
    "header.x-ratelimit-reset-after",
    "header.ratelimit-reset",
    "header.x-ratelimit-reset",
    "header.x-rate-limit-reset",
    "header.x-ratelimit-reset-requests",
    "header.x-ratelimit-reset-tokens",
)
_ATTRIBUTES = ("retry_after", "retry_delay")
_FLOOD_CLASSES = ("FloodWait", "FloodWaitError", "SlowModeWaitError", "SlowmodeWait", "RetryAfter")


def server_wait_seconds(facts: ExceptionFacts, now: datetime | None) -> tuple[float, str] | None:
    """The wait a server asked for, 0..MAX_WAIT_SECONDS, and where it was read; None where none did.

    Args:
        facts: The failure; the first exception of its chain that states a wait decides.
        now: Aware time of the failure, needed for dates only when the answer carried no ``Date`` of its own.
    """
    for link in facts.links():
        if link.attrs:
            stated = _stated_wait(link, now)
            if stated is not None:
                return stated
        for text in (link.message, link.attrs.get("response.text"), link.attrs.get("body")):
            if isinstance(text, str):
                seconds = _text_seconds(text[:4000].lower())
                if seconds is not None:
                    return seconds, "message"
    return None


def _stated_wait(link: ExceptionFacts, now: datetime | None) -> tuple[float, str] | None:
    """The wait in headers and attributes of one exception."""
    date = _http_date(link.attrs.get("header.date"))
    reference = date or now
    for name in _HEADERS:
        value = link.attrs.get(name)
        seconds = None if value is None else _header_seconds(name, value, reference)
        if seconds is not None:
            return seconds, name
    for name in _ATTRIBUTES:
        seconds = _number(link.attrs.get(name))
        if seconds is not None:
            return seconds, name
    if link.exc_qualname in _FLOOD_CLASSES:
        for name in ("seconds", "value"):
            seconds = _number(link.attrs.get(name))
            if seconds is not None:
                return seconds, name
    return None


def _sane(seconds: float) -> float | None:
    return min(seconds, MAX_WAIT_SECONDS) if math.isfinite(seconds) and seconds >= 0 else None


def _number(value: Scalar) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return _sane(float(value))
    if isinstance(value, str) and len(value) < 40:
        text = value.strip()
        try:
            return _sane(float(text)) if "_" not in text else None
        except ValueError:
            parts = _SPAN.findall(text.lower())
            if parts and "".join(number + unit for number, unit in parts) == text.lower():
                return _sane(sum(float(number) * _UNITS[unit] for number, unit in parts))
    return None


def _header_seconds(name: str, value: str | float, reference: datetime | None) -> float | None:
    seconds = _number(value)
    if seconds is None:
        moment = _http_date(value)
        if moment is None or reference is None:
            return None
        return _sane(max(0.0, (moment - reference).total_seconds()))
    if name.endswith("-ms"):
        return _sane(seconds / 1000)
    if name.endswith("reset"):
        raw = float(value) if not isinstance(value, str) else _plain_float(value)
        if raw is not None and raw > 1_000_000_000:  # a Unix time, not a span
            epoch = raw / 1000 if raw > 100_000_000_000 else raw
            return _sane(max(0.0, epoch - reference.timestamp())) if reference else None
    return seconds


def _plain_float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _http_date(value: Scalar) -> datetime | None:
    if not isinstance(value, str) or len(value) > 60:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _text_seconds(text: str) -> float | None:
    for hint in _TEXT_HINTS:
        if hint in text:
            break
    else:
        return None
    match = _TEXT.search(text)
    if match is None:
        return None
    number, unit, rest = float(match[1]), match[2] or "s", match[3]
    factor = 0.001 if unit.startswith(("ms", "mil")) else _UNITS[unit[0]]
    return _sane(number * factor + (float(rest[:-1]) if rest else 0.0))
