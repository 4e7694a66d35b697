"""The browser of the web tests reaches the admin as a person would."""

from playwright.sync_api import Page, expect


def test_anonymous_tab_is_asked_to_log_in(page: Page) -> None:
    page.goto("/admin/")

    expect(page.get_by_label("Username")).to_be_focused()


def test_staff_tab_is_logged_in(staff_page: Page) -> None:
    staff_page.goto("/admin/")

    expect(staff_page.get_by_role("heading", name="Site administration")).to_be_visible()
