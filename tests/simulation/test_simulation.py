"""The fleet in simulated time: small runs of every scenario, by the real engine and gate."""

from dataclasses import replace

import pytest

from redrive.simulation import SCENARIOS, Measured, Scenario, run


def small(name: str, **changes: object) -> Scenario:
    """A scenario with five tasks a second on ten processes, cut to what its fault needs."""
    full = SCENARIOS[name]
    seconds = full.ends + 300 if full.lasts else 600.0
    return replace(full, **{"per_second": 5.0, "processes": 10, "seconds": seconds, **changes})  # type: ignore[arg-type]  # fields by name


def test_the_same_seed_gives_the_same_numbers() -> None:
    scenario = small("outage of 5 minutes", lasts=60.0, seconds=400.0)

    assert run(scenario, "redrive", 4) == run(scenario, "redrive", 4)
    assert run(scenario, "redrive", 4) != run(scenario, "redrive", 5)


def test_all_ways_to_retry_meet_the_same_tasks() -> None:
    scenario = small("random 5 % faults")

    assert run(scenario, "no_retry", 1).tasks == run(scenario, "redrive", 1).tasks


def test_without_retries_an_outage_costs_what_came_meanwhile() -> None:
    """The simulator itself: of 900 s with 300 s of outage about a third is lost."""
    measured = run(small("outage of 5 minutes", processes=40), "no_retry", 1)

    assert measured.ok == pytest.approx(2 / 3, abs=0.03)
    assert measured.amplification == 1.0


@pytest.mark.parametrize(
    ("name", "calls_per_task"),
    [
        ("random 5 % faults", 1.08),
        ("outage of 5 minutes", 1.10),
        ("brownout to 30 %", 1.10),
        ("rate limit, Retry-After", 1.10),
        ("one poison task type", 1.15),
        ("flapping, half of 2 minutes", 1.10),
    ],
)
def test_nothing_is_lost_and_little_is_wasted(name: str, calls_per_task: float) -> None:
    measured = run(small(name), "redrive", 2)

    assert measured.lost == 0
    assert measured.amplification <= calls_per_task


def test_work_that_waited_for_five_minutes_is_through_in_ten_without_a_storm() -> None:
    measured = run(small("outage of 5 minutes", seconds=1500.0), "redrive", 3)

    assert measured.drain <= 600
    # Five calls a second by chance: bins of ten seconds vary by a seventh, which is not the gate's.
    assert measured.peak <= 2.0 * 1.25


def test_a_healthy_downstream_does_not_notice_another_ones_outage() -> None:
    measured: Measured = run(small("two downstreams, one down"), "redrive", 1)

    assert measured.p95 < 3.0
