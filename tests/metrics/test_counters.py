"""Sums in memory: nothing counted is lost on its way, and a duration lands in its bucket."""

import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redrive.metrics import CounterKey, Counters, CounterTotals, bucket_of
from redrive.metrics.counters import from_rows, to_rows

NOW = datetime(2026, 1, 1, 12, 34, 56, 789, tzinfo=UTC)
HOUR = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = CounterKey(HOUR, "run", "shop.pay", "ok")


def test_happenings_of_an_hour_are_one_sum() -> None:
    counters = Counters()
    counters.add(NOW, "run", "shop.pay", "ok", 0.9)
    counters.add(NOW.replace(minute=59), "run", "shop.pay", "ok", 60)
    counters.add(NOW.replace(hour=13), "run", "shop.pay", "ok")

    assert counters.count_of("run", "shop.pay", "ok") == 3
    assert counters.take() == {
        KEY: CounterTotals(count=2, seconds=60.9, sketch={"0": 1, "6": 1}),
        KEY._replace(hour=HOUR.replace(hour=13)): CounterTotals(count=1),
    }
    assert counters.take() == {}


def test_what_could_not_be_handed_on_is_counted_with_the_rest() -> None:
    counters = Counters()
    counters.add(NOW, "run", "shop.pay", "ok", 1)
    taken = counters.take()
    counters.add(NOW, "run", "shop.pay", "ok", 2)

    counters.put_back(taken)

    assert counters.take() == {KEY: CounterTotals(count=2, seconds=3, sketch={"0": 1, "1": 1})}


def test_a_child_forgets_what_its_parent_counted() -> None:
    counters = Counters()
    counters.add(NOW, "run", "shop.pay", "ok")

    counters.clear()

    assert counters.take() == {}


def test_threads_lose_nothing_while_somebody_takes() -> None:
    counters, taken = Counters(), []
    done = threading.Event()

    def count() -> None:
        for _ in range(2_000):
            counters.add(NOW, "run", "shop.pay", "ok")

    def take() -> None:
        while not done.is_set():
            taken.append(counters.take())

    taker = threading.Thread(target=take)
    taker.start()
    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    taker.join()
    taken.append(counters.take())

    assert sum(totals.count for part in taken for totals in part.values()) == 8_000


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        *((-1, -10), (0, -10), (2**-10, -10), (0.001, -9), (0.5, -1), (0.51, 0), (0.9, 0), (1, 0)),
        *((1.1, 1), (2, 1), (60, 6), (64, 6), (64.1, 7), (131_072, 17), (10**9, 17)),
    ],
)
def test_a_duration_falls_into_the_smallest_power_of_two_that_holds_it(seconds: float, bucket: int) -> None:
    assert bucket_of(seconds) == bucket


@given(st.integers(1, 131_072_000).map(lambda milliseconds: milliseconds / 1000))
def test_a_bucket_holds_its_durations(seconds: float) -> None:
    bucket = bucket_of(seconds)

    assert 2.0 ** (bucket - 1) < seconds <= 2.0**bucket


totals = st.builds(
    CounterTotals,
    count=st.integers(0, 10**9),
    seconds=st.integers(0, 10**9).map(float),
    sketch=st.dictionaries(st.integers(-10, 17).map(str), st.integers(1, 100)),
)
keys = st.builds(
    CounterKey,
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),  # noqa: DTZ001  # made aware
    st.sampled_from(["run", "retry"]),
    st.text(),
    st.text(),
)


@given(st.dictionaries(keys, totals, max_size=5))
def test_rows_carry_sums_unchanged(sums: dict[CounterKey, CounterTotals]) -> None:
    assert from_rows(to_rows(sums)) == sums


@given(totals, totals)
def test_merging_adds_everything_up(first: CounterTotals, second: CounterTotals) -> None:
    merged = CounterTotals()
    merged.merge(first)
    merged.merge(second)

    assert (merged.count, merged.seconds) == (first.count + second.count, first.seconds + second.seconds)
    for bucket in {*first.sketch, *second.sketch}:
        assert merged.sketch[bucket] == first.sketch.get(bucket, 0) + second.sketch.get(bucket, 0)
