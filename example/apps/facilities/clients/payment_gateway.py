"""The payment provider's HTTP API."""

from decimal import Decimal

import httpx
from django.conf import settings

TIMEOUT = httpx.Timeout(2.0)


def charge(invoice_number: str, amount: Decimal) -> str:
    """Charge once per invoice, however often it is asked for, and return the provider's reference.

    Raises:
        httpx.HTTPStatusError: for an answer that is not 2xx.
        httpx.TransportError: when there is no answer.
    """
    return _post("/charges", {"invoice": invoice_number, "amount": str(amount)}, key=invoice_number)


def refund(reference: str) -> str:
    """Give the money of a charge back; the provider does so once per call, as it has no key for refunds."""
    return _post("/refunds", {"charge": reference})


def _post(path: str, body: dict[str, str], key: str = "") -> str:
    headers = {"Idempotency-Key": key} if key else {}
    response = httpx.post(settings.PAYMENT_GATEWAY_URL + path, json=body, headers=headers, timeout=TIMEOUT)
    response.raise_for_status()
    reference: str = response.json()["reference"]
    return reference
