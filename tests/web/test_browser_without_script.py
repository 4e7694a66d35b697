"""Every action works in a browser that runs no script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer
from tests.web.making import make_everything, make_record

from redrive.models import Event, TaskFailureRecord


@pytest.fixture
def plain_page(browser: Browser, live_server: LiveServer, admin_user: AbstractBaseUser) -> Iterator[Page]:
    """A superuser's tab without scripts."""
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.set_default_timeout(10_000)
    client = Client()
    client.force_login(admin_user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    yield context.new_page()
    context.close()


def _status(record: TaskFailureRecord) -> str:
    return TaskFailureRecord.objects.get(pk=record.pk).status


def test_retry(plain_page: Page) -> None:
    record = make_record()
    plain_page.goto("/admin/tasks/dlq/")

    plain_page.get_by_role("button", name=f"Retry billing.charge, record {record.pk}").click()

    expect(plain_page.get_by_text("1 task was sent back to work.")).to_be_visible()
    assert _status(record) == "RETRYING"


def test_abandon_asks_for_a_reason_first(plain_page: Page) -> None:
    record = make_record()
    plain_page.goto("/admin/tasks/dlq/")

    plain_page.get_by_text("Abandon…").click()
    plain_page.get_by_label("Why?").fill("customer cancelled")
    plain_page.get_by_role("button", name="Abandon", exact=True).click()

    expect(plain_page.get_by_text("1 task was abandoned.")).to_be_visible()
    assert _status(record) == "ABANDONED"
    assert Event.objects.get().reason == "customer cancelled"


def test_bulk_retry_of_chosen_rows(plain_page: Page) -> None:
    chosen, other = make_record(), make_record()
    plain_page.goto("/admin/tasks/dlq/")

    plain_page.get_by_role("checkbox", name=f"record {chosen.pk}").check()
    plain_page.get_by_role("button", name="Retry selected…").click()
    expect(plain_page.get_by_role("heading", name="Retry 1 task?")).to_be_visible()
    plain_page.get_by_label("Priority").select_option("HIGH")
    plain_page.get_by_role("button", name="Retry 1 task").click()

    expect(plain_page.get_by_text("1 task was sent back to work.")).to_be_visible()
    assert (_status(chosen), _status(other)) == ("RETRYING", "PENDING")
    assert TaskFailureRecord.objects.get(pk=chosen.pk).queue_name == "high_priority"


def test_bulk_retry_of_all_that_match_the_filter(plain_page: Page) -> None:
    matching, other = make_record(task_name="reports.render"), make_record()
    plain_page.goto("/admin/tasks/dlq/")

    plain_page.get_by_label("Task name or id").fill("render")
    plain_page.get_by_role("button", name="Filter").click()
    plain_page.get_by_role("button", name="Retry all 1 that match…").click()
    plain_page.get_by_role("button", name="Retry 1 task").click()

    expect(plain_page.get_by_text("1 task was sent back to work.")).to_be_visible()
    expect(plain_page.get_by_label("Task name or id")).to_have_value("render")
    assert (_status(matching), _status(other)) == ("RETRYING", "PENDING")


def test_row_buttons_of_the_admin(plain_page: Page) -> None:
    record = make_record()
    plain_page.goto("/admin/redrive/taskfailurerecord/")

    plain_page.get_by_role("button", name=f"Retry: record {record.pk}").click()

    expect(plain_page.get_by_text("1 task was sent back to work.")).to_be_visible()
    assert _status(record) == "RETRYING"


def test_abandoning_chosen_records_in_the_admin(plain_page: Page) -> None:
    first, second = make_record(), make_record()
    plain_page.goto("/admin/redrive/taskfailurerecord/")

    plain_page.locator("input.action-select").nth(0).check()
    plain_page.locator("input.action-select").nth(1).check()
    plain_page.get_by_label("Action:").select_option("abandon_selected")
    plain_page.get_by_role("button", name="Go").click()
    plain_page.get_by_label("Reason (kept in the history)").fill("cleared up")
    plain_page.get_by_role("button", name="Abandon 2 tasks").click()

    expect(plain_page.get_by_text("2 tasks were abandoned.")).to_be_visible()
    assert (_status(first), _status(second)) == ("ABANDONED", "ABANDONED")


def test_charts_are_tables(plain_page: Page) -> None:
    make_everything()
    plain_page.goto("/admin/tasks/failure-taxonomy/")

    plain_page.get_by_text("Show data").first.click()

    expect(plain_page.locator("canvas").first).to_be_hidden()
    expect(plain_page.locator("#failure-types-table table")).to_be_visible()
