"""Plays the operator: finds dead letters, removes their cause, redrives them with the command anyone can type.

Needs `django.setup()`. Each repair returns the lines that tell what was done.
"""

import subprocess
import sys
from collections.abc import Iterable
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
        return self._redrive(_dead("facilities.benchmark_energy"))

    def free_the_disk_of_unit_west(self) -> Iterable[str]:
        (settings.REPORTS_DIR / "west" / "latest.csv").unlink(missing_ok=True)
        return self._redrive(_dead("facilities.build_unit_report").filter(business_unit="west"))

    def give_the_worker_more_memory(self) -> Iterable[str]:
        self._memory_guard.limit_bytes = PLENTY_OF_MEMORY_BYTES
        return self._redrive(_dead("facilities.render_floor_plans"))

    def store_the_missing_reading(self) -> Iterable[str]:
        dead = _dead("facilities.raise_alarm").order_by("pk")[:1]
        for record in dead:
            sensor = Sensor.objects.order_by("pk")[0]
            SensorReading.objects.create(
                pk=record.task_args[0], sensor=sensor, value=sensor.alarm_at + 1, taken_at=timezone.now()
            )
        return self._redrive(dead)

    def repeat_a_refund(self) -> Iterable[str]:
        refunds = _dead("facilities.refund_payment").exclude(failure_type="PERMANENT_PERMISSION")
        return self._redrive(refunds.order_by("pk")[:1])

    def _redrive(self, records: "QuerySet[TaskFailureRecord]") -> Iterable[str]:
        task_ids = [record.task_id for record in records]
        if not task_ids:
            return ["operator: nothing has died of it yet, so nothing to redrive"]
        words = ["redrive", "retry", *task_ids]
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self._example,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        said = (done.stdout or done.stderr).strip().splitlines()
        shown = " ".join(word if len(word) < 20 else f"{word[:8]}…" for word in words)
        return [f"operator: $ manage.py {shown}", *(f"          {line}" for line in said[-3:])]


def _dead(task_name: str) -> "QuerySet[TaskFailureRecord]":
    return TaskFailureRecord.objects.filter(status="PENDING", task_name=task_name)
