"""Mails to customers and technicians."""

from celery import shared_task
from django.utils import timezone

from apps.facilities.clients import mail
from apps.facilities.models import Notification
from redrive.celery import Options


@shared_task(
    name="facilities.send_notification",
    queue="high_priority",
    redrive=Options(downstream="mail", retry_safe=True),
)
def send_notification(notification_id: int) -> None:
    """Send a stored notification unless it has been sent."""
    notification = Notification.objects.get(pk=notification_id)
    if notification.sent_at is not None:
        return
    mail.send(notification.recipient, notification.subject, notification.body)
    notification.sent_at = timezone.now()
    notification.save(update_fields=["sent_at"])
