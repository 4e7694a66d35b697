"""Calls whose keys are written down in golden_keys.json."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from redrive.idempotency import Scope, call_key, explicit_key, payload_fingerprint

VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "false": False,
    "zero": 0,
    "one": 1,
    "minus_one": -1,
    "huge": 10**50,
    "float": 1.5,
    "float_one": 1.0,
    "tiny": 5e-324,
    "empty_text": "",
    "text": "abc",
    "unicode": "Grüße, 世界",
    "list": [1, "a", None],
    "tuple": (1, 2),
    "empty_list": [],
    "dict": {"b": 1, "a": [2]},
    "int_keys": {1: "a", 2: "b"},
    "empty_dict": {},
    "decimal": Decimal("12.340"),
    "uuid": UUID("12345678-1234-5678-1234-567812345678"),
    "datetime": datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC),
    "date": date(2026, 1, 1),
    "bytes": b"\x00\xff",
    "nested": {"items": [{"sku": "x", "price": Decimal("9.99"), "tags": ["a", "b"]}]},
}


def golden_keys() -> dict[str, str]:
    keys = {
        name: call_key("shop.pay", {"value": value}, scope=Scope.GLOBAL, scope_value="")
        for name, value in VALUES.items()
    }
    keys["user scope"] = call_key("shop.pay", {"value": 1}, scope=Scope.USER, scope_value="i1:7")
    keys["explicit"] = explicit_key("shop.pay", "order-1", scope=Scope.GLOBAL, scope_value="")
    keys["fingerprint"] = payload_fingerprint({"value": 1})
    keys["no arguments"] = call_key("shop.pay", {}, scope=Scope.GLOBAL, scope_value="")
    keys["two arguments"] = call_key("shop.pay", {"a": 1, "b": 2}, scope=Scope.GLOBAL, scope_value="")
    return keys
