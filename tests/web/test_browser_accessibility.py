"""axe finds nothing to object to: light, dark, narrow, with data and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer
from tests.web.making import make_attempt, make_everything, make_record

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = ("dashboard/", "dlq/?status=all", "failure-taxonomy/", "retry-policy/", "idempotency-analysis/")
LOOKS = {
    "light": ("light", 1280),
    "dark": ("dark", 1280),
    "narrow": ("light", 320),
    "narrow dark": ("dark", 320),
}


@pytest.fixture
def open_page(
    browser: Browser, live_server: LiveServer, admin_user: AbstractBaseUser
) -> Iterator[Callable[[str], Page]]:
    """Open a superuser's tab in one of the looks."""
    client = Client()
    client.force_login(admin_user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    contexts = []

    def make(look: str) -> Page:
        scheme, width = LOOKS[look]
        context = browser.new_context(
            base_url=live_server.url,
            color_scheme=scheme,  # type: ignore[arg-type]  # one of the two words
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
        )
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def _violations(page: Page) -> list[str]:
    page.add_script_tag(path=AXE)
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run('#content', {runOnly: {type: 'tag', values: tags}})", TAGS
    )
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def _is_wider_than_the_screen(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.mark.parametrize("look", LOOKS)
def test_pages_with_data(open_page: Callable[[str], Page], look: str) -> None:
    make_everything()
    page = open_page(look)

    for path in PAGES:
        page.goto(f"/admin/tasks/{path}")
        for summary in page.locator(".redrive-chart summary, .redrive-ask summary").all():
            summary.click()

        assert _violations(page) == [], path
        assert not _is_wider_than_the_screen(page), path


def test_pages_without_data(open_page: Callable[[str], Page]) -> None:
    page = open_page("light")

    for path in PAGES:
        page.goto(f"/admin/tasks/{path}")

        assert _violations(page) == [], path


@pytest.mark.parametrize("look", LOOKS)
def test_question_before_a_bulk_retry(open_page: Callable[[str], Page], look: str) -> None:
    make_everything()
    page = open_page(look)
    page.goto("/admin/tasks/dlq/")
    page.get_by_role("button", name="Retry all 4 that match…").click()

    assert _violations(page) == []
    assert not _is_wider_than_the_screen(page)


@pytest.mark.parametrize("look", LOOKS)
def test_page_of_a_record(open_page: Callable[[str], Page], look: str) -> None:
    record = make_record(retry_count=2, max_retries=5, remediation_notes="Correct the data.")
    for number in (1, 2):
        make_attempt(record, number)
    page = open_page(look)
    page.goto(reverse("admin:redrive_taskfailurerecord_change", args=[record.pk]))
    page.locator("details summary").first.click()

    assert _violations(page) == []
    assert not _is_wider_than_the_screen(page)


@pytest.mark.parametrize("look", ["light", "dark"])
def test_list_of_the_admin(open_page: Callable[[str], Page], look: str) -> None:
    """Our own cells; the admin's list around them is Django's."""
    make_everything()
    page = open_page(look)
    page.goto("/admin/redrive/taskfailurerecord/")

    ours = [line for line in _violations(page) if "redrive" in line]

    assert ours == []


def test_help_dialog(open_page: Callable[[str], Page]) -> None:
    page = open_page("dark")
    page.goto("/admin/tasks/dlq/")
    page.keyboard.press("?")

    assert _violations(page) == []


def test_printed_page_has_the_tables_and_no_controls(open_page: Callable[[str], Page]) -> None:
    make_everything()
    page = open_page("light")
    page.goto("/admin/tasks/failure-taxonomy/")

    page.emulate_media(media="print")

    assert not page.locator(".redrive-tools").is_visible()
    assert not page.locator(".redrive-tabs").is_visible()
    assert page.locator("#failure-types-table table").is_visible()
