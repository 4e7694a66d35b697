"""What an operator can do: send dead letters back to work, or give them up.

POST only, with the permission to change records. Each goes through the dead-letter service, which changes a record only
if it is still in a state that allows it and notes who did it; two operators cannot redrive one record twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from redrive import runtime
from redrive.dashboards import forms
from redrive.dashboards.access import ACT, page, wants_json
from redrive.dashboards.frame import frame
from redrive.dead_letters import Route
from redrive.stores.sql import pages
from redrive.stores.sql.pages import Capped, TaskFigure
from redrive.templatetags.redrive import page_url

BULK_LIMIT = 1000
"""Records that one bulk retry takes at most; the page says so when more match."""
SHOWN_REFUSALS = 5
RETRY_ALL = ("PENDING", "ABANDONED")
"""Statuses whose list can be retried as a whole. Of any status, only dead letters are: what was abandoned was meant."""
RETRY_CHOSEN = (*RETRY_ALL, "RETRYING")
"""Statuses a chosen record can be retried from; one that waits is sent now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkConfirmation:
    """The page between asking for a bulk retry and doing it: exactly these records, counted."""

    ids: tuple[int, ...]
    matching: Capped
    tasks: tuple[TaskFigure, ...]
    refused: int
    filter: Mapping[str, str] = field(default_factory=dict)
    priorities: tuple[forms.Choice, ...] = ()
    next: str = ""

    @property
    def frozen(self) -> str:
        """The ids as one form value."""
        return ",".join(map(str, self.ids))

    @property
    def left_out(self) -> bool:
        """Whether more match than one bulk retry takes."""
        return self.matching.capped or self.matching.value > len(self.ids)

    @property
    def limit(self) -> int:
        return BULK_LIMIT


def _actor(request: HttpRequest) -> str:
    return str(request.user.get_username())


def _route(request: HttpRequest) -> Route | None:
    """Where to send it at the priority that was chosen; None leaves it where it was."""
    level = forms.read_priority(request.POST)
    return runtime.route_for(level) if level else None


def _answer(
    request: HttpRequest, done: Sequence[int], refused: Mapping[int, str], words: str
) -> HttpResponse:
    """Say what came of it: JSON to a program, a message and the list to a browser."""
    if wants_json(request):
        body = {"version": 1, "done": list(done), "refused": {str(key): why for key, why in refused.items()}}
        return JsonResponse(body, status=200 if done or not refused else 409)
    if done:
        messages.success(request, words, fail_silently=True)
    for record_id, why in list(refused.items())[:SHOWN_REFUSALS]:
        text = _("Record %(id)s was left as it is: %(why)s") % {"id": record_id, "why": why}
        messages.warning(request, text, fail_silently=True)
    if len(refused) > SHOWN_REFUSALS:
        more = len(refused) - SHOWN_REFUSALS
        messages.warning(request, _("%(n)s more were left as they are.") % {"n": more}, fail_silently=True)
    if not done and not refused:
        messages.info(request, _("Nothing was chosen."), fail_silently=True)
    return HttpResponseRedirect(forms.read_next(request, page_url("dlq_management")))


def _sent(count: int) -> str:
    return ngettext("%(n)s task was sent back to work.", "%(n)s tasks were sent back to work.", count) % {
        "n": count
    }


@page(ACT, method="POST")
def retry_dlq_task(request: HttpRequest, task_id: int) -> HttpResponse:
    """Send one record's task back to work. Form fields: ``priority`` (HIGH, CRITICAL), ``reason``, ``next``."""
    result = runtime.dead_letter_service().retry(
        [task_id],
        actor=_actor(request),
        reason=forms.read_reason(request.POST),
        route=_route(request),
    )
    return _answer(request, result.done, result.refused, _sent(len(result.done)))


