"""Who may read and act, and how a refusal looks to a machine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from redrive.leases import StoreUnavailable

logger = logging.getLogger(__name__)

READ = "redrive.view_taskfailurerecord"
ACT = "redrive.change_taskfailurerecord"
VERSION = 1

View = Callable[..., HttpResponse]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not served: an HTTP status, a word for programs, a sentence for people."""

    status: int
    code: str
    message: str

    @property
    def title(self) -> str:
        """The first sentence of the message."""
        return f"{self.message.partition('. ')[0].rstrip('.')}."


UNAVAILABLE = Refusal(
    503,
    "database_unavailable",
    "Redrive's tables cannot be read. If they were never made, type: manage.py migrate redrive",
)


def refusal(user: Any, permission: str) -> Refusal | None:
    """Why user may not do what permission allows, or None. Acting needs the right to read, too."""
    if not getattr(user, "is_authenticated", False):
        return Refusal(401, "not_authenticated", "Log in as a member of staff.")
    if not (user.is_active and user.is_staff):
        return Refusal(403, "not_staff", "Only members of staff may see this.")
    for needed in dict.fromkeys((READ, permission)):
        if not user.has_perm(needed):
            return Refusal(403, "forbidden", f"This needs the permission {needed}.")
    return None


def error(reason: Refusal) -> JsonResponse:
    """A refusal as JSON."""
    return JsonResponse(
        {"version": VERSION, "error": {"code": reason.code, "message": reason.message}}, status=reason.status
    )


def json_view(view: View) -> View:
    """GET only, staff with the right to read, never cached; every refusal is JSON, also a database that is away."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            response: HttpResponse = error(Refusal(405, "method_not_allowed", "Use GET."))
            response["Allow"] = "GET, HEAD"
            return response
        try:
            refused = refusal(getattr(request, "user", None), READ)
            return error(refused) if refused else view(request, *args, **kwargs)
        except (DatabaseError, StoreUnavailable):
            logger.exception("redrive: the database did not answer %s", request.path)
            return error(UNAVAILABLE)

    # The guard answers anonymous callers itself; LoginRequiredMiddleware would send a program to a login form.
    return login_not_required(never_cache(guarded))
