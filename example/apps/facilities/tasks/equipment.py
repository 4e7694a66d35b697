"""Stock, condition and meter readings of the equipment."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from celery import shared_task
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.facilities.models import Asset, PartStock, Sensor, SensorReading, WorkOrder
from redrive.celery import Options

KEEP_READINGS = timedelta(days=30)


@shared_task(name="facilities.transfer_parts", queue="maintenance", redrive=Options(retry_safe=True))
def transfer_parts(part: str, source_site_id: int, target_site_id: int, quantity: int) -> None:
    """Move spare parts from one site to another, both or neither.

    The source is locked first, then the target: two transfers in opposite directions can block each other, and
    PostgreSQL then ends one of them. That one has changed nothing, so it may run again.
    """
    with transaction.atomic():
        source = PartStock.objects.select_for_update().get(part=part, site_id=source_site_id)
        if source.quantity < quantity:
            raise ValidationError(
                f"Only {source.quantity} x {part} at site {source_site_id}, {quantity} asked for"
            )
        _assess(source.site_id)
        PartStock.objects.filter(pk=source.pk).update(quantity=F("quantity") - quantity)
        target = PartStock.objects.select_for_update().get(part=part, site_id=target_site_id)
        _assess(target.site_id)
        PartStock.objects.filter(pk=target.pk).update(quantity=F("quantity") + quantity)


@shared_task(name="facilities.assess_asset_health", queue="maintenance", redrive=Options(retry_safe=True))
def assess_asset_health(site_id: int) -> int:
    """Work the open work orders of a site into the health of its assets; returns the number of assets."""
    return _assess(site_id)


@shared_task(name="facilities.import_meter_readings", queue="maintenance", redrive=Options(retry_safe=True))
def import_meter_readings(rows: Sequence[Mapping[str, str]]) -> int:
    """Store readings that were uploaded (`device_id`, `value`, `taken_at` in ISO 8601); all or none; returns how many.

    Raises:
        ValidationError: when a row names no known device, no number or no moment.
    """
    sensors = {sensor.device_id: sensor for sensor in Sensor.objects.all()}
    readings = [_reading(number, row, sensors) for number, row in enumerate(rows, start=1)]
    SensorReading.objects.bulk_create(readings, ignore_conflicts=True)
    return len(readings)


@shared_task(name="facilities.purge_old_readings", queue="maintenance", redrive=Options(retry_safe=True))
def purge_old_readings() -> int:
    """Delete readings older than 30 days; returns how many."""
    deleted, _ = SensorReading.objects.filter(taken_at__lt=timezone.now() - KEEP_READINGS).delete()
    return deleted


def _assess(site_id: int) -> int:
    assets = list(Asset.objects.filter(site_id=site_id))
    waiting = (WorkOrder.Status.OPEN, WorkOrder.Status.ASSIGNED)
    for asset in assets:
        jobs = WorkOrder.objects.filter(asset=asset, status__in=waiting).count()
        Asset.objects.filter(pk=asset.pk).update(health=max(0, 100 - 15 * jobs))
    return len(assets)


def _reading(number: int, row: Mapping[str, str], sensors: Mapping[str, Sensor]) -> SensorReading:
    device_id = row.get("device_id", "")
    if device_id not in sensors:
        raise ValidationError(f"Row {number}: there is no sensor {device_id!r}")
    try:
        value, taken_at = float(row["value"]), datetime.fromisoformat(row["taken_at"])
    except (KeyError, ValueError) as exc:
        raise ValidationError(f"Row {number} is not a reading: {exc}") from exc
    return SensorReading(sensor=sensors[device_id], value=value, taken_at=taken_at)
