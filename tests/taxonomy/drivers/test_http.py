"""HTTP, through httpx, urllib and http.client, against a local server that answers as asked."""

from __future__ import annotations

import http.client
import json
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.servers.process import free_port
from tests.taxonomy.drivers.driven import Driven, check
from tests.taxonomy.drivers.local_servers import http_server

API = "EXTERNAL_API_ERROR"


def ask(path: str) -> Any:
    """GET with httpx, then ``raise_for_status`` as every client does."""
    return lambda address: httpx.get(address + path, timeout=0.3).raise_for_status()


def urlopen(path: str) -> Any:
    return lambda address: urllib.request.urlopen(address + path, timeout=0.3).read()


def raw(path: str) -> Any:
    def provoke(address: str) -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=0.3)
        try:
            connection.request("GET", path)
            connection.getresponse().read()
        finally:
            connection.close()

    return provoke


def nobody_listens(_: str) -> None:
    httpx.get(f"http://127.0.0.1:{free_port()}/", timeout=1)


def streamed_and_closed(address: str) -> None:
    with httpx.stream("GET", f"{address}/not-json") as response:
        pass
    response.read()


def tls_on_a_plain_port(address: str) -> None:
    httpx.get(address.replace("http://", "https://"), timeout=1)


CASES = (
    Driven("400", f"PERMANENT_VALIDATION,{API},PERMANENT_LOGIC", False, ask("/bad-request")),
    Driven("401", f"CONFIG_INVALID_SETTING,PERMANENT_PERMISSION,{API}", False, ask("/unauthorised")),
    Driven("403", f"PERMANENT_PERMISSION,CONFIG_INVALID_SETTING,{API}", False, ask("/forbidden")),
    Driven("404", f"PERMANENT_NOT_FOUND,{API}", False, ask("/absent")),
    Driven("405", f"PERMANENT_LOGIC,{API}", False, ask("/method")),
    Driven("409", f"{API},PERMANENT_VALIDATION,PERMANENT_LOGIC", False, ask("/conflict")),
    Driven("410", f"PERMANENT_NOT_FOUND,{API}", False, ask("/gone")),
    Driven("413", f"PERMANENT_VALIDATION,{API}", False, ask("/large")),
    Driven("415", f"PERMANENT_VALIDATION,PERMANENT_LOGIC,{API}", False, ask("/media")),
    Driven("422", f"PERMANENT_VALIDATION,{API}", False, ask("/unprocessable")),
    Driven("429", "TRANSIENT_RATE_LIMIT", True, ask("/often")),
    Driven("429 with a date", "TRANSIENT_RATE_LIMIT", True, ask("/often-until")),
    Driven("403 for a rate limit", "TRANSIENT_RATE_LIMIT", True, ask("/limited")),
    Driven("500", f"{API},EXTERNAL_API_DOWN", True, ask("/broken")),
    Driven("502", "EXTERNAL_API_DOWN", True, ask("/gateway")),
    Driven("503", "EXTERNAL_API_DOWN", True, ask("/unavailable")),
    Driven("503 with Retry-After", "EXTERNAL_API_DOWN,TRANSIENT_RATE_LIMIT", True, ask("/maintenance")),
    Driven("504", "EXTERNAL_TIMEOUT,EXTERNAL_API_DOWN", True, ask("/gateway-timeout")),
    Driven("408", "EXTERNAL_TIMEOUT", True, ask("/request-timeout")),
    Driven("hangs", "EXTERNAL_TIMEOUT,TRANSIENT_NETWORK", True, ask("/hang")),
    Driven("closes without an answer", "TRANSIENT_NETWORK,EXTERNAL_API_DOWN", True, ask("/close")),
    Driven("resets", "TRANSIENT_NETWORK,EXTERNAL_API_DOWN", True, ask("/reset")),
    Driven("cuts the body", "TRANSIENT_NETWORK", True, ask("/short")),
    Driven("does not speak HTTP", f"{API},TRANSIENT_NETWORK,CONFIG_INVALID_SETTING", True, ask("/garbage")),
    Driven("broken compression", f"{API},PERMANENT_VALIDATION", False, ask("/not-gzip")),
    Driven(
        "not JSON",
        f"PERMANENT_VALIDATION,{API}",
        False,
        lambda address: httpx.get(f"{address}/not-json").json(),
    ),
    Driven(
        "redirects for ever",
        f"PERMANENT_VALIDATION,{API},CONFIG_INVALID_SETTING",
        False,
        lambda address: httpx.get(f"{address}/loop", follow_redirects=True),
    ),
    Driven("refused", "TRANSIENT_NETWORK,EXTERNAL_API_DOWN", True, nobody_listens),
    Driven(
        "no such host",
        "TRANSIENT_NETWORK,CONFIG_INVALID_SETTING",
        True,
        lambda _: httpx.get("http://shop.invalid/", timeout=2),
    ),
    Driven("TLS on a plain port", "TRANSIENT_NETWORK,CONFIG_INVALID_SETTING", False, tls_on_a_plain_port),
    Driven(
        "no scheme",
        "CONFIG_MISSING_SETTING,CONFIG_INVALID_SETTING,PERMANENT_VALIDATION",
        False,
        lambda _: httpx.get("/v1/orders"),
    ),
    Driven(
        "a base address that is not set",
        "CONFIG_MISSING_SETTING,CONFIG_INVALID_SETTING",
        False,
        lambda _: httpx.get("None/v1/orders"),
    ),
    Driven(
        "a port that is no number",
        "PERMANENT_VALIDATION,CONFIG_INVALID_SETTING",
        False,
        lambda _: httpx.get("http://shop.invalid:eighty/"),
    ),
    Driven("read after it was closed", "PERMANENT_LOGIC", False, streamed_and_closed),
    Driven(
        "a header that is not ASCII",
        "PERMANENT_LOGIC,PERMANENT_VALIDATION,CONFIG_INVALID_SETTING",
        False,
        lambda address: httpx.get(address, headers={"X-Name": "Zoë"}),
    ),
    Driven(
        "a body that JSON cannot hold",
        "PERMANENT_LOGIC",
        False,
        lambda address: httpx.post(address, json={"order": object()}),
    ),
    Driven("urllib 404", f"PERMANENT_NOT_FOUND,{API}", False, urlopen("/absent")),
    Driven("urllib 429", "TRANSIENT_RATE_LIMIT", True, urlopen("/often")),
    Driven("urllib 503", "EXTERNAL_API_DOWN", True, urlopen("/unavailable")),
    Driven("urllib hangs", "EXTERNAL_TIMEOUT,TRANSIENT_NETWORK", True, urlopen("/hang")),
    Driven(
        "urllib refused",
        "TRANSIENT_NETWORK,EXTERNAL_API_DOWN",
        True,
        lambda _: urllib.request.urlopen(f"http://127.0.0.1:{free_port()}/"),
    ),
    Driven(
        "urllib no such host",
        "TRANSIENT_NETWORK,CONFIG_INVALID_SETTING",
        True,
        lambda _: urllib.request.urlopen("http://shop.invalid/", timeout=2),
    ),
    Driven(
        "urllib unknown scheme",
        "CONFIG_MISSING_SETTING,PERMANENT_VALIDATION,CONFIG_INVALID_SETTING",
        False,
        lambda _: urllib.request.urlopen("shop.invalid/orders"),
    ),
    Driven(
        "urllib not JSON",
        f"PERMANENT_VALIDATION,{API}",
        False,
        lambda address: json.load(urllib.request.urlopen(f"{address}/not-json")),
    ),
    Driven("http.client closes", "TRANSIENT_NETWORK,EXTERNAL_API_DOWN", True, raw("/close")),
    Driven("http.client cuts", "TRANSIENT_NETWORK", True, raw("/short")),
    Driven("http.client garbage", f"{API},TRANSIENT_NETWORK,CONFIG_INVALID_SETTING", True, raw("/garbage")),
    Driven("http.client hangs", "EXTERNAL_TIMEOUT,TRANSIENT_NETWORK", True, raw("/hang")),
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with http_server() as address:
        yield address


@pytest.mark.parametrize("case", CASES, ids=str)
def test_http_failure_is_understood(case: Driven, address: str) -> None:
    check(case, address)


@pytest.mark.parametrize(("path", "seconds"), [("/often", 17), ("/often-until", 120), ("/maintenance", 240)])
def test_wait_that_a_server_asks_for_is_advised(path: str, seconds: int, address: str) -> None:
    case = Driven("", "TRANSIENT_RATE_LIMIT,EXTERNAL_API_DOWN", True, ask(path))

    assert check(case, address).retry_delay_seconds == seconds
