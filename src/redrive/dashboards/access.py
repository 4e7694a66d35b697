"""The guard of every page: method, login, staff, permission, a database that answers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache

from redrive.api.access import ACT, READ, UNAVAILABLE, Refusal, View, error, refusal
from redrive.dashboards.frame import frame
from redrive.leases import StoreUnavailable
from redrive.templatetags.redrive import admin_url

logger = logging.getLogger(__name__)

__all__ = ["ACT", "READ", "page", "wants_json"]


def wants_json(request: HttpRequest) -> bool:
    """Whether the caller would rather have JSON than a page. A browser would not."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def page(permission: str, *, method: str = "GET") -> Callable[[View], View]:
    """Let through only ``method``, from staff with permission; never cached.

    Anonymous visitors go to the login page (the admin's, else ``settings.LOGIN_URL``) and come back; others get 403
    with the name of what they lack. An unreadable database is a page with status 503 that says what to type.
    Callers that ask for JSON get each of these as JSON.
    """
    allowed = ("GET", "HEAD") if method == "GET" else (method,)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            try:
                refused = refusal(getattr(request, "user", None), permission)
                if refused is None:
                    return view(request, *args, **kwargs)
            except (DatabaseError, StoreUnavailable):
                logger.exception("redrive: the database did not answer %s", request.path)
                return (
                    error(UNAVAILABLE)
                    if wants_json(request)
                    else _sorry(request, UNAVAILABLE, "redrive/unavailable.html")
                )
            if wants_json(request):
                return error(refused)
            if refused.status == 401:
                back = request.get_full_path() if method == "GET" else resolve_url("/")
                return redirect_to_login(
                    back, login_url=admin_url("login") or resolve_url(settings.LOGIN_URL)
                )
            return _sorry(request, refused, "redrive/refused.html")

        return login_not_required(never_cache(guarded))

    return decorate


def _sorry(request: HttpRequest, refused: Refusal, template: str) -> HttpResponse:
    """A plain page that says why. Its frame reads nothing: the session may live in the database that is away."""
    context = {**frame(request, with_admin=False), "title": refused.title}
    return HttpResponse(render_to_string(template, context), status=refused.status)
