"""Tell a chord of a member whose process died after its result was stored and before the chord was told.

Celery takes such a member for done, and a copy of it is dropped: nobody else would ever tell, and the body would never
run.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from celery import Celery
from celery.app.task import Context

logger = logging.getLogger("redrive")


def tell(app: Celery, task_id: str, headers: Mapping[str, Any], body: Any) -> None:
    """Count a member that succeeded, once more where it was counted already. Never raises.

    Only where that does no harm: Celery's Redis backend keeps members by name (unless ``result_chord_ordered`` is off).
    Backends that poll find out by themselves; those that count calls would start the body too early.

    Args:
        app: The project's.
        task_id: Of the member.
        headers: Of its message: ``group`` and ``group_index``.
        body: The signature of the chord's body, None outside a chord.
    """
    try:
        backend: Any = app.backend
        if not body or not headers.get("group") or not getattr(backend, "_chord_zset", False):
            return
        meta = backend.get_task_meta(task_id)
        if meta["status"] == "SUCCESS" and backend.serializer == "json":
            known = {"id": task_id, "group": headers["group"], "group_index": headers.get("group_index")}
            backend.on_chord_part_return(Context(known, chord=body), "SUCCESS", meta["result"])
    except Exception as exc:
        # The result backend is away, with exceptions of its own; a copy of the member may still bring it up.
        logger.warning("redrive: the chord of %s could not be told that it succeeded: %s", task_id, exc)
