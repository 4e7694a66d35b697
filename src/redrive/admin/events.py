"""The log of acts: who did what to which record, and why. Read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from redrive import runtime
from redrive.conf import get_settings
from redrive.models import Event
from redrive.templatetags.redrive import ago

if TYPE_CHECKING:
    EventModelAdmin = admin.ModelAdmin[Event]
else:
    EventModelAdmin = admin.ModelAdmin


@admin.register(Event)
class EventAdmin(EventModelAdmin):
    """Newest first; an entry is never changed, added or deleted by hand."""

    list_display = ("when", "actor", "kind", "subject", "reason")
    list_display_links = ("when",)
    list_filter = ("kind", ("at", admin.DateFieldListFilter))
    search_fields = ("actor", "subject", "reason")
    ordering = ("-at", "-id")
    list_per_page = 50
    show_full_result_count = False
    actions = None

    @admin.display(description=_("when"), ordering="at")
    def when(self, event: Event) -> Any:
        return ago(event.at, runtime.clock.now())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).using(get_settings().database)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return False
