"""Chains, groups, chords and links, with a task in them that fails: Celery's canvas goes on where it can."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery, Signature, chain, chord, group

from tests.path.conftest import SOON
from tests.path.records import record_of
from tests.servers import ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until


@pytest.fixture
def results(valkey: ValkeyServer) -> str:
    """Where results are kept: chords count there."""
    return valkey.database_url(2)


@pytest.fixture
def workflows(
    make_project: Callable[..., Project], postgres_url: str, broker_url: str, results: str
) -> Project:
    return make_project(
        database_url=postgres_url, broker_url=broker_url, redrive=SOON, environment={"RESULT_URL": results}
    )


def send(project: Project, canvas: Callable[[Callable[..., Signature]], Any]) -> Any:
    """Publish a canvas as a stranger would; tasks by name, as `s("recovers", "one")`."""
    with Celery(
        broker=project.extra["BROKER_URL"], backend=project.extra["RESULT_URL"], set_as_current=False
    ) as app:

        def s(name: str, *args: Any, **options: Any) -> Signature:
            return app.signature(f"shop.tasks.{name}", args=args, **options)

        return canvas(s).apply_async()


def recovering(s: Callable[..., Signature], label: str) -> Signature:
    """Fails once and recovers by itself; what comes before it in a chain is not its argument."""
    return s("recovers", label, immutable=True)


def then(s: Callable[..., Signature], label: str, **options: Any) -> Signature:
    return s("mark", label, immutable=True, **options)


CANVASES: dict[str, Callable[[Callable[..., Signature]], Any]] = {
    "chain": lambda s: chain(recovering(s, "chain 1"), recovering(s, "chain 2"), then(s, "chain end")),
    "group": lambda s: group(recovering(s, "group 1"), recovering(s, "group 2")),
    "chord": lambda s: chord([recovering(s, "chord 1"), then(s, "chord 2")], then(s, "chord end")),
    "link": lambda s: recovering(s, "link 1").on_error(then(s, "link wrong")).set(link=[then(s, "link end")]),
    "nested": lambda s: chain(
        group(recovering(s, "nested 1"), chain(recovering(s, "nested 2"), then(s, "nested 3"))),
        group(then(s, "nested 4"), recovering(s, "nested 5")),
        then(s, "nested end"),
    ),
}
RUNS = {
    **dict.fromkeys(
        ("chain 1", "chain 2", "group 1", "group 2", "chord 1", "link 1", "nested 1", "nested 2"), 2
    ),
    **dict.fromkeys(
        ("chain end", "chord 2", "chord end", "link end", "nested 3", "nested 4", "nested end"), 1
    ),
    "nested 5": 2,
}


def test_retries_in_place_keep_a_canvas_waiting_and_complete_it(workflows: Project) -> None:
    workflows.worker(concurrency=2)

    for canvas in CANVASES.values():
        send(workflows, canvas)

    def runs() -> dict[str, int]:
        labels = [run["label"] for run in workflows.runs()]
        return {label: labels.count(label) for label in set(labels)}

    wait_until(lambda: runs() == RUNS, 60, lambda: f"{runs()}\n{workflows.logs()}")
    ends = {run["label"]: run for run in workflows.runs("mark")}
    last = {run["label"]: number for number, run in enumerate(workflows.runs())}
    assert set(ends) >= {"chain end", "chord end", "nested end"}
    assert last["chord end"] > max(last["chord 1"], last["chord 2"])
    assert last["nested end"] > max(
        number for label, number in last.items() if label in ("nested 4", "nested 5")
    )


def test_a_redriven_member_of_a_chain_takes_the_rest_along(workflows: Project) -> None:
    workflows.worker(concurrency=1)
    path = workflows.scratch / "open"
    result = send(workflows, lambda s: chain(s("invalid_until", "one", str(path)), then(s, "rest")))
    dead = record_of(workflows, result.parent.id, "PENDING")
    assert "its chain goes on: shop.tasks.mark" in workflows.manage("redrive", "show", dead["task_id"])

    path.touch()
    workflows.manage("redrive", "retry", dead["task_id"])

    workflows.wait_for_runs(1, "mark", "rest")
    assert record_of(workflows, dead["task_id"], "RESOLVED")["attempt"] == 2


def test_a_dead_member_of_a_chord_says_what_it_cannot_repair(workflows: Project) -> None:
    workflows.worker(concurrency=1)
    path = workflows.scratch / "open"
    body = send(
        workflows,
        lambda s: chord(
            [s("invalid_until", "one", str(path)), then(s, "two")], s("succeed", link=[then(s, "linked")])
        ),
    )
    dead = workflows.wait_for_rows("SELECT id, task_id FROM redrive_taskfailurerecord")[0]
    said = workflows.manage("redrive", "show", dead["task_id"])
    assert "a retry runs this member only, and its body shop.tasks.succeed does not run" in said

    path.touch()
    workflows.manage("redrive", "retry", dead["task_id"])
    record_of(workflows, dead["task_id"], "RESOLVED")
    assert workflows.runs("succeed") == []
    workflows.manage("redrive", "chord-body", str(dead["id"]), "--results", '["one", "two"]')

    workflows.wait_for_runs(1, "mark", "linked")
    assert [(run["label"], run["task_id"]) for run in workflows.runs("succeed")] == [
        (["one", "two"], body.id)
    ]
    events = workflows.query("SELECT kind, numbers FROM redrive_event ORDER BY id")
    assert [event["kind"] for event in events] == ["retry", "chord-body"]


@pytest.mark.parametrize("failures", [0, 1])
def test_a_chord_hears_of_a_member_whose_process_died_before_it_could_tell(
    failures: int, workflows: Project
) -> None:
    workflows.worker(concurrency=2)
    member = "dies_before_its_chord_hears"

    send(workflows, lambda s: chord([s(member, "one", failures), then(s, "two")], then(s, "end")))

    workflows.wait_for_runs(1, "mark", "end", seconds=60)
    assert len(workflows.runs(member, "one")) == failures + 1


def test_errbacks_fire_once_unless_asked(workflows: Project) -> None:
    workflows.worker(concurrency=1)
    result = send(workflows, lambda s: s("invalid_input", "one").on_error(then(s, "wrong")))
    workflows.wait_for_runs(1, "mark", "wrong")
    record_of(workflows, result.id, "PENDING")

    workflows.manage("redrive", "retry", result.id)
    _failed_again(workflows, result.id, 2)
    assert len(workflows.runs("mark", "wrong")) == 1
    workflows.manage("redrive", "retry", result.id, "--errbacks")
    _failed_again(workflows, result.id, 3)

    workflows.wait_for_runs(2, "mark", "wrong")
    assert json.loads(bytes(record_of(workflows, result.id, "PENDING")["body"]))[2]["errbacks"] is None


def _failed_again(project: Project, task_id: str, attempt: int) -> None:
    statement = (
        "SELECT id FROM redrive_taskfailurerecord WHERE task_id = %s AND status = 'PENDING' AND attempt = %s"
    )
    project.wait_for_rows(statement, task_id, attempt, seconds=30)
