"""What the company keeps: organisation, equipment, work, billing."""

from apps.facilities.models.billing import Invoice, Payment
from apps.facilities.models.equipment import Asset, PartStock, Sensor, SensorReading
from apps.facilities.models.organisation import BusinessUnit, Customer, Site, Technician, Tier
from apps.facilities.models.work import Notification, Report, WorkOrder

__all__ = [
    "Asset",
    "BusinessUnit",
    "Customer",
    "Invoice",
    "Notification",
    "PartStock",
    "Payment",
    "Report",
    "Sensor",
    "SensorReading",
    "Site",
    "Technician",
    "Tier",
    "WorkOrder",
]
