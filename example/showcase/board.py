"""What the terminal shows, read from Redrive's own tables. Needs `django.setup()`."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, close_old_connections
from django.db.models import Count, F, Q, Sum
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from redrive.models import FailureAttempt, Stat, TaskFailureRecord

PAGES = (
    ("all pages for operators", "task_dashboard"),
    ("dead letters", "dlq_management"),
    ("failure types", "failure_taxonomy"),
    ("retry policies and breakers", "retry_policy"),
    ("failures in Django's admin", "admin:redrive_taskfailurerecord_changelist"),
)
SHOWN_WAITING = 6
SHORTENED = (
    'First retry delays are shortened for this demo (REDRIVE["POLICIES"] in example/config/settings.py).'
)
IS_DEAD_OR_WAS = Q(status__in=("PENDING", "ABANDONED")) | Q(first_attempt__gt=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """The counts of one moment."""

    attempts: int
    failed: int
    waiting: int
    recovered: int
    dead: int
    redriven: int
    redriven_well: int

    def line(self) -> str:
        return (
            f"{self.attempts} runs, {self.failed} failed | {self.waiting} waiting to run again | "
            f"{self.recovered} recovered by themselves | {self.dead} dead | "
            f"{self.redriven} redriven, {self.redriven_well} with success"
        )


@dataclass(frozen=True, slots=True)
class TypeCount:
    """One failure type: what recovered, what waits, its dead letters now, and those there ever were."""

    failure_type: str
    recovered: int
    waiting: int
    dead: int
    ever_dead: int


class Board:
    """Turns the tables into lines.

    Args:
        base_url: of the web server.
        login: user name and password of the staff user.
        deadline: by `time.monotonic`, when the demo ends by itself; infinity for never.
    """

    def __init__(self, base_url: str, login: tuple[str, str], deadline: float) -> None:
        self._base_url = base_url
        self._login = login
        self._deadline = deadline
        self._began = time.monotonic()

    def introduction(self) -> list[str]:
        """Where to look, and how to get in."""
        name, password = self._login
        return [
            "",
            f"  log in as  {name}  with the password  {password}",
            *(f"  {self._base_url + address:<62} {what}" for what, address in _addresses()),
            "",
            f"  {SHORTENED}",
            f"  {self._ending()}",
            "",
        ]

    def look(self, faults: Mapping[str, str]) -> tuple[list[str], str]:
        """The block for a terminal, and the one line for anything else."""
        try:
            close_old_connections()
            return self._block(faults), _figures().line()
        except DatabaseError as exc:
            words = f"the database does not answer: {str(exc).splitlines()[0]}"
            return [words], words

    def summary(self) -> list[str]:
        """What came of it all: the demo's last lines."""
        figures, types = _figures(), _types()
        recovered = [f"{count.recovered} x {count.failure_type}" for count in types if count.recovered]
        dead = [count for count in types if count.ever_dead]
        return [
            "",
            f"Summary after {time.monotonic() - self._began:.0f} s of work. {SHORTENED}",
            f"  runs                     {figures.attempts}, of which {figures.failed} failed",
            f"  recovered by themselves  {figures.recovered}: {', '.join(recovered) or 'none'}",
            f"  waiting to run again     {figures.waiting}",
            f"  redriven                 {figures.redriven}, of which {figures.redriven_well} with success",
            f"  dead letters             {figures.dead} now, {sum(count.ever_dead for count in dead)} ever, "
            f"in {len(dead)} failure types:",
            *(
                f"    {count.failure_type:<24} {count.dead:>3} now {count.ever_dead:>3} ever"
                for count in dead
            ),
        ]

    def _block(self, faults: Mapping[str, str]) -> list[str]:
        figures = _figures()
        troubles = [
            f"{service} {fault.replace('_', ' ')}" for service, fault in faults.items() if fault != "none"
        ]
        name, password = self._login
        return [
            f"Redrive demo   {self._base_url}/admin/   {name} / {password}   {self._ending()}",
            "",
            f"runs   {figures.attempts:>5}   waiting to run again    {figures.waiting:>5}   dead     {figures.dead:>5}",
            f"failed {figures.failed:>5}   recovered by themselves {figures.recovered:>5}   redriven "
            f"{figures.redriven:>5}, {figures.redriven_well} with success",
            "",
            f"failing now: {', '.join(troubles) or 'nothing'}",
            "",
            "waiting to run again",
            *_waiting(),
            "",
            f"{'by failure type':<28}{'recovered':>10}{'waiting':>10}{'dead':>8}{'ever dead':>12}",
            *(
                f"  {count.failure_type:<26}{count.recovered:>10}{count.waiting:>10}{count.dead:>8}"
                f"{count.ever_dead:>12}"
                for count in _types()
            ),
        ]

    def _ending(self) -> str:
        left = self._deadline - time.monotonic()
        return "Ctrl-C ends it" if left == float("inf") else f"ends by itself in {max(0, left):.0f} s"


def _addresses() -> list[tuple[str, str]]:
    found = []
    for what, name in PAGES:
        try:
            found.append((what, reverse(name)))
        except NoReverseMatch:
            continue
    return found


def _figures() -> Figures:
    counts = TaskFailureRecord.objects.aggregate(
        waiting=Count("pk", filter=Q(status="RETRYING")),
        recovered=Count("pk", filter=Q(status="RESOLVED", first_attempt=1)),
        dead=Count("pk", filter=Q(status="PENDING")),
        redriven=Count("pk", filter=Q(first_attempt__gt=1)),
        redriven_well=Count("pk", filter=Q(status="RESOLVED", first_attempt__gt=1)),
    )
    runs = Stat.objects.filter(kind="execution").aggregate(count=Sum("count"))["count"] or 0
    failed = FailureAttempt.objects.filter(outcome="failed").count()
    # Failures are stored at once, counters every few seconds: in between there seem to be more failures than runs.
    return Figures(attempts=max(runs, failed), failed=failed, **counts)


def _types() -> list[TypeCount]:
    rows = (
        TaskFailureRecord.objects.values("failure_type")
        .annotate(
            recovered=Count("pk", filter=Q(status="RESOLVED", first_attempt=1)),
            waiting=Count("pk", filter=Q(status="RETRYING")),
            dead=Count("pk", filter=Q(status="PENDING")),
            ever_dead=Count("pk", filter=IS_DEAD_OR_WAS),
        )
        .order_by("failure_type")
    )
    return [TypeCount(**row) for row in rows]


def _waiting() -> Sequence[str]:
    rows = TaskFailureRecord.objects.filter(status="RETRYING").order_by(
        F("next_retry_at").asc(nulls_first=True)
    )
    lines = [_waiting_line(record) for record in rows[:SHOWN_WAITING]]
    return [*lines, *[""] * (SHOWN_WAITING - len(lines))]


def _waiting_line(record: TaskFailureRecord) -> str:
    seconds = (record.next_retry_at - timezone.now()).total_seconds() if record.next_retry_at else 0
    when = "sent" if record.published_at else f"in {seconds:.0f} s" if seconds >= 1 else "due"
    why = record.hold_reason or f"{record.exception_type.rpartition('.')[2]}: {record.exception_message}"
    name = record.task_name.removeprefix("facilities.")
    return f"  {name:<22}{record.failure_type:<24}{when:<9}{' '.join(why.split())}"
