"""The pages in a browser, under a strict policy: charts, keys, selection, live numbers."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings
from tests.web.making import make_everything, make_record

from redrive.models import TaskFailureRecord

ROOT = "/admin/tasks/"
ALL_PAGES = ("dashboard/", "dlq/?status=all", "failure-taxonomy/", "retry-policy/", "idempotency-analysis/")


@pytest.fixture(autouse=True)
def _strict_policy(settings: Settings) -> None:
    """The `page` fixture fails on whatever the policy blocks."""
    settings.MIDDLEWARE = ["tests.web.strict_policy.strict_policy", *settings.MIDDLEWARE]


@pytest.mark.parametrize("path", ALL_PAGES)
def test_page_runs_under_a_strict_policy_with_trusted_types(staff_page: Page, path: str) -> None:
    make_everything()

    staff_page.goto(ROOT + path)

    expect(staff_page.locator("[data-age]")).to_contain_text("Updated")
    staff_page.get_by_role("button", name="Now", exact=True).click()
    expect(staff_page.locator("[data-age]")).to_contain_text("Updated 0 s ago")


@pytest.mark.parametrize(
    ("path", "count"), [("dashboard/", 2), ("failure-taxonomy/", 3), ("idempotency-analysis/", 1)]
)
def test_charts_are_drawn(staff_page: Page, path: str, count: int) -> None:
    make_everything()

    staff_page.goto(ROOT + path)

    canvases = staff_page.locator("canvas[data-chart]")
    expect(canvases).to_have_count(count)
    for canvas in canvases.all():
        expect(canvas).to_be_visible()
        painted = canvas.evaluate(
            "c => new Set(new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size"
        )
        assert painted > 5
        assert re.search(r"\d", canvas.get_attribute("aria-label") or "")


def test_chart_has_a_table_that_says_the_same(staff_page: Page) -> None:
    make_everything()
    staff_page.goto(f"{ROOT}failure-taxonomy/")

    staff_page.locator("#failure-types-table summary").click()

    table = staff_page.locator("#failure-types-table")
    expect(table.get_by_role("row", name=re.compile("PERMANENT_VALIDATION 4"))).to_be_visible()
    expect(table.get_by_role("row", name=re.compile("SYSTEM_DISK_FULL 1"))).to_be_visible()


def test_empty_chart_is_not_drawn(staff_page: Page) -> None:
    staff_page.goto(f"{ROOT}dashboard/")

    expect(staff_page.locator("canvas[data-chart]").first).to_be_hidden()
    expect(staff_page.get_by_text("Nothing in this span of time.").first).to_be_visible()


def test_chart_follows_the_theme(staff_page: Page) -> None:
    make_everything()
    staff_page.goto(f"{ROOT}dashboard/")
    colour = "Chart.getChart(document.querySelector('canvas')).options.scales.x.ticks.color"
    light = staff_page.evaluate(colour)

    staff_page.evaluate("document.documentElement.dataset.theme = 'dark'")

    staff_page.wait_for_function(f"{colour} !== '{light}'")


# -- keys --------------------------------------------------------------------------------------------------


def test_rows_are_walked_selected_and_opened_by_keys(staff_page: Page) -> None:
    records = [make_record() for _ in range(3)]
    staff_page.goto(f"{ROOT}dlq/")
    rows = staff_page.locator("[data-row]")

    staff_page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    staff_page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    staff_page.keyboard.press("x")
    expect(rows.nth(1).get_by_role("checkbox")).to_be_checked()
    expect(staff_page.get_by_text("1 selected")).to_be_visible()
    staff_page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    staff_page.keyboard.press("o")

    newest = records[-1]
    staff_page.wait_for_url(f"**{reverse('admin:redrive_taskfailurerecord_change', args=[newest.pk])}")


def test_slash_goes_to_the_search(staff_page: Page) -> None:
    staff_page.goto(f"{ROOT}dlq/")

    staff_page.keyboard.press("/")

    expect(staff_page.get_by_label("Task name or id")).to_be_focused()
    expect(staff_page.get_by_label("Task name or id")).to_have_value("")


def test_keys_typed_into_a_field_are_text(staff_page: Page) -> None:
    make_record()
    staff_page.goto(f"{ROOT}dlq/")
    staff_page.get_by_label("Task name or id").focus()

    staff_page.keyboard.type("jx?/")

    expect(staff_page.get_by_label("Task name or id")).to_have_value("jx?/")
    expect(staff_page.get_by_role("dialog")).to_be_hidden()


def test_question_mark_shows_the_keys_which_can_be_switched_off(staff_page: Page) -> None:
    make_record()
    staff_page.goto(f"{ROOT}dlq/")
    staff_page.keyboard.press("?")
    expect(staff_page.get_by_role("dialog", name="Keys")).to_be_visible()

    staff_page.get_by_label("Use these keys").uncheck()
    staff_page.keyboard.press("Escape")
    staff_page.reload()
    staff_page.keyboard.press("j")

    expect(staff_page.locator("[data-row]:focus")).to_have_count(0)


def test_select_page_selects_every_row(staff_page: Page) -> None:
    for _ in range(3):
        make_record()
    staff_page.goto(f"{ROOT}dlq/")

    staff_page.get_by_label("Select page").check()

    expect(staff_page.get_by_text("3 selected")).to_be_visible()
    staff_page.locator("[data-select]").first.uncheck()
    assert staff_page.get_by_label("Select page").evaluate("box => box.indeterminate") is True


# -- live --------------------------------------------------------------------------------------------------


def _refresh_fast(page: Page) -> None:
    page.get_by_label("Refresh").select_option("5")


def test_new_failure_appears_without_a_reload(staff_page: Page) -> None:
    make_record()
    staff_page.goto(f"{ROOT}dlq/")
    staff_page.evaluate("window.stillHere = true")
    _refresh_fast(staff_page)

    make_record(task_name="billing.appeared_later")

    expect(staff_page.get_by_text("billing.appeared_later")).to_be_visible(timeout=15_000)
    expect(staff_page.get_by_role("status").first).to_contain_text("Dead letters: 2")
    assert staff_page.evaluate("window.stillHere") is True


def test_charts_take_new_numbers(staff_page: Page) -> None:
    make_record()
    staff_page.goto(f"{ROOT}failure-taxonomy/")
    total = "Chart.getChart(document.querySelector('canvas')).data.datasets[0].data.reduce((a, b) => a + b)"
    assert staff_page.evaluate(total) == 1
    make_record()

    staff_page.get_by_role("button", name="Now", exact=True).click()

    staff_page.wait_for_function(f"{total} === 2")


def test_selection_is_not_disturbed(staff_page: Page) -> None:
    make_record()
    staff_page.goto(f"{ROOT}dlq/")
    staff_page.locator("[data-select]").first.check()
    make_record(task_name="billing.appeared_later")

    staff_page.get_by_role("button", name="Now", exact=True).click()

    expect(staff_page.locator("[data-age]")).to_contain_text("Paused")
    expect(staff_page.locator("[data-select]").first).to_be_checked()
    expect(staff_page.get_by_text("billing.appeared_later")).to_have_count(0)


def test_focus_and_open_details_survive_a_refresh(staff_page: Page) -> None:
    make_everything()
    staff_page.goto(f"{ROOT}failure-taxonomy/")
    summary = staff_page.locator("#failure-types-table summary")
    summary.focus()
    staff_page.keyboard.press("Enter")
    make_record()

    with staff_page.expect_response(re.compile("failure-taxonomy")):
        staff_page.evaluate("document.querySelector('[data-refresh-now]').dispatchEvent(new Event('click'))")

    expect(staff_page.locator("#failure-types-live")).to_contain_text("8 failures.")
    expect(summary).to_be_focused()
    expect(staff_page.locator("#failure-types-table")).to_have_attribute("open", "")


def test_silent_server_is_said_after_three_misses(staff_page: Page) -> None:
    staff_page.goto(f"{ROOT}dashboard/")
    # A proxy that answers in the place of a server that is gone.
    staff_page.route("**/dashboard/", lambda route: route.fulfill(body="away", content_type="text/html"))
    button = staff_page.get_by_role("button", name="Now", exact=True)

    for _ in range(3):
        with staff_page.expect_response(re.compile("dashboard")):
            button.click()
        staff_page.wait_for_timeout(50)

    expect(staff_page.locator("[data-age]")).to_contain_text("No answer since")


def test_question_is_not_refreshed(staff_page: Page) -> None:
    """It is the answer to a form: to fetch it again would be refused."""
    make_record()
    staff_page.goto(f"{ROOT}dlq/")
    staff_page.get_by_role("button", name="Retry all 1 that match…").click()

    expect(staff_page.get_by_role("heading", name="Retry 1 task?")).to_be_visible()
    expect(staff_page.get_by_role("button", name="Now", exact=True)).to_be_hidden()
    expect(staff_page.get_by_role("button", name="Keyboard help")).to_be_visible()


# -- acting ------------------------------------------------------------------------------------------------


def test_retry_from_the_list(staff_page: Page) -> None:
    record = make_record()
    staff_page.goto(f"{ROOT}dlq/")

    staff_page.get_by_role("button", name=f"Retry billing.charge, record {record.pk}").click()

    expect(staff_page.get_by_text("1 task was sent back to work.")).to_be_visible()
    assert TaskFailureRecord.objects.get(pk=record.pk).status == "RETRYING"
