"""What surrounds every page: the admin's frame where it is installed, a plain one elsewhere, and our tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from redrive import runtime
from redrive.templatetags.redrive import admin_url, page_url

TABS = (
    # (URL name, words)
    ("task_dashboard", _("Overview")),
    ("dlq_management", _("Dead letters")),
    ("failure_taxonomy", _("Failure types")),
    ("retry_policy", _("Retry policy")),
    ("idempotency_analysis", _("Duplicates")),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """A link to one of our pages."""

    url: str
    words: Any
    current: bool


def has_admin() -> bool:
    """Whether the Django admin is installed and in the project's URLs, so that its templates can be extended."""
    return apps.is_installed("django.contrib.admin") and bool(admin_url("index"))


def frame(request: HttpRequest, current: str = "", *, with_admin: bool = True) -> dict[str, Any]:
    """Template variables every page has: ``base_template``, ``tabs``, ``now`` (aware UTC) and what the admin's frame
    needs."""
    context: dict[str, Any] = {}
    if with_admin and has_admin():
        from django.contrib import admin

        context.update(admin.site.each_context(request))
        context["base_template"] = "admin/base_site.html"
    else:
        context["base_template"] = "redrive/base_plain.html"
    context["is_nav_sidebar_enabled"] = False
    context["tabs"] = tuple(Tab(page_url(name), words, name == current) for name, words in TABS)
    context["current_tab"] = current
    context["now"] = runtime.clock.now()
    return context
