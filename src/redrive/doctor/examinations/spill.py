"""The spill of this machine: where endings wait while the database is away."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import Away, Facts
from redrive.doctor.types import Examination, Finding, error, info, ok, warning
from redrive.doctor.wording import counted, size

VOLATILE = ("tmpfs", "ramfs")
"""File systems that are gone after a restart."""
ELSEWHERE = 'Set REDRIVE = {"SPILL": {"DIRECTORY": "/a/directory/that/survives/restarts"}}.'


def directory(facts: Facts) -> Iterator[Finding]:
    """Can it be written, and does it last?"""
    spill = facts.spill
    if isinstance(spill, Away):
        yield error(
            "spill.unwritable",
            f"The spill did not answer: {spill.reason}",
            "What fails while the database is away is lost, and the worker's main process waits on this disk.",
            ELSEWHERE,
        )
        return
    if spill.problem:
        yield error(
            "spill.unwritable",
            f"The spill directory {spill.directory} cannot be written: {spill.problem}",
            "What fails while the database is away is lost, and so is every ending that only a worker's main process"
            " sees (hard time limits, killed children).",
            f"Give it to the workers' user, or: {ELSEWHERE}",
        )
        return
    yield ok("spill.unwritable", f"The spill directory {spill.directory} can be written by this user.")
    if spill.filesystem in VOLATILE or spill.temporary:
        where = f"on {spill.filesystem}" if spill.filesystem in VOLATILE else "among temporary files"
        yield warning(
            "spill.volatile",
            f"The spill directory {spill.directory} is {where}.",
            "A restart of the machine or container loses the failures that wait there.",
            ELSEWHERE,
        )


def room(facts: Facts) -> Iterator[Finding]:
    """Is there room for an outage?"""
    spill = facts.spill
    if isinstance(spill, Away) or spill.problem:
        return
    if spill.waiting_bytes >= spill.max_bytes:
        yield error(
            "spill.full",
            f"The spill holds {size(spill.waiting_bytes)}, its full size (MAX_BYTES {size(spill.max_bytes)}).",
            "Further failures are refused and told only in the log.",
            "Bring the database back, or raise REDRIVE['SPILL']['MAX_BYTES'].",
        )
    need = spill.max_bytes - spill.waiting_bytes
    if spill.free_bytes < need:
        yield warning(
            "spill.space",
            f"{size(spill.free_bytes)} free for the spill, which may still grow by {size(need)}.",
            "The disk is full before the spill is: failures are then refused, and other programs suffer too.",
            "Free some space, lower REDRIVE['SPILL']['MAX_BYTES'], or use another directory.",
        )
    else:
        yield ok("spill.space", f"{size(spill.free_bytes)} free for the spill.")


def content(facts: Facts) -> Iterator[Finding]:
    """What waits, and what was set aside."""
    spill = facts.spill
    if isinstance(spill, Away):
        return
    if spill.waiting_lines:
        away = isinstance(facts.database, Away)
        yield (warning if away else info)(
            "spill.waiting",
            f"{counted(spill.waiting_lines, 'line')} in the spill ({size(spill.waiting_bytes)}).",
            "These failures are safe, and neither shown nor retried until the database is back."
            if away
            else "A keeper on this machine moves them into the database within seconds; without one they stay.",
            "" if away else "If the number does not fall, type here: manage.py redrive keeper",
        )
    if spill.rejected_lines:
        yield warning(
            "spill.rejected",
            f"{counted(spill.rejected_lines, 'line')} set aside in {spill.directory}/rejected.jsonl.",
            "The database would not take these failures, so no page shows them.",
            "Look at each line; what is dealt with may be deleted from the file.",
        )
    if spill.newer_lines:
        yield warning(
            "spill.newer",
            f"{counted(spill.newer_lines, 'line')} of a newer release in {spill.directory}/newer.jsonl.",
            "A keeper of this release cannot read these failures; they wait.",
            "Finish the upgrade: the first keeper of the newer release takes them.",
        )


def redis_list(facts: Facts) -> Iterator[Finding]:
    """Does the Redis list take lines, where one is set?"""
    spill = facts.spill
    if isinstance(spill, Away) or spill.max_lines is None:
        return
    if spill.list_lines is None:
        yield warning(
            "spill.list",
            "The spill's Redis list did not answer.",
            "Failures go to the file of each machine meanwhile, where only a keeper of that machine finds them.",
            "Start it, or correct REDRIVE['SPILL']['REDIS_URL'].",
        )
    elif spill.list_lines >= spill.max_lines:
        yield error(
            "spill.list",
            f"The spill's Redis list holds {spill.list_lines:,} lines, its full size.",
            "Further failures go to the file of each machine.",
            "Bring the database back, or raise REDRIVE['SPILL']['MAX_LINES'].",
        )
    else:
        yield ok("spill.list", f"The spill's Redis list takes lines; {spill.list_lines:,} wait in it.")


EXAMINATIONS = (
    Examination(("spill.list",), redis_list),
    Examination(("spill.unwritable", "spill.volatile"), directory),
    Examination(("spill.full", "spill.space"), room),
    Examination(("spill.waiting", "spill.rejected", "spill.newer"), content),
)
