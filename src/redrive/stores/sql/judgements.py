"""What operators said of failure types, as pages show it. Read over Django's own connection, in web requests only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q

from redrive.conf import get_settings
from redrive.models import Event, FailureGroup
from redrive.stores.sql.corrections import CONFIRM, CORRECT
from redrive.taxonomy import Agreement


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was said of one group, by whom, when and why."""

    fingerprint: str
    task_name: str
    exception_type: str
    found: str
    says: str
    actor: str = ""
    reason: str = ""
    at: datetime | None = None

    @property
    def agrees(self) -> bool:
        return self.found == self.says


def judgement_of(fingerprint: str) -> Judgement | None:
    """What was said of a fingerprint, or None. Two queries, in web requests."""
    if not fingerprint:
        return None
    groups = FailureGroup.objects.using(get_settings().database)
    return next(iter(_judgements(list(groups.filter(fingerprint=fingerprint).exclude(correction="")))), None)


def judgements(limit: int = 20) -> tuple[Judgement, ...]:
    """What stands, the latest failure first. Two queries, in web requests."""
    groups = FailureGroup.objects.using(get_settings().database).exclude(correction="")
    return _judgements(list(groups.order_by("-last_seen_at", "-id")[:limit]))


def _judgements(groups: list[FailureGroup]) -> tuple[Judgement, ...]:
    if not groups:
        return ()
    acts = (
        Event.objects.using(get_settings().database)
        .filter(kind__in=(CORRECT, CONFIRM), subject__in=[group.fingerprint for group in groups])
        .order_by("at", "id")
    )
    last = {act.subject: act for act in acts}
    found = []
    for group in groups:
        act = last.get(group.fingerprint)
        found.append(
            Judgement(
                fingerprint=group.fingerprint,
                task_name=group.task_name,
                exception_type=group.exception_type,
                found=group.failure_type,
                says=group.correction,
                actor=act.actor if act else "",
                reason=act.reason if act else "",
                at=act.at if act else None,
            )
        )
    return tuple(found)


def agreement() -> tuple[Agreement, ...]:
    """How operators judged the classifier, by the type it had found, most judged first."""
    rows = (
        FailureGroup.objects.using(get_settings().database)
        .exclude(correction="")
        .order_by()
        .values("failure_type")
        .annotate(judged=Count("id"), agreed=Count("id", filter=Q(correction=F("failure_type"))))
        .order_by("-judged", "failure_type")
    )
    return tuple(
        Agreement(failure_type=row["failure_type"], judged=row["judged"], agreed=row["agreed"])
        for row in rows
    )
