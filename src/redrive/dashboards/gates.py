"""An operator's word over a breaker: asked for on the retry page, confirmed on a page of its own, audited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from redrive import breakers
from redrive.dashboards import forms
from redrive.dashboards.access import ACT, page, wants_json
from redrive.dashboards.frame import frame
from redrive.templatetags.redrive import page_url

WORDS: Mapping[str, tuple[Any, Any]] = {
    "force-open": (
        gettext_lazy("Force open"),
        gettext_lazy(
            "Every call is held, without using up retries, until you release it or four hours are over."
        ),
    ),
    "force-closed": (
        gettext_lazy("Force closed"),
        gettext_lazy("Every call goes, whatever fails, until you release it or four hours are over."),
    ),
    "observe": (
        gettext_lazy("Observe only"),
        gettext_lazy("Every call goes; the breaker only says what it would have done, for four hours."),
    ),
    "release": (
        gettext_lazy("Release"),
        gettext_lazy("The breaker decides again by itself, from what it knows."),
    ),
    "reset": (
        gettext_lazy("Reset"),
        gettext_lazy(
            "The breaker is closed and forgets what it has counted. Calls under way no longer count."
        ),
    ),
}
"""What can be done: its name, and what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfirmation:
    """The page between asking for an act and doing it."""

    downstream: str
    verb: str
    words: str
    meaning: str
    next: str


@page(ACT, method="POST")
def act_on_breaker(request: HttpRequest) -> HttpResponse:
    """Force a breaker open or closed, only observe, release or reset it.

    Form fields: ``downstream``, ``verb`` (one of `WORDS`), ``reason``, ``confirmed``.
    Without ``confirmed`` a browser gets a page that says what will happen and asks why; a program that asks for JSON is
    served at once. Without a reason nothing is done.
    """
    downstream, verb = request.POST.get("downstream", "").strip()[:200], request.POST.get("verb", "")
    reason = forms.read_reason(request.POST)
    if not downstream or verb not in WORDS:
        return _refuse(request, _("Name a downstream and one of: %(verbs)s.") % {"verbs": ", ".join(WORDS)})
    confirmed = wants_json(request) or bool(request.POST.get("confirmed"))
    no_reason = _("Say why: the reason goes into the history.")
    if wants_json(request) and not reason:
        return _refuse(request, no_reason)
    if confirmed and not reason:
        messages.warning(request, no_reason, fail_silently=True)
    if not confirmed or not reason:
        words, meaning = WORDS[verb]
        title = _("%(what)s: %(downstream)s?") % {"what": words, "downstream": downstream}
        asked = GateConfirmation(
            downstream=downstream,
            verb=verb,
            words=str(words),
            meaning=str(meaning),
            next=page_url("retry_policy"),
        )
        context: dict[str, Any] = {**frame(request, "retry_policy"), "title": title, "page": asked}
        return render(request, "redrive/gate_confirm.html", context)
    done = breakers.act_on_gate(downstream, verb, actor=str(request.user.get_username()), reason=reason)
    if wants_json(request):
        return JsonResponse({"version": 1, "done": [downstream], "refused": {}, "reason": done.reason})
    messages.success(request, done.reason, fail_silently=True)
    return HttpResponseRedirect(page_url("retry_policy"))


def _refuse(request: HttpRequest, why: str) -> HttpResponse:
    if wants_json(request):
        body = {"version": 1, "error": {"code": "bad_request", "message": why}}
        return JsonResponse(body, status=400)
    messages.warning(request, why, fail_silently=True)
    return HttpResponseRedirect(page_url("retry_policy"))
