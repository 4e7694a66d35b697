"""The hub that sensors report to: the latest value of each device, and a benchmark for those with a key."""

import random
import re
from collections.abc import Callable
from datetime import datetime

from services.faults import Switch
from services.http import Request, Response

DEVICE_PATH = re.compile(r"/devices/(?P<device>[\w-]+)/latest")
# Devices are named kind-number; values are in the unit of the kind, and stay below the alarm limits.
USUAL_VALUE = {"temperature": 55.0, "smoke": 0.1, "gas": 0.05, "water": 0.2}
RESTRICTED_PREFIX = "restricted-"


class SensorHub:
    """`GET /devices/<device>/latest` and `GET /benchmark`."""

    def __init__(self, switch: Switch, now: Callable[[], datetime], rng: random.Random) -> None:
        self._switch = switch
        self._now = now
        self._rng = rng

    def handle(self, request: Request) -> Response:
        self._switch.counts["requests"] += 1
        path = request.path.partition("?")[0]
        if path == "/benchmark":
            return self._benchmark(request)
        found = DEVICE_PATH.fullmatch(path)
        return (
            self._latest(found["device"]) if found else Response(404, {"error": f"no such resource: {path}"})
        )

    def _latest(self, device: str) -> Response:
        if device.startswith(RESTRICTED_PREFIX):
            return Response(403, {"error": f"this account may not read {device}"})
        usual = USUAL_VALUE.get(device.partition("-")[0])
        if usual is None:
            return Response(404, {"error": f"unknown device {device}"})
        value = round(usual * self._rng.uniform(0.8, 1.2), 4)
        return Response(200, {"device": device, "value": value, "taken_at": self._now().isoformat()})

    def _benchmark(self, request: Request) -> Response:
        if not request.headers.get("authorization", "").removeprefix("Bearer").strip():
            return Response(401, {"error": "a bearer token is required"})
        return Response(200, {"kilowatt_hours_per_square_metre": round(self._rng.uniform(70, 140), 1)})
