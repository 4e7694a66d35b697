"""What is done: work orders, the messages about them, the reports over them."""

from django.db import models

from apps.facilities.models.equipment import Asset
from apps.facilities.models.organisation import BusinessUnit, Site, Technician


class WorkOrder(models.Model):
    """One job at a site."""

    class Status(models.TextChoices):
        OPEN = "open"
        ASSIGNED = "assigned"
        COMPLETED = "completed"
        CLOSED = "closed"

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="work_orders")
    asset = models.ForeignKey(Asset, on_delete=models.SET_NULL, null=True, blank=True)
    technician = models.ForeignKey(Technician, on_delete=models.SET_NULL, null=True, blank=True)
    title = models.CharField(max_length=160)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    is_emergency = models.BooleanField(default=False)
    is_escalated = models.BooleanField(default=False)
    hours = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["status", "due_at"])]

    def __str__(self) -> str:
        return f"#{self.pk} {self.title}"


class Notification(models.Model):
    """A mail to a customer or a technician."""

    work_order = models.ForeignKey(WorkOrder, on_delete=models.CASCADE, null=True, blank=True)
    recipient = models.EmailField()
    subject = models.CharField(max_length=160)
    body = models.TextField()
    sent_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.subject} to {self.recipient}"


class Report(models.Model):
    """A file that was written, and over how many rows."""

    business_unit = models.ForeignKey(BusinessUnit, on_delete=models.CASCADE, related_name="reports")
    kind = models.CharField(max_length=40)
    path = models.CharField(max_length=255)
    rows = models.PositiveIntegerField()
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.kind} for {self.business_unit}"
