"""Charts as data: what the script draws, and the table that says the same without a script.

Pure functions from figures to :class:`Chart`. Colours are names of tones (CSS custom properties), so that a chart
follows the page's theme.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from redrive.metrics import Checks
from redrive.stores.sql.pages import StatFigure, TrendPoint, TypeFigure
from redrive.templatetags.redrive import CATEGORY_TONES


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: a name, a tone, one value per label."""

    name: str
    tone: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """``kind`` is ``bars`` (stacked, over time), ``rows`` (one bar per label) or ``doughnut``.

    ``summary`` says it all in a sentence.
    """

    id: str
    kind: str
    title: str
    summary: str
    label_title: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]

    @property
    def data_id(self) -> str:
        """The id of the element that holds :attr:`data`."""
        return f"{self.id}-data"

    @property
    def data(self) -> dict[str, Any]:
        """What the script gets, as JSON."""
        return {
            "kind": self.kind,
            "summary": self.summary,
            "labels": self.labels,
            "series": [{"name": s.name, "tone": s.tone, "values": s.values} for s in self.series],
        }

    @property
    def rows(self) -> list[tuple[str, list[float]]]:
        """The table twin: a label and its values; rows without any value are left out of a chart over time."""
        rows = [(label, [s.values[i] for s in self.series]) for i, label in enumerate(self.labels)]
        return [row for row in rows if any(row[1])] if self.kind == "bars" else rows

    @property
    def is_empty(self) -> bool:
        return not any(any(s.values) for s in self.series)


def hours_between(since: datetime, until: datetime, *, daily: bool = False) -> tuple[datetime, ...]:
    """The starts of the hours (days) of UTC that [since, until) touches."""
    step = timedelta(days=1) if daily else timedelta(hours=1)
    at = since.replace(minute=0, second=0, microsecond=0)
    if daily:
        at = at.replace(hour=0)
    starts = []
    while at < until:
        starts.append(at)
        at += step
    return tuple(starts)


def _label(at: datetime, daily: bool) -> str:
    return f"{at:%d %b}" if daily else f"{timezone.localtime(at):%d %b %H:%M}"


def failure_chart(
    points: Sequence[TrendPoint], since: datetime, until: datetime, *, daily: bool = False
) -> Chart:
    """New failures over time, stacked by category; categories that did not occur are left out."""
    found = {point.at: point.by_category for point in points}
    buckets = hours_between(since, until, daily=daily)
    series = tuple(
        Series(category.capitalize(), tone, tuple(found.get(at, {}).get(category, 0) for at in buckets))
        for category, tone in CATEGORY_TONES.items()
        if any(category in point.by_category for point in points)
    )
    total = sum(point.total for point in points)
    worst = max(points, key=lambda point: point.total, default=None)
    summary = ngettext("%(n)s failure.", "%(n)s failures.", total) % {"n": total}
    if worst is not None:
        summary += " " + _("Most at %(when)s: %(n)s.") % {"when": _label(worst.at, daily), "n": worst.total}
    return Chart(
        id="failures-over-time",
        kind="bars",
        title=_("Failures over time"),
        summary=summary,
        label_title=_("Day") if daily else _("Hour"),
        labels=tuple(_label(at, daily) for at in buckets),
        series=series,
    )


EXECUTION_SERIES = (("success", "good"), ("retry", "warn"), ("failure", "bad"))


def execution_chart(stats: Sequence[StatFigure], since: datetime, until: datetime) -> Chart:
    """Counted ends of attempts by hour: succeeded, sent to wait, failed."""
    names = {"success": _("Succeeded"), "retry": _("Runs again"), "failure": _("Failed")}
    found = {(stat.hour, stat.label): stat.count for stat in stats}
    buckets = hours_between(since, until)
    series = tuple(
        Series(names[label], tone, tuple(found.get((at, label), 0) for at in buckets))
        for label, tone in EXECUTION_SERIES
    )
    sums = [int(sum(s.values)) for s in series]
    return Chart(
        id="executions",
        kind="bars",
        title=_("Executions by hour"),
        summary=_("%(good)s succeeded, %(again)s run again, %(bad)s failed.")
        % {"good": sums[0], "again": sums[1], "bad": sums[2]},
        label_title=_("Hour"),
        labels=tuple(_label(at, False) for at in buckets),
        series=series,
    )


def duplicate_chart(
    found: Mapping[datetime, Checks], since: datetime, until: datetime, *, daily: bool = False
) -> Chart:
    """Idempotent calls over time: the first of their key, and duplicates."""
    buckets = hours_between(since, until, daily=daily)
    rows = [found.get(at, Checks()) for at in buckets]
    hits = sum(row.hits for row in rows)
    summary = ngettext("%(n)s duplicate", "%(n)s duplicates", hits) % {"n": f"{hits:,}"}
    summary += " " + _("of %(n)s calls.") % {"n": f"{sum(row.checks for row in rows):,}"}
    if hits:
        most, at = max(((row.hits, at) for row, at in zip(rows, buckets, strict=True)), key=lambda x: x[0])
        summary += " " + _("Most at %(when)s: %(n)s.") % {"when": _label(at, daily), "n": f"{most:,}"}
    return Chart(
        id="duplicates-over-time",
        kind="bars",
        title=_("Duplicates by day") if daily else _("Duplicates by hour"),
        summary=summary,
        label_title=_("Day") if daily else _("Hour"),
        labels=tuple(_label(at, daily) for at in buckets),
        series=(
            Series(_("First of their key"), "info", tuple(row.unique_keys for row in rows)),
            Series(_("Duplicates"), "bad", tuple(row.hits for row in rows)),
        ),
    )


SLICES = 8
"""A doughnut shows this many types; the rest are one slice."""


def type_chart(figures: Sequence[TypeFigure]) -> Chart:
    """Which failure types make up the failures."""
    shown, rest = list(figures[: SLICES - 1]), figures[SLICES - 1 :]
    labels = [figure.failure_type for figure in shown]
    values = [float(figure.count) for figure in shown]
    if rest:
        labels.append(_("Other types (%(n)s)") % {"n": len(rest)})
        values.append(float(sum(figure.count for figure in rest)))
    total = sum(figure.count for figure in figures)
    summary = ngettext("%(n)s failure.", "%(n)s failures.", total) % {"n": total}
    if shown and total:
        share = {"type": shown[0].failure_type, "share": f"{shown[0].count / total:.0%}"}
        summary += " " + _("Most are %(type)s: %(share)s.") % share
    return Chart(
        id="failure-types",
        kind="doughnut",
        title=_("Failures by type"),
        summary=summary,
        label_title=_("Failure type"),
        labels=tuple(labels),
        series=(Series(_("Failures"), "", tuple(values)),),
    )


def average_retry_chart(figures: Sequence[TypeFigure]) -> Chart:
    """Average retries by failure type."""
    most = max(figures, key=lambda figure: figure.average_retries, default=None)
    summary = _("Average number of retries per record.")
    if most is not None:
        values = {"type": most.failure_type, "n": f"{most.average_retries:.1f}"}
        summary += " " + _("Most for %(type)s: %(n)s.") % values
    return Chart(
        id="average-retries",
        kind="rows",
        title=_("Average retries by type"),
        summary=summary,
        label_title=_("Failure type"),
        labels=tuple(figure.failure_type for figure in figures),
        series=(Series(_("Average retries"), "info", tuple(round(f.average_retries, 2) for f in figures)),),
    )
