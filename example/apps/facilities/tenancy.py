"""Which business unit a task works for, found from what its first argument points at."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import apps

# task name -> (model, field that the first argument names, path from there to the unit's code)
UNIT_OF: Mapping[str, tuple[str, str, str]] = {
    "facilities.process_payment": ("Invoice", "number", "customer__business_unit__code"),
    "facilities.refund_payment": ("Payment", "reference", "invoice__customer__business_unit__code"),
    "facilities.send_notification": ("Notification", "pk", "work_order__site__customer__business_unit__code"),
    "facilities.dispatch_emergency": ("WorkOrder", "pk", "site__customer__business_unit__code"),
    "facilities.poll_sensor": ("Sensor", "device_id", "asset__site__customer__business_unit__code"),
    "facilities.raise_alarm": ("SensorReading", "pk", "sensor__asset__site__customer__business_unit__code"),
    "facilities.build_unit_report": ("BusinessUnit", "code", "code"),
    "facilities.benchmark_energy": ("BusinessUnit", "code", "code"),
    "facilities.calculate_labour_cost": ("Technician", "pk", "business_unit__code"),
    "facilities.render_floor_plans": ("Site", "pk", "customer__business_unit__code"),
    "facilities.assess_asset_health": ("Site", "pk", "customer__business_unit__code"),
}


def business_unit_of(task_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """The unit's code (`REDRIVE["BUSINESS_UNIT"]` points here), or "" for a task of no unit or of an unknown object."""
    if task_name not in UNIT_OF or not args:
        return ""
    model, field, path = UNIT_OF[task_name]
    found = (
        apps.get_model("facilities", model).objects.filter(**{field: args[0]}).values_list(path, flat=True)
    )
    return found.first() or ""
