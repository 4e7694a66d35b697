"""What a publisher writes into a message, and what a worker makes of what it finds there."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from celery import Celery, _state, signals
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path
from django.views import View

from redrive import runtime
from redrive.celery import IdempotentTask, origin

app = Celery("origins", broker="memory://", set_as_current=False)


@app.task(shared=False, base=IdempotentTask, name="origins.pay")
def pay() -> None: ...


@app.task(shared=False, name="origins.plain")
def plain() -> None: ...


def checkout(request: HttpRequest, number: int = 0) -> HttpResponse:
    pay.delay()
    plain.delay()
    return HttpResponse()


async def checkout_async(request: HttpRequest) -> HttpResponse:
    pay.delay()
    return HttpResponse()


class Checkout(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        transaction.on_commit(pay.delay)
        return HttpResponse()


urlpatterns = [
    path("orders/<int:number>/pay/", checkout, name="checkout"),
    path("async/", checkout_async, name="checkout-async"),
    path("class/", Checkout.as_view(), name="checkout-class"),
]


@pytest.fixture
def sent() -> Iterator[list[tuple[str, Any]]]:
    """Name and origin header of every message that is published."""
    found: list[tuple[str, Any]] = []

    def hear(*, sender: str, headers: dict[str, Any], **_: Any) -> None:
        found.append((sender, headers.get(origin.HEADER)))

    # Receivers are called in the order in which they were connected: ours was first.
    signals.before_task_publish.connect(hear)
    before = _state._tls.current_app
    app.set_current()
    yield found
    _state._tls.current_app = before
    signals.before_task_publish.disconnect(hear)


@override_settings(ROOT_URLCONF=__name__)
def test_a_view_is_named_by_its_pattern_and_only_idempotent_tasks_are_told(
    sent: list[tuple[str, Any]],
) -> None:
    Client().get("/orders/4711/pay/")

    assert sent == [("origins.pay", "view:checkout"), ("origins.plain", None)]


@pytest.mark.parametrize(("address", "view"), [("/async/", "checkout-async"), ("/orders/1/pay/", "checkout")])
def test_a_view_under_asgi_is_named(sent: list[tuple[str, Any]], address: str, view: str) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        async_to_sync(AsyncClient().get)(address)

    assert sent[0] == ("origins.pay", f"view:{view}")


@pytest.mark.django_db(transaction=True)
@override_settings(ROOT_URLCONF=__name__)
def test_a_class_that_publishes_at_commit_is_named(sent: list[tuple[str, Any]]) -> None:
    Client().get("/class/")

    assert sent == [("origins.pay", "view:checkout-class")]


@override_settings(ROOT_URLCONF=__name__)
def test_after_the_request_the_view_is_forgotten(sent: list[tuple[str, Any]]) -> None:
    Client().get("/orders/4711/pay/")
    sent.clear()

    pay.delay()

    assert sent == [("origins.pay", None)]


def test_a_message_that_says_its_origin_keeps_it(sent: list[tuple[str, Any]]) -> None:
    pay.apply_async(headers={origin.HEADER: "import:csv"})

    assert sent == [("origins.pay", "import:csv")]


def test_mode_off_adds_nothing(sent: list[tuple[str, Any]]) -> None:
    with override_settings(ROOT_URLCONF=__name__, REDRIVE={"MODE": "off"}):
        Client().get("/orders/4711/pay/")

    assert sent[0] == ("origins.pay", None)


# -- read in the worker ------------------------------------------------------------------------------------


def request(**headers: Any) -> SimpleNamespace:
    return SimpleNamespace(**{"retries": 0, "delivery_info": {}, **headers})


@pytest.mark.parametrize(
    ("headers", "endpoint"),
    [
        ({"redrive_origin": "view:checkout", "parent_id": "p"}, "view:checkout"),
        ({"periodic_task_name": "nightly", "celery_beat_task": True}, "beat:nightly"),
        ({"celery_beat_task": True}, "beat"),
        ({"parent_id": "p"}, "task"),
        ({}, "elsewhere"),
        ({"redrive_origin": 7}, "elsewhere"),
    ],
)
def test_an_origin_is_read_from_what_there_is(headers: dict[str, Any], endpoint: str) -> None:
    assert origin.origin_of(request(**headers)) == endpoint


def test_made_up_origins_do_not_fill_the_table() -> None:
    for number in range(2 * origin.MOST_ENDPOINTS):
        origin.origin_of(request(redrive_origin=f"made up {number}"))

    assert len(origin._seen) <= origin.MOST_ENDPOINTS
    assert origin.origin_of(request(redrive_origin="one more")) == "elsewhere"


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    origin._seen.clear()
    runtime.counters.clear()
    yield
    runtime.counters.clear()
    origin._seen.clear()


@pytest.mark.parametrize(
    ("message", "duplicate", "checks", "hits", "label"),
    [
        ({}, False, 1, 0, "global:elsewhere"),
        ({}, True, 1, 1, "global:elsewhere"),
        ({"retries": 1}, True, 0, 0, "global:elsewhere"),
        ({"redrive": {"attempt": 2}}, True, 0, 0, "global:elsewhere"),
        ({"delivery_info": {"redelivered": True}}, False, 0, 0, "global:elsewhere"),
        ({"delivery_info": {"redelivered": True}}, True, 1, 1, "global:redelivery"),
    ],
)
def test_a_call_is_counted_when_it_is_looked_at_first(
    message: dict[str, Any], duplicate: bool, checks: int, hits: int, label: str
) -> None:
    origin.count("origins.pay", request(**message), "global", duplicate=duplicate)

    assert runtime.counters.count_of("idempotency-check", "origins.pay", label) == checks
    assert runtime.counters.count_of("idempotency-hit", "origins.pay", label) == hits
