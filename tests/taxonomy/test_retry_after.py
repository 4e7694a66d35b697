"""A server's own wait wins, in every form servers use, and never parks a task for ever."""

from datetime import UTC, datetime

import pytest

from redrive.taxonomy import ExceptionFacts, FailureTaxonomy, Scalar, server_wait_seconds

NOW = datetime(2025, 6, 3, 8, 14, 5, tzinfo=UTC)


def wait(attrs: dict[str, Scalar], message: str = "", qualname: str = "Busy") -> float | None:
    found = server_wait_seconds(ExceptionFacts("lib", qualname, message=message, attrs=attrs), NOW)
    return None if found is None else found[0]


@pytest.mark.parametrize(
    ("attrs", "seconds"),
    [
        ({"header.retry-after": "120"}, 120.0),
        ({"header.retry-after": 7}, 7.0),
        ({"header.retry-after": "1.5"}, 1.5),
        ({"header.retry-after": "Tue, 03 Jun 2025 08:15:05 GMT"}, 60.0),
        ({"header.retry-after": "Tue, 03 Jun 2025 08:00:00 GMT"}, 0.0),
        (
            {
                "header.retry-after": "Tue, 03 Jun 2025 08:15:05 GMT",
                "header.date": "Tue, 03 Jun 2025 08:15:00 GMT",
            },
            5.0,
        ),
        ({"header.retry-after-ms": "1500"}, 1.5),
        ({"header.x-ratelimit-reset": "1748938475"}, 30.0),  # 2025-06-03 08:14:35 UTC
        ({"header.x-ratelimit-reset": "45"}, 45.0),
        ({"header.ratelimit-reset": "12"}, 12.0),
        ({"header.x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"header.x-ratelimit-reset-tokens": "500ms"}, 0.5),
        ({"retry_after": 35}, 35.0),
        ({"header.retry-after": "999999999"}, 86_400.0),
    ],
)
def test_stated_waits_are_read(attrs: dict[str, Scalar], seconds: float) -> None:
    assert wait(attrs) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", ["-5", "soon", "", "nan", "inf", "1e999", "12_000", "0x10", True, None, "9" * 400]
)
def test_nonsense_is_not_believed(value: Scalar) -> None:
    assert wait({"header.retry-after": value}) is None


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached for gpt-4o. Please try again in 1.4s. Visit x", 1.4),
        ("Please try again in 6m3s", 363.0),
        ("A wait of 42 seconds is required (caused by SendMessage)", 42.0),
        ("Flood control exceeded. Retry in 35 seconds", 35.0),
        ("Request was throttled. Expected available in 30 seconds.", 30.0),
        ("response headers = {'Retry-After': '20'}", 20.0),
        ('{"retryDelay": "34s"}', 34.0),
    ],
)
def test_waits_in_messages_are_read(message: str, seconds: float) -> None:
    assert wait({}, message) == pytest.approx(seconds)


def test_telegram_flood_wait_is_read_from_its_value() -> None:
    assert wait({"value": 42}, qualname="FloodWait") == 42.0
    assert wait({"value": 42}, qualname="Other") is None


def test_servers_wait_wins_over_the_type_s_default() -> None:
    facts = ExceptionFacts(
        "requests.exceptions",
        "HTTPError",
        ("requests.exceptions.HTTPError",),
        "429 Client Error: Too Many Requests for url: https://api.partner.example/v1",
        {"response.status_code": 429, "header.retry-after": "17"},
    )

    classification = FailureTaxonomy.classify_facts(facts)

    assert classification.failure_type.value == "TRANSIENT_RATE_LIMIT"
    assert classification.retry_delay_seconds == 17.0
