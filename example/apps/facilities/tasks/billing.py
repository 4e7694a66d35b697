"""Payments and what follows from unpaid invoices."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from apps.facilities.clients import payment_gateway
from apps.facilities.models import Invoice, Notification, Payment
from apps.facilities.tasks.notifications import send_notification
from redrive.celery import IdempotentTask, Options


@shared_task(
    base=IdempotentTask,
    name="facilities.process_payment",
    queue="high_priority",
    idempotency_ttl=3600,
    idempotency_scope="global",
    redrive=Options(downstream="payments", critical=True),
)
def process_payment(invoice_number: str) -> str:
    """Charge an open invoice; safe to run again, as the gateway takes the invoice number for its key."""
    invoice = Invoice.objects.select_related("customer").get(number=invoice_number)
    if invoice.status == Invoice.Status.PAID:
        return invoice.payment.reference
    reference = payment_gateway.charge(invoice.number, invoice.amount)
    with transaction.atomic():
        Payment.objects.create(invoice=invoice, amount=invoice.amount, reference=reference)
        invoice.status = Invoice.Status.PAID
        invoice.save(update_fields=["status"])
    return reference


@shared_task(name="facilities.refund_payment", queue="high_priority", redrive=Options(downstream="payments"))
def refund_payment(reference: str) -> str:
    """Refund a charge. Not declared retry-safe: asking twice refunds twice, so after a fault a person decides."""
    payment = Payment.objects.select_related("invoice").get(reference=reference)
    refund = payment_gateway.refund(payment.reference)
    payment.refunded_at = timezone.now()
    payment.save(update_fields=["refunded_at"])
    Invoice.objects.filter(pk=payment.invoice_id).update(status=Invoice.Status.REFUNDED)
    return refund


@shared_task(name="facilities.remind_of_overdue_invoices", queue="maintenance")
def remind_of_overdue_invoices() -> int:
    """Queue a reminder for every overdue invoice and return how many there are."""
    overdue = Invoice.objects.filter(status=Invoice.Status.OPEN, due_on__lt=timezone.localdate())
    for invoice in overdue.select_related("customer"):
        reminder = Notification.objects.create(
            recipient=invoice.customer.email,
            subject=f"Invoice {invoice.number} is overdue",
            body=f"Please pay {invoice.amount} for invoice {invoice.number}.",
        )
        send_notification.delay(reminder.pk)
    return len(overdue)
