"""Start a keeper in this process and keep it going."""

from __future__ import annotations

import logging
import os
import signal
import threading

from celery.app.utils import find_app

from redrive import runtime
from redrive.keeper.keeper import Keeper

logger = logging.getLogger("redrive")


def run(*, worker: str = "", parent: int = 0, app_name: str | None = None) -> int:
    """Run until SIGTERM or SIGINT or, with a ``parent``, until that process is gone, however it went.

    Returns:
        Exit code: 0, or 2 if there is no Celery app (the log says what to type).
    """
    try:
        app = find_app(app_name) if app_name else runtime.celery_app()
    except (LookupError, ImportError, AttributeError) as exc:
        logger.error("redrive: the keeper cannot start: %s", exc)
        return 2
    app.set_current()
    app.loader.import_default_modules()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Service managers and Ctrl-C signal the whole group. A worker may still be finishing tasks then, and must be
        # vouched for until it is gone.
        signal.signal(number, signal.SIG_IGN if parent else lambda *_: stop.set())
    keeper = Keeper(app, worker=worker)
    logger.info("redrive: keeper %s is at work", keeper.name)
    try:
        while not stop.is_set() and not _is_orphan(parent):
            stop.wait(keeper.turn())
    finally:
        keeper.close()
    logger.info("redrive: keeper %s has stopped", keeper.name)
    return 0


def _is_orphan(parent: int) -> bool:
    """Whether the process that started us has ended: then we belong to somebody else."""
    return parent > 0 and os.getppid() != parent
