"""Leases: claims, probes, keeper duties, heartbeats, gates."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from redrive.models.moments import MomentField


class LeaseRow(models.Model):
    """One document with an owner, a fence that only grows, and an expiry by the database's clock."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    owner = models.CharField(max_length=255, blank=True, default="")
    fence = models.BigIntegerField(default=0)
    state = models.CharField(max_length=40, blank=True, default="")
    expires_at = MomentField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "redrive_lease"
        verbose_name = _("lease")
        verbose_name_plural = _("leases")
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="redrive_lease_once")]
        indexes = [models.Index(fields=["expires_at"], name="redrive_lease_expiry")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.owner})"
