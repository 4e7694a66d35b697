"""A write with a fence is refused where a later run was."""

import pytest

from redrive.celery import guard
from redrive.models import LeaseRow

pytestmark = pytest.mark.django_db


def test_a_later_fence_wins_and_an_earlier_one_writes_nothing() -> None:
    """Any model with a number for the fence will do; ours has one."""
    LeaseRow.objects.create(kind="order", key="7")
    order = LeaseRow.objects.filter(key="7")

    assert guard(order, 10, state="packed") == 1
    assert guard(order, 10, state="shipped") == 1
    assert guard(order, 9, state="late") == 0
    assert guard(order, 11, state="returned") == 1

    assert order.values_list("state", "fence").get() == ("returned", 11)


def test_only_the_rows_that_are_asked_for_are_written() -> None:
    for key in ("7", "8"):
        LeaseRow.objects.create(kind="order", key=key)

    assert guard(LeaseRow.objects.filter(key="7"), 1, field="fence", owner="me") == 1

    assert LeaseRow.objects.get(key="8").owner == ""
