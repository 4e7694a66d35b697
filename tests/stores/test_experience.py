"""What the fleet has learnt, from a file that may be missing, old or damaged."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from redrive.metrics import Counters
from redrive.retry import Samples
from redrive.stores.experience import Experience
from redrive.taxonomy import FailureType

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def experience(tmp_path: Path) -> Experience:
    return Experience(tmp_path, Counters(), lambda: NOON)


def put(directory: Path, text: str) -> None:
    path = directory / "experience.json"
    path.write_text(text)
    # Two writes within one tick of the file system's clock would look like one.
    stamp = path.stat().st_mtime_ns + 1_000_000 * len(text)
    os.utime(path, ns=(stamp, stamp))


def test_without_a_file_there_is_no_experience(experience: Experience) -> None:
    assert experience.samples("a", "UNKNOWN") == Samples(successes=0, total=0)
    assert experience.queue_depth("celery") is None


def test_what_a_keeper_wrote_every_process_reads(experience: Experience, tmp_path: Path) -> None:
    experience.write(
        retries={"a": {"UNKNOWN:success": 3, "UNKNOWN:failure": 1}}, depths={"celery": 9}, at=NOON
    )

    other = Experience(tmp_path, Counters(), lambda: NOON)
    assert other.samples("a", "UNKNOWN") == Samples(successes=3, total=4)
    assert other.samples("a", "OTHER") == Samples(successes=0, total=0)
    assert other.queue_depth("celery") == 9
    assert [path.name for path in tmp_path.iterdir()] == ["experience.json"]


def test_own_counts_stand_until_the_fleets_have_caught_up(tmp_path: Path) -> None:
    counters = Counters()
    experience = Experience(tmp_path, counters, lambda: NOON)
    for success in (True, True, False):
        experience.record("a", "UNKNOWN", success)

    assert experience.samples("a", "UNKNOWN") == Samples(successes=2, total=3)
    assert counters.count_of("retry", "a", "UNKNOWN:success") == 2
    experience.write(retries={"a": {"UNKNOWN:success": 10}}, depths={}, at=NOON)
    assert experience.samples("a", "UNKNOWN") == Samples(successes=10, total=11)


def test_a_new_file_is_read(experience: Experience) -> None:
    for depth in (1, 2):
        experience.write(retries={}, depths={"celery": depth}, at=NOON)
        assert experience.queue_depth("celery") == depth


DAMAGE: list[Any] = [
    *([], 5, {}, {"retries": {}}, {"retries": [], "depths": {}}, {"retries": {}, "depths": 3}),
    *({"retries": {"a": 5}, "depths": {}}, {"retries": {"a": {"x": "y"}}, "depths": {}}),
    *({"retries": {"a": {"x": None}}, "depths": {}}, {"retries": {}, "depths": {"q": "deep"}}),
]


@pytest.mark.parametrize("text", ["", "{", "\udcff", "[" * 100_000, *map(json.dumps, DAMAGE)], ids=str)
def test_a_damaged_file_leaves_what_was_known(experience: Experience, tmp_path: Path, text: str) -> None:
    put(tmp_path, json.dumps({"retries": {"a": {"UNKNOWN:success": 1}}, "depths": {"celery": 7}}))
    assert experience.queue_depth("celery") == 7

    (tmp_path / "experience.json").write_bytes(text.encode("utf-8", "surrogateescape"))

    assert experience.queue_depth("celery") == 7
    assert experience.samples("a", "UNKNOWN") == Samples(successes=1, total=1)


def test_a_disk_that_cannot_be_written_costs_the_experience_only() -> None:
    experience = Experience(Path("/dev/null/none"), Counters(), lambda: NOON)

    experience.write(retries={}, depths={"celery": 1}, at=NOON)

    assert experience.queue_depth("celery") is None


def test_workers_learn_what_operators_said(experience: Experience) -> None:
    assert experience.corrections() == {}

    experience.write(
        retries={}, depths={}, at=NOON, corrections={"1:a": "PERMANENT_LOGIC", "1:b": "A_TYPE_OF_TOMORROW"}
    )

    assert experience.corrections() == {"1:a": FailureType.PERMANENT_LOGIC}
