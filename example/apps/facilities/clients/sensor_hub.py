"""The HTTP API of the hub that collects what the sensors measure."""

from dataclasses import dataclass
from datetime import datetime

import httpx
from django.conf import settings

TIMEOUT = httpx.Timeout(3.0, connect=2.0)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one device, in the unit of its kind."""

    value: float
    taken_at: datetime


def latest(device_id: str) -> Measurement:
    """The device's newest measurement.

    Raises:
        httpx.HTTPStatusError: 404 for a device the hub does not know, 403 for one this account may not read.
        httpx.TransportError: when there is no answer.
    """
    response = httpx.get(f"{settings.SENSOR_HUB_URL}/devices/{device_id}/latest", timeout=TIMEOUT)
    response.raise_for_status()
    body = response.json()
    return Measurement(value=float(body["value"]), taken_at=datetime.fromisoformat(body["taken_at"]))
