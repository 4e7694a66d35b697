"""What it costs: invoices and the payments on them."""

from django.db import models

from apps.facilities.models.organisation import Customer


class Invoice(models.Model):
    """What a customer owes."""

    class Status(models.TextChoices):
        OPEN = "open"
        PAID = "paid"
        REFUNDED = "refunded"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="invoices")
    number = models.CharField(max_length=20, unique=True)
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    due_on = models.DateField()

    def __str__(self) -> str:
        return self.number


class Payment(models.Model):
    """A charge that the payment gateway has confirmed."""

    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, related_name="payment")
    amount = models.DecimalField(max_digits=10, decimal_places=2)
    reference = models.CharField(max_length=40, unique=True)
    refunded_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.reference
