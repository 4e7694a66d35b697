"""How a record's facts look on every page: badges, progress bars, relative times, addresses.

The functions are plain Python (the admin calls them) and template filters or tags (``{% load redrive %}``). They take
``now`` as an argument; nothing here looks at the clock. Marks carry classes only, no inline style, so that they work
under a strict Content Security Policy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from redrive.taxonomy import FailureType

register = template.Library()

STATUS_WORDS: Mapping[str, tuple[Any, str]] = {
    # status: (short word for operators, tone)
    "PENDING": (gettext_lazy("Dead"), "bad"),
    "RETRYING": (gettext_lazy("Runs again"), "warn"),
    "RESOLVED": (gettext_lazy("Resolved"), "good"),
    "ABANDONED": (gettext_lazy("Abandoned"), "quiet"),
}
OFFERED: Mapping[str, tuple[str, ...]] = {
    # act: statuses in which its button is shown. "hurry" is a retry of a task that waits: it runs now.
    "retry": ("PENDING", "ABANDONED"),
    "hurry": ("RETRYING",),
    "abandon": ("PENDING", "RETRYING"),
}
CATEGORY_TONES: Mapping[str, str] = {
    "TRANSIENT": "info",
    "PERMANENT": "violet",
    "CONFIGURATION": "orange",
    "EXTERNAL": "teal",
    "SYSTEM": "bad",
    "UNKNOWN": "quiet",
}
BREAKER_TONES: Mapping[str, str] = {"closed": "good", "ramp": "warn", "half_open": "warn", "open": "bad"}

HALF_USED = 0.5
"""Share of the allowed retries from which the progress bar is orange."""
NEARLY_USED = 0.8
"""Share from which it is red: one retry left of five, none left of three."""


def share_tone(retry_count: int, max_retries: int) -> str:
    """``good`` below half of the allowed retries, ``warn`` from half, ``bad`` from four fifths; ``quiet`` if none are
    allowed."""
    if max_retries <= 0:
        return "quiet"
    share = retry_count / max_retries
    return "bad" if share >= NEARLY_USED else "warn" if share >= HALF_USED else "good"


@register.simple_tag
def retry_progress(retry_count: int, max_retries: int) -> SafeString:
    """A bar with its numbers: ``3 of 5``."""
    if max_retries <= 0:
        words = _("none") if not retry_count else _("%(count)s by hand") % {"count": retry_count}
        return format_html('<span class="redrive-share redrive-quiet">{}</span>', words)
    words = _("%(count)s of %(max)s") % {"count": retry_count, "max": max_retries}
    return format_html(
        '<span class="redrive-share"><progress class="redrive-bar redrive-bar--{tone}" value="{value}" max="{max}" '
        'aria-label="{label}"></progress> <span class="redrive-nowrap">{words}</span></span>',
        tone=share_tone(retry_count, max_retries),
        value=min(retry_count, max_retries),
        max=max_retries,
        label=_("Retries used"),
        words=words,
    )


def badge(text: Any, tone: str, title: Any = "") -> SafeString:
    """A coloured word. Colour is never the only sign: the word says the same."""
    if title:
        return format_html(
            '<span class="redrive-badge redrive-badge--{}" title="{}">{}</span>', tone, title, text
        )
    return format_html('<span class="redrive-badge redrive-badge--{}">{}</span>', tone, text)


@register.filter
def status_badge(status: str) -> SafeString:
    """The badge of a record's status; the stored word is its title."""
    words, tone = STATUS_WORDS.get(status, (status, "quiet"))
    return badge(words, tone, status)


@register.filter
def status_words(status: str) -> str:
    """A status in a word or two for operators."""
    return str(STATUS_WORDS.get(status, (status, ""))[0])


@register.filter
def may(status: str, act: str) -> bool:
    """Whether to offer an act for a record in status; whether it is done the service decides at that moment."""
    return status in OFFERED.get(act, ())


@register.filter
def type_badge(failure_type: str) -> SafeString:
    """The badge of a failure type, coloured by its category."""
    return badge(failure_type, type_tone(failure_type))


def type_tone(failure_type: str) -> str:
    """The tone of a failure type's category; ``quiet`` for a value this version does not know."""
    try:
        return CATEGORY_TONES[FailureType(failure_type).category.value]
    except ValueError:
        return "quiet"


@register.filter
def breaker_badge(state: str) -> SafeString:
    """The badge of a circuit breaker's state."""
    return badge(state.replace("_", "-"), BREAKER_TONES.get(state, "quiet"))


@register.filter
def action_words(action: str) -> str:
    """A remediation action in words: ``AUTO_RETRY`` → ``Auto retry``."""
    return action.replace("_", " ").capitalize()


def relative_time(at: datetime, now: datetime) -> str:
    """``2 hours ago``, ``in 30 min``, ``just now``. Whole units, cut off, largest first: s, min, hours, days.

    89 minutes are ``1 hour``; under 10 seconds either way is ``just now``.
    """
    seconds = int((at - now).total_seconds())
    size = abs(seconds)
    if size < 10:
        return _("just now")
    if size < 60:
        span = _("%(n)s s") % {"n": size}
    elif size < 3600:
        span = _("%(n)s min") % {"n": size // 60}
    elif size < 86400:
        span = ngettext("%(n)s hour", "%(n)s hours", size // 3600) % {"n": size // 3600}
    else:
        span = ngettext("%(n)s day", "%(n)s days", size // 86400) % {"n": size // 86400}
    return _("in %(span)s") % {"span": span} if seconds > 0 else _("%(span)s ago") % {"span": span}


@register.filter
def ago(at: datetime | None, now: datetime) -> SafeString | str:
    """A ``<time>`` with the relative time as text and the exact one as title; a dash for None."""
    if at is None:
        return "–"
    local = timezone.localtime(at) if timezone.is_aware(at) else at
    return format_html(
        '<time class="redrive-nowrap" datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        date_format(local, "DATETIME_FORMAT") + f" {local:%Z}",
        relative_time(at, now),
    )


@register.filter
def percent(rate: float | None) -> str:
    """A rate of 0..1 as ``97.3 %``; a dash for None."""
    return "–" if rate is None else f"{rate * 100:.1f} %"


@register.filter
def whole_percent(rate: float) -> str:
    """A rate of 0..1 as ``97 %``."""
    return f"{rate * 100:.0f} %"


@register.filter
def span(seconds: float | None) -> str:
    """Seconds as ``45 s``, ``1.5 min``, ``2 h``; a dash for None."""
    if seconds is None:
        return "–"
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{round(seconds / 86400, 1):g} d"


@register.filter
def pretty_json(value: Any) -> str:
    """JSON with two spaces of indent, for ``<pre>``; what JSON cannot say is shown as text."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


@register.simple_tag
def page_url(name: str, *args: Any, **kwargs: Any) -> str:
    """The address of one of our pages: by the package's namespace, else by the plain documented name.

    Raises NoReverseMatch if neither is in the project's URLs.
    """
    try:
        return reverse(f"redrive:{name}", args=args, kwargs=kwargs)
    except NoReverseMatch:
        return reverse(name, args=args, kwargs=kwargs)


def admin_url(name: str, *args: Any) -> str:
    """The address of a page of the Django admin, or an empty string where the admin is not in the project's URLs."""
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""


@register.simple_tag
def record_url(record_id: int) -> str:
    """The address of a record's page in the admin, or an empty string."""
    return admin_url("redrive_taskfailurerecord_change", record_id)
