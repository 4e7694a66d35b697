"""Reports: plain ones, one that needs a secret, one with a bug, one that needs much memory."""

import csv
import zlib

import httpx
from celery import shared_task
from django.conf import settings
from django.db.models import Count, Q, Sum
from django.utils import timezone

from apps.facilities.clients import secrets
from apps.facilities.models import BusinessUnit, Report, Site, Technician, WorkOrder
from redrive.celery import Options

SQUARE_METRES_PER_FLOOR = 2_500
PLAN_BYTES_PER_FLOOR = 16 * 1024 * 1024


@shared_task(name="facilities.build_unit_report", queue="reports", redrive=Options(retry_safe=True))
def build_unit_report(unit_code: str) -> int:
    """Write a business unit's work orders per site to `<reports>/<unit>/latest.csv`; returns the number of sites."""
    unit = BusinessUnit.objects.get(code=unit_code)
    is_open = Q(work_orders__status__in=(WorkOrder.Status.OPEN, WorkOrder.Status.ASSIGNED))
    sites = Site.objects.filter(customer__business_unit=unit).annotate(
        orders=Count("work_orders"), waiting=Count("work_orders", filter=is_open)
    )
    path = settings.REPORTS_DIR / unit.code / "latest.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["site", "work orders", "waiting"])
        writer.writerows([site.name, site.orders, site.waiting] for site in sites)
    Report.objects.create(
        business_unit=unit,
        kind="work orders per site",
        path=str(path),
        rows=len(sites),
        written_at=timezone.now(),
    )
    return len(sites)


@shared_task(
    name="facilities.benchmark_energy",
    queue="reports",
    redrive=Options(downstream="sensor_hub", retry_safe=True),
)
def benchmark_energy(unit_code: str) -> float:
    """Compare a unit's energy use with the branch, by the hub's benchmark service; needs BENCHMARK_API_KEY."""
    area = Site.objects.filter(customer__business_unit__code=unit_code).aggregate(
        area=Sum("area_square_metres")
    )
    response = httpx.get(
        f"{settings.SENSOR_HUB_URL}/benchmark",
        params={"area": area["area"] or 0},
        headers={"Authorization": f"Bearer {secrets.require('BENCHMARK_API_KEY')}"},
        timeout=3.0,
    )
    response.raise_for_status()
    return float(response.json()["kilowatt_hours_per_square_metre"])


@shared_task(name="facilities.calculate_labour_cost", queue="reports", redrive=Options(retry_safe=True))
def calculate_labour_cost(technician_id: int) -> str:
    """A technician's mean cost per completed job, as a decimal string.

    The mean of no jobs is a bug that was left in: it divides by zero, as such bugs do, for a new technician only.
    """
    technician = Technician.objects.get(pk=technician_id)
    done = technician.workorder_set.filter(completed_at__isnull=False).aggregate(
        hours=Sum("hours"), jobs=Count("pk")
    )
    mean_hours = (done["hours"] or 0) / done["jobs"]
    return str(technician.hourly_rate * mean_hours)


@shared_task(name="facilities.render_floor_plans", queue="heavy_reports", redrive=Options(retry_safe=True))
def render_floor_plans(site_id: int) -> int:
    """Draw every floor of a site and pack the drawings; returns the packed size in bytes.

    All floors are held in memory until the last is drawn (16 MiB each), so a large campus needs what a small office
    does not.
    """
    site = Site.objects.get(pk=site_id)
    floors = max(1, site.area_square_metres // SQUARE_METRES_PER_FLOOR)
    drawings: list[bytes] = []
    packed = 0
    for floor in range(floors):
        drawing = bytes([floor % 256]) * PLAN_BYTES_PER_FLOOR
        drawings.append(drawing)
        packed += len(zlib.compress(drawing, level=1))
    return packed


@shared_task(name="facilities.build_nightly_reports", queue="reports")
def build_nightly_reports() -> int:
    """Queue the reports of every business unit; returns how many units there are."""
    codes = list(BusinessUnit.objects.values_list("code", flat=True))
    for code in codes:
        build_unit_report.delay(code)
        benchmark_energy.delay(code)
    return len(codes)
