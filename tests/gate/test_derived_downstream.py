"""Which downstream a failure names by itself."""

import pytest

from redrive.gate import derive_downstream
from redrive.taxonomy import ExceptionFacts, FailureType
from tests.retry.builders import classified


def facts(message: str = "", **attrs: str) -> ExceptionFacts:
    return ExceptionFacts("builtins", "Exception", message=message, attrs=attrs)


@pytest.mark.parametrize(
    ("message", "host"),
    [
        (
            "Server error '503 Service Unavailable' for url 'https://API.stripe.com/v1/charges'",
            "api.stripe.com",
        ),
        ("HTTPSConnectionPool(host='mail.example.org', port=443): Max retries exceeded", "mail.example.org"),
        ("POST http://user:secret@127.0.0.1:8099/pay timed out", "127.0.0.1"),
        ("the read operation timed out", None),
        ("x" * 5000 + " https://late.example", None),
    ],
)
def test_the_host_in_the_message_is_the_downstream(message: str, host: str | None) -> None:
    assert derive_downstream(classified(FailureType.EXTERNAL_TIMEOUT), facts(message)) == host


def test_what_the_exception_states_goes_before_its_message() -> None:
    stated = facts("see https://docs.example/errors", **{"request.url": "https://api.example/v1"})

    assert derive_downstream(classified(FailureType.EXTERNAL_API_DOWN), stated) == "api.example"
    assert (
        derive_downstream(classified(FailureType.TRANSIENT_NETWORK), facts(host="Mail.example:25"))
        == "mail.example"
    )


def test_the_exception_behind_may_name_it() -> None:
    outer = ExceptionFacts(
        "shop", "PaymentFailed", message="no luck", chain=(facts("GET https://pay.example/x"),)
    )

    assert derive_downstream(classified(FailureType.EXTERNAL_API_ERROR), outer) == "pay.example"


def test_database_failures_are_the_databases() -> None:
    assert derive_downstream(classified(FailureType.TRANSIENT_DATABASE)) == "database"


@pytest.mark.parametrize(
    "kind", ["PERMANENT_VALIDATION", "UNKNOWN", "SYSTEM_DISK_FULL", "CONFIG_MISSING_SETTING"]
)
def test_a_host_in_a_failure_about_something_else_is_only_data(kind: str) -> None:
    assert derive_downstream(classified(FailureType[kind]), facts("bad link https://example.org")) is None
