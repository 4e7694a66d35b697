"""Bulk redrives: a frozen set of dead letters, sent back to work at a rate and watched."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from redrive.models.failure import TaskFailureRecord
from redrive.models.moments import MomentField


class RedriveRun(models.Model):
    """One bulk redrive: what was chosen, how fast, when it stops, how far it is."""

    name = models.CharField(max_length=255)
    actor = models.CharField(max_length=255)
    reason = models.TextField(blank=True, default="")
    filter = models.JSONField(default=dict, blank=True)
    rate_per_second = models.FloatField(default=10.0)
    ladder = models.JSONField(default=list, blank=True)
    stop_rules = models.JSONField(default=dict, blank=True)
    state = models.CharField(max_length=20, default="prepared")
    created_at = MomentField()
    started_at = MomentField(null=True, blank=True)
    ended_at = MomentField(null=True, blank=True)

    class Meta:
        verbose_name = _("redrive run")
        verbose_name_plural = _("redrive runs")

    def __str__(self) -> str:
        return f"{self.name} ({self.state})"


class RedriveItem(models.Model):
    """One frozen member of a redrive run: may it run, on which rung, and how it ended."""

    run = models.ForeignKey(RedriveRun, on_delete=models.CASCADE, related_name="items")
    record = models.ForeignKey(TaskFailureRecord, on_delete=models.CASCADE, related_name="redrive_items")
    verdict = models.CharField(max_length=40, blank=True, default="")
    rung = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=20, blank=True, default="")
    sent_at = MomentField(null=True, blank=True)
    ended_at = MomentField(null=True, blank=True)

    class Meta:
        verbose_name = _("redrive item")
        verbose_name_plural = _("redrive items")
        constraints = [models.UniqueConstraint(fields=["run", "record"], name="redrive_item_once")]

    def __str__(self) -> str:
        return f"{self.record_id} in run {self.run_id}"
