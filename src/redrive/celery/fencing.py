"""Writes that a run with an older claim cannot undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import QuerySet


def guard(queryset: QuerySet[Any], fence: int, *, field: str = "fence", **values: Any) -> int:
    """Update rows unless a later run has written them; one conditional UPDATE.

        if not guard(Order.objects.filter(pk=order_id), self.idempotency.fence, status="paid"):
            return "another run was faster"

    Args:
        queryset: The rows, by what identifies them.
        fence: ``self.idempotency.fence`` of the run that writes.
        field: Where the rows keep the fence of their last writer: a ``BigIntegerField(default=0)``.
        values: What to write.

    Returns:
        How many rows were written: less than there are means that a run with a higher fence was here.
    """
    changed: int = queryset.filter(**{f"{field}__lte": fence}).update(**values, **{field: fence})
    return changed
