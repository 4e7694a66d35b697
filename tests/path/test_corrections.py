"""What an operator said of a failure reaches every process that classifies: pool children, and the keeper."""

from __future__ import annotations

import pytest

from tests.path.records import record_of
from tests.servers.django_project import Project
from tests.waiting import wait_until

JUDGE = "from redrive import runtime; result = runtime.corrections().judge({name!r}, {says!r}, actor='ann')"


@pytest.mark.parametrize(
    ("task", "found", "says"),
    [
        ("shop.tasks.invalid_input", "PERMANENT_VALIDATION", "PERMANENT_LOGIC"),
        # Its child dies without a word: the main process tells of it, and the keeper classifies.
        ("shop.tasks.killed", "SYSTEM_OUT_OF_MEMORY", "SYSTEM_WORKER_LOST"),
    ],
)
def test_a_correction_holds_for_the_next_failure(soon_on: Project, task: str, found: str, says: str) -> None:
    soon_on.worker(concurrency=1)
    first = record_of(soon_on, soon_on.send(task, "one"), "PENDING")
    assert first["failure_type"] == found

    assert soon_on.python(JUDGE.format(name=first["fingerprint"], says=says)) == ""
    wait_until(
        lambda: (
            soon_on.python(
                "from redrive import runtime;"
                " result = {name: kind.value for name, kind in runtime.experience().corrections().items()}"
            )
            == {first["fingerprint"]: says}
        ),
        30,
        "the keeper has told of it",
        every=0.5,
    )
    second = record_of(soon_on, soon_on.send(task, "one"), "PENDING")

    assert second["fingerprint"] == first["fingerprint"]
    assert second["failure_type"] == says
