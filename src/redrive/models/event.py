"""What someone or something did."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from redrive.models.moments import MomentField


class Event(models.Model):
    """One act: by whom, of what kind, on what, why, with which numbers. Append-only."""

    at = MomentField()
    actor = models.CharField(max_length=255)
    kind = models.CharField(max_length=60)
    subject = models.CharField(max_length=255, blank=True, default="")
    reason = models.TextField(blank=True, default="")
    numbers = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [
            models.Index(fields=["-at"], name="redrive_event_at"),
            models.Index(fields=["kind", "subject", "-at"], name="redrive_event_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} by {self.actor}"
