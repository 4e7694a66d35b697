"""`manage.py validate_schedules`: what it prints, its JSON, its exit code, and what it says to wrong input."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from celery.schedules import crontab
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from redrive.celery import IdempotentTask, Options, RedriveTask
from tests.commands.conftest import Said

app = Celery("scheduled", broker="memory://", set_as_current=False, task_cls=RedriveTask)


@app.task(shared=False, base=IdempotentTask, name="scheduled.pay", idempotency_ttl=3600)
def pay(*_: object, **__: object) -> None: ...


@app.task(shared=False, name="scheduled.report", redrive=Options(retry_safe=True))
def report() -> None: ...


ENTRIES = {
    "sensors": {"task": "scheduled.pay", "schedule": 15},
    "nightly": {
        "task": "scheduled.pay",
        "schedule": crontab(minute="0", hour="2"),
        "args": ("eu",),
        "kwargs": {"a": 1, "b": [2]},
    },
    "nightly again": {
        "task": "scheduled.pay",
        "schedule": crontab(minute="0", hour="*/2"),
        "args": ["eu"],
        "kwargs": {"b": (2,), "a": 1},
    },
    "weekly": {"task": "scheduled.report", "schedule": timedelta(days=7)},
}

Validate = Callable[..., Said]


@pytest.fixture(autouse=True)
def _schedule() -> None:
    app.conf.beat_schedule = dict(ENTRIES)


@pytest.fixture
def validate() -> Validate:
    def run(*arguments: str) -> Said:
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with override_settings(REDRIVE={"CELERY_APP": f"{__name__}:app"}):
            try:
                call_command("validate_schedules", *arguments, stdout=out, stderr=err)
            except SystemExit as left:
                code = int(left.code or 0)
        return Said(out.getvalue(), err.getvalue(), code)

    return run


def test_every_check_runs_without_a_choice(validate: Validate) -> None:
    said = validate("--format", "json")

    assert said.code == 1
    assert said.json["checks"] == ["idempotency", "duplicates"]
    assert said.json["counts"] == {"fault": 2, "advice": 0, "unknown": 0}
    assert [(f["kind"], f["entries"]) for f in said.json["findings"]] == [
        ("duplicate", ["nightly", "nightly again"]),
        ("period-below-ttl", ["sensors"]),
    ]


def test_one_check_is_chosen(validate: Validate) -> None:
    said = validate("--check-idempotency")

    assert said.code == 1
    assert said.out.splitlines() == [
        "4 schedules, checked for idempotency: 1 faults, 0 advice, 0 not judged.",
        "",
        "FAULT    period-below-ttl: sensors (scheduled.pay)",
        "         It is due every 15 s, but a result stands for 1 h: 239 of 240 runs in a row are swallowed.",
        "         Set idempotency_ttl below 15, put what makes each run another one into its arguments, or give it"
        " idempotency_scope='task' if only deliveries of one message should be told apart.",
    ]


def test_only_duplicates(validate: Validate) -> None:
    said = validate("--check-duplicates", "--format", "json")

    assert [f["kind"] for f in said.json["findings"]] == ["duplicate"]
    assert said.json["findings"][0]["evidence"] == {
        "schedules": ["crontab 0 2 * * *", "crontab 0 */2 * * *"],
        "arguments": '[["eu"],{"a":1,"b":[2]}]',
    }


@pytest.mark.parametrize(("name", "code"), [("sensors", 1), ("nightly", 1), ("weekly", 0)])
def test_one_schedule(validate: Validate, name: str, code: int) -> None:
    said = validate("--schedule-id", name, "--format", "json")

    assert said.code == code
    assert said.json["schedules"] == 1
    assert all(name in finding["entries"] for finding in said.json["findings"])


def test_a_schedule_that_does_not_exist(validate: Validate) -> None:
    with pytest.raises(CommandError, match=r"There is no schedule 'nigthly'\. Did you mean 'nightly'\?"):
        validate("--schedule-id", "nigthly")


def test_verbose_lists_every_schedule(validate: Validate) -> None:
    said = validate("--check-duplicates", "--verbose")

    assert "  ok         weekly (settings): scheduled.report, every 1 week" in said.out.replace(
        "7.00 days", "1 week"
    )
    assert "  see above  nightly (settings): scheduled.pay, crontab 0 2 * * *" in said.out


def test_a_report_goes_into_a_file(validate: Validate, tmp_path: Path) -> None:
    file = tmp_path / "report.json"

    said = validate("--format", "json", "--output", str(file))

    assert (said.out, said.code) == ("", 1)
    assert json.loads(file.read_text())["version"] == 1


def test_a_file_that_cannot_be_written(validate: Validate, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        validate("--output", str(tmp_path / "missing" / "report"))


def test_a_schedule_without_faults_exits_with_0(validate: Validate) -> None:
    app.conf.beat_schedule = {"weekly": ENTRIES["weekly"]}

    said = validate()

    assert said.code == 0
    assert said.out == (
        "1 schedules, checked for idempotency and duplicates: 0 faults, 0 advice, 0 not judged.\n"
    )


def test_a_schedule_that_is_no_schedule_is_not_judged(validate: Validate) -> None:
    app.conf.beat_schedule = {"broken": {"task": "scheduled.pay", "schedule": "every day"}}

    said = validate("--format", "json")

    assert said.code == 0
    assert said.json["counts"]["unknown"] == 1


def test_options_of_checks_that_are_not_built_are_refused() -> None:
    for option in ("--check-hotspots", "--check-orphaned-tasks", "--fix", "--dry-run"):
        with pytest.raises(CommandError, match="unrecognized arguments"):
            call_command("validate_schedules", option)
