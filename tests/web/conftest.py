"""A headless browser at a running server, for what only a browser shows: keyboard, contrast, scripts, live
numbers.
"""

import os
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer
from tests.servers import Unavailable, find_chromium


@pytest.fixture(scope="package")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Debian's Chromium, headless, shared by the web tests."""
    try:
        program = find_chromium()
    except Unavailable as error:
        if pytestconfig.getoption("--require-servers"):
            pytest.fail(f"--require-servers: {error}", pytrace=False)
        pytest.skip(f"missing here: {error}")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop running in this thread, in which Django refuses queries unless told
        # otherwise.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's sandbox refuses root
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A fresh, anonymous tab at the live server; `page.goto("/admin/tasks/dlq/")`.

    The test fails when a script on a page raised or the console showed an error, which includes everything
    that the content security policy blocked.
    """
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    tab = context.new_page()
    problems: list[str] = []
    tab.on("pageerror", lambda error: problems.append(f"script error: {error}"))

    def hear(message: ConsoleMessage) -> None:
        # Browsers ask for an icon that a test project does not have.
        if message.type == "error" and not message.location["url"].endswith("/favicon.ico"):
            problems.append(message.text)

    tab.on("console", hear)
    yield tab
    context.close()
    assert problems == []


@pytest.fixture
def staff_page(page: Page, live_server: LiveServer, admin_user: AbstractBaseUser) -> Page:
    """A tab of a logged-in superuser."""
    client = Client()
    client.force_login(admin_user)
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
    }
    page.context.add_cookies([{**cookie, "url": live_server.url}])  # type: ignore[list-item]
    return page
