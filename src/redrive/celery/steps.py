"""Start, watch and restart a keeper beside every worker."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from typing import Any

from celery import bootsteps

from redrive import runtime
from redrive.conf import get_mode, get_settings
from redrive.process import process

logger = logging.getLogger("redrive")

CHECK_SECONDS = 2.0
HEALTHY_SECONDS = 10.0
"""A keeper that ends sooner than this after its start is started again with growing pauses."""
LONGEST_RESTART_SECONDS = 300.0


class KeeperStep(bootsteps.StartStopStep):
    """Runs ``manage.py redrive keeper`` as a process of its own (exec, not fork), as long as the worker lives.

    The worker's event loop only looks every few seconds whether the process is there. A keeper that cannot start is
    tried again with growing pauses; the worker goes on without it. The same look brings to the spill what the main
    process could not write there before.
    """

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self._starts_keeper = get_settings().keeper.start_with_worker
        self._child: subprocess.Popen[bytes] | None = None
        self._check: Any = None
        self._restart_at = 0.0
        self._pause = 0.0
        self._started_at = 0.0

    def start(self, parent: Any) -> None:
        """Start the keeper and look after it."""
        self._look_safely(parent)
        self._check = parent.timer.call_repeatedly(CHECK_SECONDS, self._look_safely, (parent,))

    def stop(self, parent: Any) -> None:
        """Stop looking. The keeper vouches for tasks that still run, and ends by itself when the worker is gone."""
        runtime.recorder().spill_kept()
        if self._check is not None:
            self._check.cancel()
            self._check = None

    def terminate(self, parent: Any) -> None:
        """As :meth:`stop`."""
        self.stop(parent)

    def _look_safely(self, worker: Any) -> None:
        try:
            runtime.recorder().spill_kept()
            if self._starts_keeper:
                self._look(worker)
        except Exception:
            logger.exception("redrive: the keeper could not be looked after")

    def _look(self, worker: Any) -> None:
        """Start the next keeper if the last one has ended: at once if that one lived, later if it did not."""
        child = self._child
        if child is not None and child.poll() is None:
            return
        now = time.monotonic()
        if child is not None:
            lived = now - self._started_at > HEALTHY_SECONDS
            self._pause = 0.0 if lived else min(max(CHECK_SECONDS, self._pause * 2), LONGEST_RESTART_SECONDS)
            self._restart_at = now + self._pause
            self._child = None
            logger.warning(
                "redrive: the keeper ended with code %s; the next one starts now or soon", child.returncode
            )
        if now >= self._restart_at and get_mode() != "off":
            self._spawn(worker)

    def _spawn(self, worker: Any) -> None:
        command = [
            sys.executable,
            "-m",
            "redrive.keeper",
            "--worker",
            process.worker_id,
            "--parent",
            str(os.getpid()),
        ]
        name = app_path(worker.app)
        if name:
            command += ["--app", name]
        self._started_at = time.monotonic()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        try:
            self._child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603  # our own module
        except OSError as exc:
            logger.warning("redrive: no keeper could be started: %s", exc)
            self._restart_at = time.monotonic() + LONGEST_RESTART_SECONDS


def app_path(app: Any) -> str | None:
    """``module:attribute`` under which another process finds this Celery app, or None."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in ("celery", "kombu", "redrive", "__main__"):
            continue
        for attribute in ("app", "celery", "celery_app", "application"):
            if module is not None and module.__dict__.get(attribute) is app:
                return f"{name}:{attribute}"
    return None