@page(ACT, method="POST")
def abandon_dlq_task(request: HttpRequest, task_id: int) -> HttpResponse:
    """Give one record up: it will not run again unless somebody retries it. Form fields: ``reason``, ``next``."""
    result = runtime.dead_letter_service().abandon(
        [task_id], actor=_actor(request), reason=forms.read_reason(request.POST)
    )
    words = ngettext("%(n)s task was abandoned.", "%(n)s tasks were abandoned.", len(result.done))
    return _answer(request, result.done, result.refused, words % {"n": len(result.done)})


@page(ACT, method="POST")
def judge_failure_type(request: HttpRequest) -> HttpResponse:
    """Say what failures with one fingerprint really are, or take that back.

    Form fields: ``fingerprint``; ``failure_type``, another one or the one that was found, or ``revoke``; ``reason``,
    ``next``.
    """
    name = request.POST.get("fingerprint", "")[:80]
    said = {"actor": _actor(request), "reason": forms.read_reason(request.POST)}
    if request.POST.get("revoke"):
        refused = runtime.corrections().revoke(name, **said)
        words = _("The rules decide again what these failures are.")
    else:
        refused = runtime.corrections().judge(name, request.POST.get("failure_type", ""), **said)
        words = _("Noted. Workers know it within seconds, and it holds for every later failure like this.")
    if wants_json(request):
        body = {
            "version": 1,
            "done": [] if refused else [name],
            "refused": {name: refused} if refused else {},
        }
        return JsonResponse(body, status=409 if refused else 200)
    if refused:
        messages.warning(request, _("Nothing was changed: %(why)s") % {"why": refused}, fail_silently=True)
    else:
        messages.success(request, words, fail_silently=True)
    return HttpResponseRedirect(forms.read_next(request, page_url("failure_taxonomy")))


@page(ACT, method="POST")
def bulk_retry_dlq(request: HttpRequest) -> HttpResponse:
    """Send many back to work, in two steps.

    First ``ids`` (several) or ``scope=all`` with the list's filter: answers with a page that shows what exactly was
    chosen. That page posts the frozen ids as ``frozen``, and they are retried: what was seen is what runs. A program
    that asks for JSON may send ``ids`` and is served at once.
    """
    frozen = forms.read_ids(request.POST.getlist("frozen"))
    if wants_json(request):
        frozen = frozen or forms.read_ids(request.POST.getlist("ids"))[:BULK_LIMIT]
    if not frozen and not wants_json(request):
        return _confirm(request)
    result = runtime.dead_letter_service().retry(
        list(frozen[:BULK_LIMIT]),
        actor=_actor(request),
        reason=forms.read_reason(request.POST),
        route=_route(request),
    )
    return _answer(request, result.done, result.refused, _sent(len(result.done)))


def _confirm(request: HttpRequest) -> HttpResponse:
    wanted = forms.read_filter(request.POST)
    back = f"{page_url('dlq_management')}?{urlencode(forms.filter_query(wanted))}"
    if request.POST.get("scope") == "all":
        statuses = (wanted.status,) if wanted.status in RETRY_ALL else ("PENDING",)
        ids, matching = pages.matching_ids(wanted, statuses, BULK_LIMIT)
        left = 0
    else:
        asked = forms.read_ids(request.POST.getlist("ids"))[:BULK_LIMIT]
        ids = pages.ids_in(asked, RETRY_CHOSEN)
        matching, left = Capped(len(ids)), len(asked) - len(ids)
    if not ids and not left:
        return _answer(request, [], {}, "")
    confirmation = BulkConfirmation(
        ids=ids,
        matching=matching,
        tasks=pages.chosen(ids),
        refused=left,
        filter=forms.filter_query(wanted) if request.POST.get("scope") == "all" else {},
        priorities=tuple(forms.Choice(key, words, not key) for key, (words, _p) in forms.PRIORITIES.items()),
        next=back,
    )
    title = ngettext("Retry %(n)s task?", "Retry %(n)s tasks?", len(ids)) % {"n": len(ids)}
    context: dict[str, Any] = {**frame(request, "dlq_management"), "title": title, "page": confirmation}
    return render(request, "redrive/dlq_confirm.html", context)
