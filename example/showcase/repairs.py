"""Plays the operator: finds dead letters, removes their cause, redrives them with the command anyone can type.

Needs `django.setup()`. Each repair returns the lines that tell what was done.
"""

import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from apps.facilities.models import Sensor, SensorReading
from redrive.models import TaskFailureRecord
from showcase.memory_guard import MemoryGuard
from showcase.processes import environment

PLENTY_OF_MEMORY_BYTES = 2 * 1024**3
COMMAND_SECONDS = 30
NOTHING = "  nothing has died of it yet, so nothing to redrive"


class Operator:
    """Repairs what the timetable broke.

    Args:
        example: directory of `manage.py`.
        memory_guard: its limit is raised when the worker is given more memory.
    """

    def __init__(self, example: Path, memory_guard: MemoryGuard) -> None:
        self._example = example
        self._memory_guard = memory_guard

    def mount_the_missing_key(self) -> Iterable[str]:
        settings.SECRETS_DIR.mkdir(parents=True, exist_ok=True)
        (settings.SECRETS_DIR / "benchmark_api_key").write_text("a-key-of-the-demo")
        return self._redrive("key mounted", ["--all", "--task", "facilities.benchmark_energy"])

    def free_the_disk_of_unit_west(self) -> Iterable[str]:
        (settings.REPORTS_DIR / "west" / "latest.csv").unlink(missing_ok=True)
        return self._redrive("disk freed", ["--all", "--type", "SYSTEM_DISK_FULL", "--business-unit", "west"])

    def give_the_worker_more_memory(self) -> Iterable[str]:
        self._memory_guard.limit_bytes = PLENTY_OF_MEMORY_BYTES
        return self._redrive("worker has 2 GiB now", ["--all", "--type", "SYSTEM_OUT_OF_MEMORY"])

    def store_the_missing_reading(self) -> Iterable[str]:
        record = _dead("facilities.raise_alarm").order_by("pk").first()
        if record is None:
            return [NOTHING]
        sensor = Sensor.objects.order_by("pk")[0]
        SensorReading.objects.create(
            pk=record.task_args[0], sensor=sensor, value=sensor.alarm_at + 1, taken_at=timezone.now()
        )
        return self._redrive("reading stored", [str(record.pk)])

    def repeat_a_refund(self) -> Iterable[str]:
        refunds = _dead("facilities.refund_payment").exclude(failure_type="PERMANENT_PERMISSION")
        record = refunds.order_by("pk").first()
        return self._redrive("the provider says it was not made", [str(record.pk)]) if record else [NOTHING]

    def _redrive(self, reason: str, which: Sequence[str]) -> Iterable[str]:
        words = ["redrive", "retry", *which, "--reason", reason]
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self._example,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        said = (done.stdout + done.stderr).strip().splitlines()
        return [f"  $ manage.py {shlex.join(words)}", *(f"    {line}" for line in said[-3:])]


def _dead(task_name: str) -> "QuerySet[TaskFailureRecord]":
    return TaskFailureRecord.objects.filter(status="PENDING", task_name=task_name)
