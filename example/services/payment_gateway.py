"""The payment provider: charges once per idempotency key, refunds as often as it is asked."""

import secrets

from services.faults import Switch
from services.http import Request, Response


class PaymentGateway:
    """`POST /charges` and `POST /refunds`."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._charges: dict[str, str] = {}

    def handle(self, request: Request) -> Response:
        match (request.method, request.path):
            case ("POST", "/charges"):
                return self._charge(request)
            case ("POST", "/refunds"):
                return self._refund(request)
        return Response(404, {"error": f"no such resource: {request.path}"})

    def _refund(self, request: Request) -> Response:
        charge = request.json().get("charge", "")
        if charge not in self._charges.values():
            return Response(403, {"error": f"{charge} belongs to another account"})
        self._switch.counts["refunds"] += 1
        return Response(201, {"reference": f"re_{secrets.token_hex(6)}"})

    def _charge(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        if not key:
            return Response(422, {"error": "the Idempotency-Key header is required"})
        if key in self._charges:
            self._switch.counts["charges asked for again"] += 1
            return Response(200, {"reference": self._charges[key]})
        self._switch.counts["charges"] += 1
        self._charges[key] = f"ch_{secrets.token_hex(6)}"
        return Response(201, {"reference": self._charges[key]})
