"""Runs all services and their control port until it is ended."""

import argparse
import asyncio
import random
import time
from contextlib import suppress
from datetime import UTC, datetime

from services import http
from services.faults import Fault, Switch
from services.mail_server import MailServer
from services.payment_gateway import PaymentGateway
from services.sensor_hub import SensorHub


async def run(gateway: int, hub: int, mail: int, control: int) -> None:
    """Serve on the four ports for ever."""
    switches = {"payments": Switch(), "sensors": Switch(), "mail": Switch()}
    payments = PaymentGateway(switches["payments"])
    sensors = SensorHub(switches["sensors"], now=lambda: datetime.now(UTC), rng=random.Random())
    servers = [
        await http.serve(payments.handle, gateway, switches["payments"]),
        await http.serve(sensors.handle, hub, switches["sensors"]),
        await MailServer(switches["mail"], clock=time.monotonic).serve(mail),
        await http.serve(lambda request: control_fault(request, switches), control),
    ]
    await asyncio.gather(*(server.serve_forever() for server in servers))


def control_fault(request: http.Request, switches: dict[str, Switch]) -> http.Response:
    """`PUT /<service>` with `{"fault": ..., "retry_after": seconds}` sets a fault; any `GET` shows all of them."""
    if request.method == "PUT":
        name = request.path.strip("/")
        if name not in switches:
            return http.Response(404, {"error": f"no service {name!r}; there are {', '.join(switches)}"})
        wish = request.json()
        try:
            switches[name].set(Fault(wish["fault"]), int(wish.get("retry_after", 5)))
        except (KeyError, TypeError, ValueError):
            return http.Response(
                422, {"error": f"fault must be one of {', '.join(fault.value for fault in Fault)}"}
            )
    return http.Response(
        200,
        {name: {"fault": switch.fault.value, "counts": switch.counts} for name, switch in switches.items()},
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="services", description="The outside world of the demo, on 127.0.0.1."
    )
    for name, port in (("gateway", 8801), ("hub", 8802), ("mail", 8803), ("control", 8804)):
        parser.add_argument(f"--{name}", type=int, default=port, metavar="PORT", help=f"default {port}")
    with suppress(KeyboardInterrupt):
        asyncio.run(run(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
