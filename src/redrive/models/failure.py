"""Failed tasks: one record per task, one attempt per ending, one group per fingerprint."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from redrive.conf import get_settings
from redrive.models.moments import MomentField
from redrive.taxonomy import FailureType, RemediationAction


class Status(models.TextChoices):
    """What becomes of the task next."""

    PENDING = "PENDING", _("Dead: waits for a decision")
    RETRYING = "RETRYING", _("Runs again")
    RESOLVED = "RESOLVED", _("Resolved")
    ABANDONED = "ABANDONED", _("Abandoned")


class EveryRecordManager(models.Manager["TaskFailureRecord"]):
    """Every row, on the database that holds Redrive's tables."""

    def get_queryset(self) -> models.QuerySet[TaskFailureRecord]:
        return super().get_queryset().using(get_settings().database)


class RecordManager(EveryRecordManager):
    """Tasks that failed at least once. A task that was only held by a gate is not a failure and not shown."""

    def get_queryset(self) -> models.QuerySet[TaskFailureRecord]:
        return super().get_queryset().filter(first_failed_at__isnull=False)


class TaskFailureRecord(models.Model):
    """One task that did not end well: why, what becomes of it, and its whole message, ready to be sent again.

    A record whose ``status`` is PENDING is a dead letter. One that is RETRYING waits for ``next_retry_at``, or its
    message is out (``published_at``), or it is running (``started_attempt`` is one above ``attempt``).
    """

    task_id = models.CharField(max_length=255, unique=True)
    task_name = models.CharField(max_length=255)
    task_args = models.JSONField(default=list, blank=True)
    task_kwargs = models.JSONField(default=dict, blank=True)
    correlation_id = models.CharField(max_length=255, blank=True, default="")
    app_name = models.CharField(max_length=255, blank=True, default="")
    business_unit = models.CharField(max_length=255, blank=True, default="")

    failure_type = models.CharField(
        max_length=40, choices=[(t.value, t.value) for t in FailureType], default="UNKNOWN"
    )
    confidence = models.FloatField(default=0.0)
    remediation_action = models.CharField(
        max_length=40, choices=[(a.value, a.value) for a in RemediationAction], default="INVESTIGATE"
    )
    exception_type = models.CharField(max_length=255, blank=True, default="")
    exception_message = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    fingerprint = models.CharField(max_length=80, blank=True, default="")
    remediation_notes = models.TextField(blank=True, default="")

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    retry_count = models.PositiveIntegerField(default=0)
    max_retries = models.PositiveIntegerField(default=0)
    next_retry_at = MomentField(null=True, blank=True)
    last_retry_at = MomentField(null=True, blank=True)
    first_failed_at = MomentField(null=True, blank=True)
    last_failed_at = MomentField(null=True, blank=True)
    resolved_at = MomentField(null=True, blank=True)
    abandoned_at = MomentField(null=True, blank=True)
    decision = models.TextField(blank=True, default="", help_text=_("Why it waits, died or runs again."))
    hold_reason = models.TextField(blank=True, default="", help_text=_("Why a gate holds it, if one does."))

    worker_hostname = models.CharField(max_length=255, blank=True, default="")
    queue_name = models.CharField(max_length=255, blank=True, default="")
    downstream = models.CharField(max_length=255, blank=True, default="")
    release = models.CharField(max_length=255, blank=True, default="")
    options = models.JSONField(
        default=dict, blank=True, help_text=_("The task's Options as declared when it failed.")
    )

    body = models.BinaryField(default=b"", blank=True)
    content_type = models.CharField(max_length=100, blank=True, default="")
    content_encoding = models.CharField(max_length=100, blank=True, default="")
    headers = models.JSONField(default=dict, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    exchange = models.CharField(max_length=255, blank=True, default="")
    routing_key = models.CharField(max_length=255, blank=True, default="")
    priority = models.SmallIntegerField(null=True, blank=True)
    message_source = models.CharField(
        max_length=12,
        blank=True,
        default="",
        help_text=_(
            "raw: as it was on the wire; rebuilt: encoded again from the request; none: could not be had."
        ),
    )

    attempt = models.PositiveIntegerField(
        default=0, help_text=_("Attempts that ended, over the task's whole life.")
    )
    first_attempt = models.PositiveIntegerField(
        default=1, help_text=_("The attempt that began this round of retries.")
    )
    holds = models.PositiveIntegerField(default=0)
    deliveries = models.PositiveIntegerField(
        default=0, help_text=_("Times the running attempt was delivered again.")
    )
    started_attempt = models.PositiveIntegerField(default=0)
    started_at = MomentField(null=True, blank=True)
    started_by = models.CharField(max_length=255, blank=True, default="")
    started_child = models.CharField(max_length=40, blank=True, default="")
    published_at = MomentField(null=True, blank=True)
    publishes = models.PositiveIntegerField(default=0)
    lease_owner = models.CharField(max_length=255, blank=True, default="")
    lease_expires_at = MomentField(null=True, blank=True)
    version = models.PositiveSmallIntegerField(default=1, help_text=_("Version of the row's format."))
    updated_at = MomentField(null=True, blank=True)

    objects: ClassVar[RecordManager] = RecordManager()
    every: ClassVar[EveryRecordManager] = EveryRecordManager()

    class Meta:
        base_manager_name = "every"
        verbose_name = _("task failure record")
        verbose_name_plural = _("task failure records")
        indexes = [
            models.Index(fields=["next_retry_at"], name="redrive_due", condition=models.Q(status="RETRYING")),
            models.Index(fields=["status", "-first_failed_at"], name="redrive_status"),
            models.Index(fields=["-first_failed_at"], name="redrive_first_failed"),
            models.Index(fields=["task_name", "-first_failed_at"], name="redrive_task"),
            models.Index(fields=["failure_type", "-first_failed_at"], name="redrive_type"),
            models.Index(fields=["business_unit", "-first_failed_at"], name="redrive_unit"),
            models.Index(fields=["fingerprint", "-first_failed_at"], name="redrive_fingerprint"),
        ]

    def __str__(self) -> str:
        return f"{self.task_name}[{self.task_id}] {self.status}"


class FailureAttempt(models.Model):
    """The ending of one attempt. Append-only: what happened is never rewritten."""

    record = models.ForeignKey(TaskFailureRecord, on_delete=models.CASCADE, related_name="attempts")
    attempt = models.PositiveIntegerField(help_text=_("1 is the first run."))
    delivery = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=12, help_text=_("failed, succeeded, lost or revoked"))
    failure_type = models.CharField(max_length=40, blank=True, default="")
    confidence = models.FloatField(default=0.0)
    exception_type = models.CharField(max_length=255, blank=True, default="")
    exception_message = models.TextField(blank=True, default="")
    traceback = models.TextField(blank=True, default="")
    evidence = models.JSONField(default=list, blank=True)
    decision = models.JSONField(default=dict, blank=True)
    worker_hostname = models.CharField(max_length=255, blank=True, default="")
    release = models.CharField(max_length=255, blank=True, default="")
    source = models.CharField(max_length=20, blank=True, default="", help_text=_("Who saw the ending."))
    ended_at = MomentField()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["record_id", "attempt", "delivery"]
        constraints = [
            models.UniqueConstraint(fields=["record", "attempt", "delivery"], name="redrive_one_ending")
        ]

    def __str__(self) -> str:
        return f"attempt {self.attempt} of {self.record_id}: {self.outcome}"


