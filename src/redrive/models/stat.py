"""Hourly counters."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from redrive.models.moments import MomentField


class Stat(models.Model):
    """Counts and seconds of one kind of happening in one hour (UTC), per task and label."""

    hour = MomentField()
    kind = models.CharField(max_length=40)
    task_name = models.CharField(max_length=255)
    label = models.CharField(max_length=100, blank=True, default="")
    count = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    sketch = models.JSONField(
        default=dict, blank=True, help_text=_("Durations: upper bound in seconds -> count.")
    )

    class Meta:
        verbose_name = _("counter")
        verbose_name_plural = _("counters")
        constraints = [
            models.UniqueConstraint(fields=["kind", "hour", "task_name", "label"], name="redrive_stat_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.task_name} {self.label} {self.hour:%Y-%m-%d %H}h: {self.count}"
