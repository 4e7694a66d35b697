"""The life of a work order after it was opened."""

from celery import shared_task
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from apps.facilities.models import Notification, Technician, WorkOrder
from apps.facilities.tasks.notifications import send_notification
from redrive.celery import Options


@shared_task(
    name="facilities.dispatch_emergency", queue="critical", redrive=Options(critical=True, retry_safe=True)
)
def dispatch_emergency(work_order_id: int) -> str:
    """Give an emergency to the technician with the fewest jobs and tell them; returns the technician's name."""
    with transaction.atomic():
        order = (
            WorkOrder.objects.select_for_update(of=("self",))
            .select_related("site__customer")
            .get(pk=work_order_id)
        )
        if order.status in (WorkOrder.Status.COMPLETED, WorkOrder.Status.CLOSED):
            raise ValidationError(f"Work order {order.pk} is {order.status}: nobody can be sent to it")
        technician = _least_busy(order.site.customer.business_unit_id)
        order.technician = technician
        order.status = WorkOrder.Status.ASSIGNED
        order.save(update_fields=["technician", "status"])
        message = Notification.objects.create(
            work_order=order,
            recipient=technician.email,
            subject=f"Emergency: {order.title}",
            body=f"Please go to {order.site} at once.",
        )
    send_notification.delay(message.pk)
    return technician.name


@shared_task(
    name="facilities.escalate_overdue_work_orders", queue="maintenance", redrive=Options(retry_safe=True)
)
def escalate_overdue_work_orders() -> int:
    """Mark what should have been done by now; returns how many."""
    waiting = WorkOrder.objects.filter(status__in=(WorkOrder.Status.OPEN, WorkOrder.Status.ASSIGNED))
    return waiting.filter(due_at__lt=timezone.now(), is_escalated=False).update(is_escalated=True)


@shared_task(
    name="facilities.close_completed_work_orders", queue="maintenance", redrive=Options(retry_safe=True)
)
def close_completed_work_orders() -> int:
    """Close what has been completed; returns how many."""
    return WorkOrder.objects.filter(status=WorkOrder.Status.COMPLETED).update(status=WorkOrder.Status.CLOSED)


def _least_busy(business_unit_id: int) -> Technician:
    jobs = Count("workorder", filter=Q(workorder__status=WorkOrder.Status.ASSIGNED))
    technicians = Technician.objects.filter(business_unit_id=business_unit_id).annotate(jobs=jobs)
    technician = technicians.order_by("jobs", "pk").first()
    if technician is None:
        raise Technician.DoesNotExist(f"Business unit {business_unit_id} has no technician")
    return technician