class FailureGroup(models.Model):
    """Failures with one fingerprint: what operators own, annotate, snooze and correct."""

    fingerprint = models.CharField(max_length=80, unique=True)
    task_name = models.CharField(max_length=255)
    failure_type = models.CharField(max_length=40, blank=True, default="")
    exception_type = models.CharField(max_length=255, blank=True, default="")
    title = models.TextField(blank=True, default="")
    owner = models.CharField(max_length=255, blank=True, default="")
    note = models.TextField(blank=True, default="")
    runbook = models.URLField(blank=True, default="")
    snoozed_until = MomentField(null=True, blank=True)
    correction = models.CharField(max_length=40, blank=True, default="")
    pending = models.PositiveIntegerField(default=0)
    retrying = models.PositiveIntegerField(default=0)
    resolved = models.PositiveIntegerField(default=0)
    abandoned = models.PositiveIntegerField(default=0)
    sparkline = models.JSONField(default=list, blank=True)
    first_seen_at = MomentField()
    last_seen_at = MomentField()

    class Meta:
        verbose_name = _("failure group")
        verbose_name_plural = _("failure groups")
        indexes = [models.Index(fields=["-last_seen_at"], name="redrive_group_seen")]

    def __str__(self) -> str:
        return f"{self.task_name}: {self.exception_type}"
