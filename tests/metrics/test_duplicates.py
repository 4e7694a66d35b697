"""Hits and checks: rates, their colours, and endpoints as they are counted."""

import pytest

from redrive.metrics import Checks, read_label, sum_by, total
from redrive.metrics.duplicates import ENDPOINT_LENGTH, endpoint_of, label_of


@pytest.mark.parametrize(
    ("checks", "hits", "tone"),
    [
        (0, 0, "quiet"),
        (1000, 0, "good"),
        (1000, 10, "good"),  # exactly 1 %
        (1000, 11, "warn"),
        (1000, 50, "warn"),  # exactly 5 %
        (1000, 51, "bad"),
    ],
)
def test_hit_rate_is_amber_above_1_percent_and_red_above_5(checks: int, hits: int, tone: str) -> None:
    assert Checks(checks=checks, hits=hits).tone == tone


def test_nothing_checked_has_no_rate() -> None:
    assert Checks().hit_rate is None


def test_unique_keys_are_the_checks_that_were_no_hits() -> None:
    assert Checks(checks=10, hits=3).unique_keys == 7


def test_hits_of_an_hour_whose_checks_were_flushed_before_are_not_less_than_none() -> None:
    """A batch may bring hits of a row whose checks are in the batch before it, of another hour."""
    assert Checks(checks=1, hits=3).unique_keys == 0


@pytest.mark.parametrize(
    ("said", "counted"),
    [
        ("view:shop:pay", "view:shop:pay"),
        ("  beat:nightly\n\x00reports ", "beat:nightlyreports"),
        ("x" * 300, "x" * ENDPOINT_LENGTH),
        ("", "elsewhere"),
        (None, "elsewhere"),
        ({"a": 1}, "elsewhere"),
    ],
)
def test_an_endpoint_is_one_short_printable_line(said: object, counted: str) -> None:
    assert endpoint_of(said) == counted


def test_a_label_holds_scope_and_endpoint_and_fits_its_column() -> None:
    label = label_of("device", "beat:a:b")

    assert read_label(label) == ("device", "beat:a:b")
    assert len(label_of("device", "x" * 300)) <= 100


def test_a_label_without_an_endpoint_is_read() -> None:
    assert read_label("global") == ("global", "elsewhere")


ROWS = (
    Checks(task_name="pay", scope="user", endpoint="view:pay", checks=10, hits=1),
    Checks(task_name="pay", scope="user", endpoint="beat:pay", checks=5, hits=4),
    Checks(task_name="mail", scope="global", endpoint="view:pay", checks=7, hits=0),
)


def test_sums_by_task_have_most_hits_first() -> None:
    assert sum_by(ROWS, "task_name") == (
        Checks(task_name="pay", checks=15, hits=5),
        Checks(task_name="mail", checks=7, hits=0),
    )


def test_sums_by_endpoint() -> None:
    assert sum_by(ROWS, "endpoint") == (
        Checks(endpoint="beat:pay", checks=5, hits=4),
        Checks(endpoint="view:pay", checks=17, hits=1),
    )


def test_total() -> None:
    assert total(ROWS) == Checks(checks=22, hits=5)
