"""Reading the sensors and reacting to what they measure."""

from __future__ import annotations  # Celery 5.5's Task takes no type arguments at run time

from datetime import timedelta
from typing import Any

from celery import Task, shared_task
from django.utils import timezone

from apps.core.tasks.base import IdempotentTask
from apps.core.tasks.smart_retry import retry_engine
from apps.facilities.clients import sensor_hub
from apps.facilities.models import Sensor, SensorReading, WorkOrder
from apps.facilities.tasks.work_orders import dispatch_emergency
from redrive.celery import Options


@shared_task(base=IdempotentTask, bind=True, name="facilities.poll_sensor", idempotency_ttl=5)
def poll_sensor(self: Task[Any, Any], device_id: str) -> float:
    """Store a sensor's newest measurement; an alarm at or above its limit.

    Written in the older, hand-made style, which keeps working: the task asks the engine for a policy itself.
    """
    sensor = Sensor.objects.get(device_id=device_id)
    try:
        measurement = sensor_hub.latest(device_id)
    except Exception as exc:
        policy = retry_engine.get_retry_policy(self.name, exc, {"retry_count": self.request.retries})
        if policy.max_retries > 0:
            countdown = retry_engine.calculate_next_retry(policy, self.request.retries)
            raise self.retry(exc=exc, countdown=countdown) from exc
        raise
    reading, is_new = SensorReading.objects.get_or_create(
        sensor=sensor, taken_at=measurement.taken_at, defaults={"value": measurement.value}
    )
    if is_new and reading.value >= sensor.alarm_at:
        raise_alarm.delay(reading.pk)
    return reading.value


@shared_task(name="facilities.poll_all_sensors")
def poll_all_sensors() -> int:
    """Queue one poll per sensor and return how many."""
    device_ids = list(Sensor.objects.values_list("device_id", flat=True))
    for device_id in device_ids:
        poll_sensor.delay(device_id)
    return len(device_ids)


@shared_task(name="facilities.raise_alarm", queue="critical", redrive=Options(critical=True, retry_safe=True))
def raise_alarm(reading_id: int) -> int:
    """Open an emergency work order for a reading, once, and send someone; returns the work order's number."""
    reading = SensorReading.objects.select_related("sensor__asset__site").get(pk=reading_id)
    now = timezone.now()
    order, is_new = WorkOrder.objects.get_or_create(
        asset=reading.sensor.asset,
        title=f"{reading.sensor.get_kind_display()} alarm from {reading.sensor.device_id}",
        status=WorkOrder.Status.OPEN,
        defaults={
            "site": reading.sensor.asset.site,
            "is_emergency": True,
            "opened_at": now,
            "due_at": now + timedelta(hours=1),
        },
    )
    if is_new:
        dispatch_emergency.delay(order.pk)
    return order.pk
