"""The list of records, its actions, and the page of one record."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from redrive import runtime
from redrive.admin.detail import describe
from redrive.admin.export import csv_response
from redrive.admin.filters import BusinessUnitFilter, CategoryFilter
from redrive.api.access import UNAVAILABLE
from redrive.conf import get_settings
from redrive.leases import StoreUnavailable
from redrive.models import FailureAttempt, TaskFailureRecord
from redrive.priority import TaskPriority
from redrive.stores.sql.detail import workflow_words
from redrive.stores.sql.judgements import judgement_of
from redrive.taxonomy import FailureType
from redrive.templatetags.redrive import ago, may, retry_progress, status_badge, type_badge

if TYPE_CHECKING:
    RecordModelAdmin = admin.ModelAdmin[TaskFailureRecord]
else:
    RecordModelAdmin = admin.ModelAdmin

logger = logging.getLogger(__name__)

FINISHED = ("RESOLVED", "ABANDONED")
"""Statuses in which a record may be deleted."""
ACTION_LIMIT = 1000
"""Records one action takes at most, the oldest failures first; more is said on screen."""
SHOWN_REFUSALS = 5
MAX_ATTEMPTS = 100
_HEAVY = (
    "task_args", "task_kwargs", "traceback", "remediation_notes", "options", "body", "headers", "properties",
)  # fmt: skip
"""Columns the list does not need; reading them for 50 rows can mean megabytes."""


@admin.register(TaskFailureRecord)
class TaskFailureRecordAdmin(RecordModelAdmin):
    """Failed tasks. One query for the rows whatever their number; see the package for who may do what."""

    list_display = ("task", "marks", "quick", "retries", "times", "business_unit")
    list_display_links = ("task",)
    list_filter = (
        "status",
        CategoryFilter,
        "failure_type",
        ("first_failed_at", admin.DateFieldListFilter),
        BusinessUnitFilter,
    )
    search_fields = ("task_name", "task_id", "exception_message")
    search_help_text = gettext_lazy("Task name, task id or exception message")
    ordering = ("-first_failed_at", "-id")
    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # counting every filter value reads the whole table
    actions = ("retry_selected", "retry_high", "retry_critical", "abandon_selected", "export_csv")

    class Media:
        css = {"all": ("redrive/redrive.css",)}

    # -- columns -------------------------------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("task"), ordering="task_name")
    def task(self, record: TaskFailureRecord) -> SafeString:
        """The name, and what went wrong below it."""
        error = f"{record.exception_type}: {record.exception_message}".strip(": ")
        return format_html(
            '{}<br><span class="redrive-cut" title="{}">{}</span>', record.task_name, error[:500], error[:120]
        )

    @admin.display(description=gettext_lazy("status and failure type"), ordering="status")
    def marks(self, record: TaskFailureRecord) -> SafeString:
        marks = (status_badge(record.status), type_badge(record.failure_type))
        return format_html('<span class="redrive-two">{}{}</span>', *marks)

    @admin.display(description=gettext_lazy("retries"), ordering="retry_count")
    def retries(self, record: TaskFailureRecord) -> SafeString:
        return retry_progress(record.retry_count, record.max_retries)

    @admin.display(description=gettext_lazy("failed, next run"), ordering="first_failed_at")
    def times(self, record: TaskFailureRecord) -> SafeString:
        now = runtime.clock.now()
        failed = ago(record.first_failed_at, now)
        if record.status != "RETRYING" or record.next_retry_at is None:
            return SafeString(failed)
        return format_html('<span class="redrive-two">{}{}</span>', failed, ago(record.next_retry_at, now))

    @admin.display(description=gettext_lazy("actions"))
    def quick(self, record: TaskFailureRecord) -> SafeString:
        """Buttons of the list's own form with another target: no nested form, no script, its CSRF token."""
        buttons = []
        for act, words in (("retry", _("Retry")), ("hurry", _("Run now"))):
            if may(record.status, act):
                url = self._url("retry", record.pk)
                buttons.append(
                    format_html(
                        '<button type="submit" class="redrive-mini" formmethod="post" formaction="{}" '
                        'aria-label="{}">{}</button>',
                        url,
                        _("%(act)s: record %(id)s") % {"act": words, "id": record.pk},
                        words,
                    )
                )
        if may(record.status, "abandon"):
            url = self._url("abandon", record.pk)
            label = _("Abandon: record %(id)s") % {"id": record.pk}
            buttons.append(format_html('<a href="{}" aria-label="{}">{}</a>', url, label, _("Abandon…")))
        return format_html('<span class="redrive-quick">{}</span>', SafeString(" ".join(buttons)))

    # -- permissions ---------------------------------------------------------------------------------------------

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Records are made by failures only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: TaskFailureRecord | None = None) -> bool:
        """No field is edited by hand; the permission of this name allows :meth:`has_act_permission`."""
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """Whether the user may retry and abandon."""
        return bool(request.user.has_perm("redrive.change_taskfailurerecord"))

    def has_delete_permission(self, request: HttpRequest, obj: TaskFailureRecord | None = None) -> bool:
        """Finished records only: an unfinished one is the only copy of a task."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.status in FINISHED)

    # -- queries -------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[TaskFailureRecord]:
        return super().get_queryset(request).defer(*_HEAVY)

    def get_list_display(self, request: HttpRequest) -> Any:
        """Without the buttons for those who may only read."""
        may_act = self.has_act_permission(request)
        return [name for name in self.list_display if may_act or name != "quick"]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list over the whole width: with the admin's side bar its columns do not fit on a laptop.

        Without tables it is a page that says what to type.
        """
        try:
            return super().changelist_view(
                request, {"is_nav_sidebar_enabled": False, **(extra_context or {})}
            )
        except DatabaseError:
            logger.exception("redrive: the database did not answer %s", request.path)
            context = {"base_template": "redrive/base_plain.html", "title": UNAVAILABLE.title}
            return HttpResponse(
                render_to_string("redrive/unavailable.html", context), status=UNAVAILABLE.status
            )

    # -- actions -------------------------------------------------------------------------------------------------

    def _ids(self, request: HttpRequest, queryset: QuerySet[TaskFailureRecord]) -> list[int]:
        ids = list(
            queryset.order_by("first_failed_at", "id").values_list("pk", flat=True)[: ACTION_LIMIT + 1]
        )
        if len(ids) > ACTION_LIMIT:
            text = _(
                "One action takes at most %(limit)s records: these were the oldest. Do it again for the rest."
            )
            messages.warning(request, text % {"limit": ACTION_LIMIT})
        return ids[:ACTION_LIMIT]

    def _report(self, request: HttpRequest, acted: Any, words: str) -> None:
        if acted.done:
            messages.success(request, words)
        for record_id, why in list(acted.refused.items())[:SHOWN_REFUSALS]:
            text = _("Record %(id)s was left as it is: %(why)s")
            messages.warning(request, text % {"id": record_id, "why": why})
        if len(acted.refused) > SHOWN_REFUSALS:
            more = len(acted.refused) - SHOWN_REFUSALS
            messages.warning(request, _("%(n)s more were left as they are.") % {"n": more})

    def _retry(self, request: HttpRequest, ids: list[int], level: TaskPriority | None = None) -> None:
        route = runtime.route_for(level) if level else None
        try:
            acted = runtime.dead_letter_service().retry(ids, actor=request.user.get_username(), route=route)
        except StoreUnavailable as error:
            messages.error(request, _("The database is away, nothing was changed: %(why)s") % {"why": error})
            return
        words = ngettext(
            "%(n)s task was sent back to work.", "%(n)s tasks were sent back to work.", len(acted.done)
        )
        self._report(request, acted, words % {"n": len(acted.done)})

    def _abandon(self, request: HttpRequest, ids: list[int]) -> None:
        reason = request.POST.get("reason", "").strip()[:1000]
        try:
            acted = runtime.dead_letter_service().abandon(
                ids, actor=request.user.get_username(), reason=reason
            )
        except StoreUnavailable as error:
            messages.error(request, _("The database is away, nothing was changed: %(why)s") % {"why": error})
            return
        words = ngettext("%(n)s task was abandoned.", "%(n)s tasks were abandoned.", len(acted.done))
        self._report(request, acted, words % {"n": len(acted.done)})

    @admin.action(description=gettext_lazy("Retry (normal priority)"), permissions=["act"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[TaskFailureRecord]) -> None:
        """Send back to work where it was."""
        self._retry(request, self._ids(request, queryset))

    @admin.action(description=gettext_lazy("Retry with HIGH priority"), permissions=["act"])
    def retry_high(self, request: HttpRequest, queryset: QuerySet[TaskFailureRecord]) -> None:
        """Send back to work through the queue of HIGH."""
        self._retry(request, self._ids(request, queryset), TaskPriority.HIGH)

    @admin.action(description=gettext_lazy("Retry with CRITICAL priority"), permissions=["act"])
    def retry_critical(self, request: HttpRequest, queryset: QuerySet[TaskFailureRecord]) -> None:
        """Send back to work through the queue of CRITICAL."""
        self._retry(request, self._ids(request, queryset), TaskPriority.CRITICAL)

    @admin.action(description=gettext_lazy("Abandon"), permissions=["act"])
    def abandon_selected(
        self, request: HttpRequest, queryset: QuerySet[TaskFailureRecord]
    ) -> HttpResponse | None:
        """Give up, after a question that shows how many and asks why."""
        if request.POST.get("confirmed"):
            frozen = [int(part) for part in request.POST.get("frozen", "").split(",") if part.isdigit()]
            self._abandon(request, frozen[:ACTION_LIMIT])
            return None
        return self._ask(request, self._ids(request, queryset))

    @admin.action(description=gettext_lazy("Export to CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[TaskFailureRecord]) -> Any:
        """Every selected record, however many, as a download."""
        return csv_response(queryset.defer(None), runtime.clock.now())

    def _ask(self, request: HttpRequest, ids: list[int]) -> HttpResponse:
        title = ngettext("Abandon %(n)s task?", "Abandon %(n)s tasks?", len(ids)) % {"n": len(ids)}
        context = {
            "title": title,
            "ids": ids,
            "frozen": ",".join(map(str, ids)),
            "in_list": request.method == "POST",
        }
        return self._show(request, "redrive/admin/abandon.html", context)

    # -- pages of one record -------------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        def guard(view: Any) -> Any:
            return self.admin_site.admin_view(view)

        name = "redrive_taskfailurerecord"
        return [
            path("<int:record_id>/retry/", guard(self.retry_view), name=f"{name}_retry"),
            path("<int:record_id>/judge/", guard(self.judge_view), name=f"{name}_judge"),
            path("<int:record_id>/abandon/", guard(self.abandon_view), name=f"{name}_abandon"),
            *super().get_urls(),
        ]

    def _url(self, page: str, *args: Any) -> str:
        """The address of one of our pages, in the admin site this is registered with."""
        return reverse(f"admin:redrive_taskfailurerecord_{page}", args=args, current_app=self.admin_site.name)

    def _show(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """A page in the frame of this admin site."""
        request.current_app = self.admin_site.name  # {% url %} reads it
        frame = {**self.admin_site.each_context(request), "is_nav_sidebar_enabled": False, "opts": self.opts}
        return render(request, template, {**frame, **context})

    def _back(self, request: HttpRequest, record_id: int) -> HttpResponseRedirect:
        """To where the button was: the record's page, or the list as it was filtered."""
        if request.POST.get("from") == "record":
            return HttpResponseRedirect(self._url("change", record_id))
        changelist = self._url("changelist")
        came_from = request.headers.get("referer", "")
        ours = url_has_allowed_host_and_scheme(
            came_from, {request.get_host()}, require_https=request.is_secure()
        )
        back = ours and urlsplit(came_from).path == changelist
        return HttpResponseRedirect(came_from if back else changelist)

    def retry_view(self, request: HttpRequest, record_id: int) -> HttpResponse:
        """Retry one record (POST), and back to where the button was."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_act_permission(request):
            raise PermissionDenied
        level = request.POST.get("priority", "")
        self._retry(request, [record_id], TaskPriority[level] if level in ("HIGH", "CRITICAL") else None)
        return self._back(request, record_id)

    def abandon_view(self, request: HttpRequest, record_id: int) -> HttpResponse:
        """Ask why (GET), then abandon one record (POST)."""
        if not self.has_act_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            self._abandon(request, [record_id])
            return self._back(request, record_id)
        return self._ask(request, [record_id])

    def judge_view(self, request: HttpRequest, record_id: int) -> HttpResponse:
        """Note what an operator says of the record's type (POST), and back to its page."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_act_permission(request):
            raise PermissionDenied
        record = TaskFailureRecord.objects.filter(pk=record_id).only("fingerprint", "failure_type").first()
        if record is None:
            raise Http404
        said = {
            "actor": request.user.get_username(),
            "reason": request.POST.get("reason", "").strip()[:1000],
        }
        says = record.failure_type if request.POST.get("right") else request.POST.get("failure_type", "")
        try:
            if request.POST.get("revoke"):
                refused = runtime.corrections().revoke(record.fingerprint, **said)
            else:
                refused = runtime.corrections().judge(record.fingerprint, says, **said)
        except StoreUnavailable as error:
            refused = _("The database is away: %(why)s") % {"why": error}
        if refused:
            messages.warning(request, _("Nothing was changed: %(why)s") % {"why": refused})
        else:
            messages.success(
                request,
                _("Noted. Workers know it within seconds; it holds for every later failure like this."),
            )
        return HttpResponseRedirect(self._url("change", record_id))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Everything that is known about one record; a few queries, nothing to edit."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        record = TaskFailureRecord.objects.filter(pk=_number(unquote(object_id))).first()
        if record is None:
            raise Http404(_("There is no record with this number. Finished ones are deleted after a while."))
        now = runtime.clock.now()
        judged = judgement_of(record.fingerprint)
        attempts = FailureAttempt.objects.using(get_settings().database).filter(record=record)
        context = {
            "title": record.task_name,
            "record": record,
            "page": describe(record, list(attempts[:MAX_ATTEMPTS]), get_settings().masking, now),
            "workflow": workflow_words(record),
            "now": now,
            "judged": judged,
            "kinds": [kind.value for kind in FailureType],
            "shown_type": judged.says if judged else record.failure_type,
            "may_act": self.has_act_permission(request),
            "may_delete": self.has_delete_permission(request, record),
            **(extra_context or {}),
        }
        return self._show(request, "redrive/admin/record.html", context)


def _number(text: str) -> int:
    """A primary key from an address; 0, which no record has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
