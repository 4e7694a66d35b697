"""What happened lately: calls by task and outcome in slices of time, and the hosts they came from.

A trip must rest on a failure of the downstream, not of one host or of one task type. So calls are counted by
task, and a type that fails while its siblings do well (`suspects`) is left out of the sums.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from redrive.gate.document import Counts, Document, replace
from redrive.gate.types import GateSettings

SLICES: Final = 12
"""Parts of the window that are counted separately, so that old calls leave it bit by bit (5 s each of 60)."""

OK: Final = "ok"
MOST_TASKS: Final = 20
"""Task types told apart in a slice; further ones share a place."""
MOST_HOSTS: Final = 8
"""Hosts remembered; two are enough to tell one bad host from a bad downstream."""

SUSPECT_SHARE: Final = 0.9
SIBLING_SHARE: Final = 0.8
SIBLING_CALLS: Final = 5
POISON_CALLS: Final = 10
"""A type that fails more than nine times in ten while its siblings, with five calls at least, succeed in more
than eight of ten is not the downstream's fault. From ten calls on it is told so."""

POISON_SECONDS: Final = 600.0
"""How long a type is remembered as poison after its last failure among healthy siblings; a success ends it."""

USUAL_SECONDS: Final = 300.0
"""How fast the usual rate fades: after so many seconds a call weighs a third."""

Sums = Mapping[str, Mapping[str, int]]
"""Task name -> "ok" or failure type -> calls."""


def add(
    document: Document, moment: float, task: str, what: str, count: int, settings: GateSettings
) -> Document:
    """Return the document with some calls added and those outside the window left out."""
    current = slice_of(moment, settings)
    slices = {key: tasks for key, tasks in document.counts.items() if int(key) > current - SLICES}
    tasks = dict(slices.get(str(current), {}))
    if task not in tasks and len(tasks) >= MOST_TASKS:
        task = ""
    calls = dict(tasks.get(task, {}))
    calls[what] = calls.get(what, 0) + count
    tasks[task] = calls
    slices[str(current)] = tasks
    return replace(document, counts=slices)


def see(document: Document, moment: float, host: str, failed: bool, settings: GateSettings) -> Document:
    """Return the document with a host heard of; the ones heard of longest ago make room."""
    current = slice_of(moment, settings)
    seen, last_failed = document.hosts.get(host, (0, 0))
    entry = [current, current if failed else last_failed]
    if entry == [seen, last_failed]:
        return document
    hosts = {**document.hosts, host: entry}
    if len(hosts) > MOST_HOSTS:
        # Of as many as fit, those whose calls failed lately stay: they are what a trip must count.
        hosts = dict(sorted(hosts.items(), key=lambda item: (item[1][1], item[1][0]))[-MOST_HOSTS:])
    return replace(document, hosts=hosts)


def hosts_within(document: Document, moment: float, settings: GateSettings) -> tuple[int, int]:
    """Return how many hosts were heard of within the window, and from how many of them calls failed."""
    oldest = slice_of(moment, settings) - SLICES
    seen = sum(entry[0] > oldest for entry in document.hosts.values())
    failed = sum(entry[1] > oldest for entry in document.hosts.values())
    return seen, failed


def by_task(document: Document, moment: float, settings: GateSettings, slices: int = SLICES) -> Sums:
    """Return the outcomes by task within the newest slices."""
    oldest = slice_of(moment, settings) - slices
    return merged(tasks for key, tasks in document.counts.items() if int(key) > oldest)


def merged(parts: Iterable[Sums]) -> Sums:
    """Return sums of sums."""
    sums: dict[str, dict[str, int]] = {}
    for tasks in parts:
        for task, calls in tasks.items():
            total = sums.setdefault(task, {})
            for what, count in calls.items():
                total[what] = total.get(what, 0) + count
    return sums


def totals(sums: Sums, without: Iterable[str] = ()) -> dict[str, int]:
    """Return how often each outcome happened, some tasks left out."""
    total: dict[str, int] = {}
    for task, calls in sums.items():
        if task not in without:
            for what, count in calls.items():
                total[what] = total.get(what, 0) + count
    return total


def suspects(sums: Sums) -> frozenset[str]:
    """Return the task types that fail while their siblings do well."""
    if len(sums) < 2:
        return frozenset()
    failing = frozenset(
        task for task, calls in sums.items() if calls.get(OK, 0) < (1 - SUSPECT_SHARE) * sum(calls.values())
    )
    rest = totals(sums, failing)
    calls = sum(rest.values())
    healthy = calls >= SIBLING_CALLS and rest.get(OK, 0) > SIBLING_SHARE * calls
    return failing if healthy else frozenset()


def remember_poison(document: Document, moment: float, task: str, sums: Sums) -> Document:
    """Return the document with a suspect type remembered as poison, on the strength of enough calls.

    So it stays one when its siblings have nothing to do, and nobody could tell it from an outage.
    """
    if sum(sums.get(task, {}).values()) < POISON_CALLS:
        return document
    remembered = {name: until for name, until in document.poison.items() if until > moment}
    return replace(document, poison={**remembered, task: moment + POISON_SECONDS})


def is_poison(document: Document, moment: float, task: str) -> bool:
    """Return whether a task type is remembered as poison."""
    return document.poison.get(task, 0.0) > moment


def elapsed(document: Document, moment: float, settings: GateSettings, slices: int = SLICES) -> float:
    """Return how many seconds the newest slices cover, from the first call counted in them; one at least."""
    width = settings.window.total_seconds() / SLICES
    current = slice_of(moment, settings)
    counted = [int(key) for key in document.counts if int(key) > current - slices]
    return max(1.0, moment - min(counted, default=current) * width)


def usual(document: Document, moment: float, *, ok: int = 0, bad: int = 0) -> Document:
    """Return the document with calls of a closed breaker added to what is usual.

    Time passes with good calls: the seconds that an outage lasts until it is noticed are not usual ones.
    """
    if not ok and document.usual_at is not None:
        return replace(document, usual_bad=document.usual_bad + bad)
    passed = max(0.0, moment - document.usual_at) if document.usual_at is not None else 0.0
    kept = math.exp(-passed / USUAL_SECONDS)
    return replace(
        document,
        usual_ok=document.usual_ok * kept + ok,
        usual_bad=document.usual_bad * kept + bad,
        usual_seconds=document.usual_seconds * kept + passed,
        usual_at=moment,
    )


def usual_rate(document: Document) -> float | None:
    """Return the usual good calls per second; None while too little was seen."""
    return document.usual_ok / document.usual_seconds if document.usual_seconds >= 10.0 else None


def usual_share(document: Document) -> float:
    """Return the usual share of failures; 0 while too little was seen."""
    calls = document.usual_ok + document.usual_bad
    return document.usual_bad / calls if calls >= 20 else 0.0


def surely_above(part: int, whole: int, z: float) -> float:
    """Return the lower bound of a share by Wilson's score interval (Wilson 1927), at ``z`` deviations.

    5 of 20 with z = 2: 0.11. With nothing counted: 0.
    """
    if whole == 0:
        return 0.0
    share, squared = part / whole, z * z
    middle = share + squared / (2 * whole)
    margin = z * math.sqrt(share * (1 - share) / whole + squared / (4 * whole * whole))
    return max(0.0, (middle - margin) / (1 + squared / whole))


def slice_of(moment: float, settings: GateSettings) -> int:
    """Return the number of the slice a moment is in."""
    return int(moment // (settings.window.total_seconds() / SLICES))


__all__ = ["OK", "SLICES", "Counts", "Sums"]
