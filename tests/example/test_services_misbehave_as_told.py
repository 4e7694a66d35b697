"""The demo's services, seen through the same clients as the tasks use."""

import smtplib
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.example.conftest import Services
from tests.waiting import wait_until


def charge(services: Services, invoice: str = "INV-1") -> httpx.Response:
    return httpx.post(
        f"{services.address('gateway')}/charges",
        json={"invoice": invoice, "amount": "10.00"},
        headers={"Idempotency-Key": invoice},
        timeout=1,
    )


def send_mail(services: Services, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", services.ports["mail"], timeout=5) as server:
        server.sendmail("dispatch@facilities.example", [recipient], "Subject: hello\r\n\r\nhello\r\n")


@pytest.mark.parametrize(("fault", "status"), [("unavailable", 503), ("rate_limited", 429), ("error", 500)])
def test_fault_answers_with_its_status_until_it_is_taken_away(
    services: Services, fault: str, status: int
) -> None:
    services.set_fault("payments", fault)
    during = charge(services)
    services.set_fault("payments", "none")
    after = charge(services)

    assert (during.status_code, after.status_code) == (status, 201)


def test_rate_limit_says_how_long_to_wait(services: Services) -> None:
    services.set_fault("payments", "rate_limited", retry_after=7)

    assert charge(services).headers["Retry-After"] == "7"


def test_reset_breaks_the_connection(services: Services) -> None:
    services.set_fault("payments", "reset")

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        charge(services)


def test_hang_lets_the_client_time_out(services: Services) -> None:
    services.set_fault("payments", "hang")

    with pytest.raises(httpx.ReadTimeout):
        charge(services)


def test_unknown_fault_is_refused_with_the_known_ones(services: Services) -> None:
    response = httpx.put(f"{services.address('control')}/payments", json={"fault": "on fire"})

    assert response.status_code == 422
    assert "unavailable" in response.json()["error"]


def test_charge_asked_for_twice_is_made_once(services: Services) -> None:
    first, second = charge(services).json(), charge(services).json()

    assert first == second
    assert services.counts("payments") == {"charges": 1, "charges asked for again": 1}


def test_refund_of_a_foreign_charge_is_forbidden(services: Services) -> None:
    response = httpx.post(f"{services.address('gateway')}/refunds", json={"charge": "ch_of_somebody_else"})

    assert response.status_code == 403


def test_hub_knows_devices_by_kind(services: Services) -> None:
    known = httpx.get(f"{services.address('hub')}/devices/smoke-001/latest")
    unknown = httpx.get(f"{services.address('hub')}/devices/teapot-001/latest")

    assert (known.status_code, unknown.status_code) == (200, 404)
    assert known.json()["device"] == "smoke-001"


def test_benchmark_needs_a_key(services: Services) -> None:
    url = f"{services.address('hub')}/benchmark"

    without, given = httpx.get(url), httpx.get(url, headers={"Authorization": "Bearer key"})

    assert (without.status_code, given.status_code) == (401, 200)


def test_mail_to_a_stranger_is_greylisted_first_and_taken_later(services: Services) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send_mail(services, "ada@customer.example")

    def is_taken() -> bool:
        try:
            send_mail(services, "ada@customer.example")
        except smtplib.SMTPRecipientsRefused:
            return False
        return True

    assert refused.value.recipients["ada@customer.example"][0] == 451
    assert wait_until(is_taken, 10, "the greylisted mail is taken", every=0.2)
    assert services.counts("mail")["messages"] == 1


def test_mail_to_an_unknown_mailbox_is_refused_for_good(services: Services) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send_mail(services, "nobody@customer.example")

    assert refused.value.recipients["nobody@customer.example"][0] == 550


def test_mail_server_that_is_away_says_so(services: Services) -> None:
    services.set_fault("mail", "unavailable")

    with pytest.raises(smtplib.SMTPConnectError) as refused:
        send_mail(services, "ada@customer.example")

    assert refused.value.smtp_code == 421


def test_fault_counts_what_it_has_hit(services: Services) -> None:
    services.set_fault("payments", "unavailable")
    charge(services)
    charge(services)

    assert services.counts("payments") == {"fault:unavailable": 2}


def test_hanging_clients_are_let_go_when_the_fault_ends(services: Services) -> None:
    services.set_fault("payments", "hang")

    with ThreadPoolExecutor(max_workers=1) as pool:
        hanging = pool.submit(httpx.post, f"{services.address('gateway')}/charges", json={}, timeout=30)
        wait_until(lambda: services.counts("payments"), 5, "the request has arrived")
        services.set_fault("payments", "none")

        with pytest.raises(httpx.RemoteProtocolError):
            hanging.result(timeout=5)
