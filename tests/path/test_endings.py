"""Ways to end that only a signal sees, or only the worker's main process."""

import pytest

from tests.path.records import record_of
from tests.servers.django_project import Project

ENDINGS = {
    # task: (failure type, exception, who saw it)
    "invalid_input": ("PERMANENT_VALIDATION", "ValueError", "wrapper"),
    "missing_setting": ("CONFIG_MISSING_SETTING", "KeyError", "wrapper"),
    "missing_row": ("PERMANENT_NOT_FOUND", "shop.models.Order.DoesNotExist", "wrapper"),
    "disk_full": ("SYSTEM_DISK_FULL", "OSError", "wrapper"),
    "fails_in_transaction": ("PERMANENT_VALIDATION", "ValueError", "wrapper"),
    "leaves_autocommit_off": ("PERMANENT_VALIDATION", "ValueError", "wrapper"),
    "unpicklable_error": (None, "shop.tasks.TwoArguments", "wrapper"),
    "soft_limit": ("EXTERNAL_TIMEOUT", "billiard.exceptions.SoftTimeLimitExceeded", "wrapper"),
    "own_base_class": ("PERMANENT_VALIDATION", "ValueError", "task_failure"),
    "hard_limit": ("EXTERNAL_TIMEOUT", "billiard.exceptions.TimeLimitExceeded", "main"),
    "killed": ("SYSTEM_OUT_OF_MEMORY", "billiard.exceptions.WorkerLostError", "main"),
    "exits": ("SYSTEM_WORKER_LOST", "billiard.exceptions.WorkerLostError", "main"),
    "base_exception": (None, "shop.tasks.NotAnException", "main"),
}


def test_every_ending_leaves_one_record_that_says_what_is_known(soon: Project) -> None:
    soon.worker(concurrency=2)
    ids = {task: soon.send(f"shop.tasks.{task}", "one") for task in ENDINGS}

    seen = {}
    for task, task_id in ids.items():
        record = record_of(soon, task_id, "PENDING")
        attempts = soon.query("SELECT source FROM redrive_failureattempt WHERE record_id = %s", record["id"])
        assert record["message_source"] == "raw", task
        assert len(attempts) == 1, task
        kind = record["failure_type"] if ENDINGS[task][0] else None
        seen[task] = (kind, record["exception_type"], attempts[0]["source"])

    assert seen == ENDINGS
    assert len(soon.query("SELECT id FROM redrive_taskfailurerecord")) == len(ENDINGS)


@pytest.mark.parametrize("pool", ["threads", "solo"])
def test_other_pools_record_failures_and_recover(soon: Project, pool: str) -> None:
    soon.worker(pool=pool)

    dead = soon.send("shop.tasks.invalid_input", "one")
    recovering = soon.send("shop.tasks.recovers", "one")

    record_of(soon, dead, "PENDING")
    assert record_of(soon, recovering, "RESOLVED")["attempt"] == 2
