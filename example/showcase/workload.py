"""The company's daily business: what goes right, and what one day or another goes wrong.

Needs `django.setup()`. Every function sends tasks and returns at once.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from apps.facilities import tasks
from apps.facilities.models import (
    Asset,
    BusinessUnit,
    Customer,
    Invoice,
    Notification,
    PartStock,
    Payment,
    Sensor,
    SensorReading,
    Site,
    Technician,
    WorkOrder,
)

PART = "filter"
ASSETS_OF_A_CAMPUS = 40
FULL_DISK = "/dev/full"


# What goes right, second after second


def charge_invoice(second: int) -> None:
    """Bill a customer and charge the invoice."""
    customers = Customer.objects.order_by("pk")
    customer = customers[second % len(customers)]
    invoice = Invoice.objects.create(
        customer=customer,
        number=f"INV-{timezone.now():%j%H%M%S}-{second % 1000:03}",
        amount=Decimal(100 + 7 * (second % 40)),
        due_on=timezone.localdate() + timedelta(days=14),
    )
    tasks.process_payment.delay(invoice.number)


def notify_customer(second: int) -> None:
    """Tell a customer that somebody is coming."""
    orders = WorkOrder.objects.select_related("site__customer").order_by("pk")
    order = orders[second % len(orders)]
    message = Notification.objects.create(
        work_order=order,
        recipient=order.site.customer.email,
        subject=f"Work order {order.pk}",
        body=f"We are coming for: {order.title}",
    )
    tasks.send_notification.delay(message.pk)


def assess_site(second: int) -> None:
    tasks.assess_asset_health.delay(_site(second).pk)


def build_report(second: int) -> None:
    units = BusinessUnit.objects.order_by("pk")
    tasks.build_unit_report.delay(units[second % len(units)].code)


def cost_of_labour(second: int) -> None:
    experienced = Technician.objects.filter(workorder__completed_at__isnull=False).distinct().order_by("pk")
    tasks.calculate_labour_cost.delay(experienced[second % len(experienced)].pk)


def move_parts(second: int) -> None:
    tasks.transfer_parts.delay(PART, _site(second).pk, _site(second + 1).pk, 1)


def import_readings(second: int) -> None:
    sensor = Sensor.objects.order_by("pk")[0]
    taken_at = timezone.now() - timedelta(days=1, seconds=second)
    tasks.import_meter_readings.delay(
        [{"device_id": sensor.device_id, "value": "21.5", "taken_at": taken_at.isoformat()}]
    )


def draw_small_site(second: int) -> None:
    tasks.render_floor_plans.delay(Site.objects.order_by("area_square_metres", "pk")[0].pk)


# seconds between two of them, and what is done
ROUTINE: tuple[tuple[int, Callable[[int], None]], ...] = (
    (1, charge_invoice),
    (2, assess_site),
    (3, notify_customer),
    (4, cost_of_labour),
    (5, move_parts),
    (6, build_report),
    (7, import_readings),
    (15, draw_small_site),
)


def routine(second: int) -> None:
    """Send what is due in this second of the day."""
    for period, send in ROUTINE:
        if second % period == 0:
            send(second)


# What goes wrong


def prepare() -> None:
    """Set the scene: a campus with many assets on both ends, so that two transfers between them meet."""
    for site in _campuses():
        missing = ASSETS_OF_A_CAMPUS - site.assets.count()
        Asset.objects.bulk_create(
            Asset(site=site, kind="ventilation", serial=f"C{site.pk:03}-{number:02}")
            for number in range(missing)
        )
        PartStock.objects.filter(site=site).update(quantity=100_000)


def opposite_transfers() -> None:
    """Two pairs of transfers in opposite directions: PostgreSQL finds the deadlock and ends one of them."""
    here, there = _campuses()
    for _ in range(2):
        tasks.transfer_parts.delay(PART, here.pk, there.pk, 2)
        tasks.transfer_parts.delay(PART, there.pk, here.pk, 2)


def alarm_without_reading() -> None:
    """Alarms for two readings that were never stored."""
    for reading_id in missing_reading_ids():
        tasks.raise_alarm.delay(reading_id)


def missing_reading_ids() -> tuple[int, int]:
    """Two numbers that no reading has."""
    newest = SensorReading.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    first = (newest // 1_000_000 + 1) * 1_000_000
    return first + 1, first + 2


def spoiled_upload() -> None:
    """A file whose second row is not a number."""
    device_id = Sensor.objects.order_by("pk")[0].device_id
    row = {"device_id": device_id, "value": "20.1", "taken_at": timezone.now().isoformat()}
    tasks.import_meter_readings.delay([row, {**row, "value": "n/a"}])


def unknown_recipient() -> None:
    """A mail to somebody the mail server does not know."""
    message = Notification.objects.create(
        work_order=WorkOrder.objects.order_by("pk")[0],
        recipient="nobody@aurora-hospital-group.example",
        subject="Your appointment",
        body="Tomorrow at eight.",
    )
    tasks.send_notification.delay(message.pk)


def emergency_at_closed_order() -> None:
    """An emergency for a work order that has been closed."""
    order = WorkOrder.objects.filter(completed_at__isnull=False).order_by("pk")[0]
    WorkOrder.objects.filter(pk=order.pk).update(status=WorkOrder.Status.CLOSED)
    tasks.dispatch_emergency.delay(order.pk)


def benchmark_without_key() -> None:
    """A benchmark for every unit, though nobody has mounted the key."""
    for code in BusinessUnit.objects.values_list("code", flat=True):
        tasks.benchmark_energy.delay(code)


def fill_disk(unit_code: str) -> None:
    """Let a unit's report end on a device that is always full, and ask for that report."""
    path = settings.REPORTS_DIR / unit_code / "latest.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(FULL_DISK)
    tasks.build_unit_report.delay(unit_code)


def cost_of_newcomers() -> None:
    """Labour cost of technicians who have completed nothing yet, which the report's formula does not expect."""
    for technician in (
        Technician.objects.filter(workorder__completed_at__isnull=True).distinct().order_by("pk")[:2]
    ):
        if not technician.workorder_set.filter(completed_at__isnull=False).exists():
            tasks.calculate_labour_cost.delay(technician.pk)


def draw_largest_campus() -> None:
    """Floor plans that need more memory than the worker has."""
    tasks.render_floor_plans.delay(Site.objects.order_by("-area_square_metres", "pk")[0].pk)


def refunds() -> None:
    """Two refunds of charges made today."""
    for payment in (
        Payment.objects.filter(refunded_at=None).exclude(reference__startswith="ch_seed").order_by("-pk")[:2]
    ):
        tasks.refund_payment.delay(payment.reference)


def refund_of_foreign_charge() -> None:
    """A refund of a charge that belongs to another account with the provider."""
    tasks.refund_payment.delay(
        Payment.objects.filter(reference__startswith="ch_seed").order_by("pk")[0].reference
    )


def _site(second: int) -> Site:
    sites = Site.objects.exclude(pk__in=[campus.pk for campus in _campuses()]).order_by("pk")
    return sites[second % len(sites)]


def _campuses() -> tuple[Site, Site]:
    first, second = Site.objects.order_by("-area_square_metres", "pk")[:2]
    return first, second
