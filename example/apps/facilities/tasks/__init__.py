"""The company's tasks. Importing this package registers all of them, as Celery's autodiscovery does.

| queue | tasks |
|---|---|
| `critical` | dispatch_emergency, raise_alarm |
| `high_priority` | process_payment, refund_payment, send_notification |
| `reports` | build_unit_report, benchmark_energy, calculate_labour_cost, build_nightly_reports |
| `heavy_reports` | render_floor_plans (a worker of its own, as it needs much memory) |
| `maintenance` | transfer_parts, assess_asset_health, import_meter_readings, purge_old_readings, and what beat runs |
| `celery` | poll_sensor, poll_all_sensors |
"""

from apps.facilities.tasks.billing import process_payment, refund_payment, remind_of_overdue_invoices
from apps.facilities.tasks.equipment import (
    assess_asset_health,
    import_meter_readings,
    purge_old_readings,
    transfer_parts,
)
from apps.facilities.tasks.notifications import send_notification
from apps.facilities.tasks.reports import (
    benchmark_energy,
    build_nightly_reports,
    build_unit_report,
    calculate_labour_cost,
    render_floor_plans,
)
from apps.facilities.tasks.sensors import poll_all_sensors, poll_sensor, raise_alarm
from apps.facilities.tasks.work_orders import (
    close_completed_work_orders,
    dispatch_emergency,
    escalate_overdue_work_orders,
)

__all__ = [
    "assess_asset_health",
    "benchmark_energy",
    "build_nightly_reports",
    "build_unit_report",
    "calculate_labour_cost",
    "close_completed_work_orders",
    "dispatch_emergency",
    "escalate_overdue_work_orders",
    "import_meter_readings",
    "poll_all_sensors",
    "poll_sensor",
    "process_payment",
    "purge_old_readings",
    "raise_alarm",
    "refund_payment",
    "remind_of_overdue_invoices",
    "render_floor_plans",
    "send_notification",
    "transfer_parts",
]
