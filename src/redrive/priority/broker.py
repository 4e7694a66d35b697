"""What a level is called by each broker: numbers and directions differ."""

from collections.abc import Mapping
from typing import Final

from redrive.priority.types import TaskPriority

_LEVELS = (
    TaskPriority.CRITICAL,
    TaskPriority.HIGH,
    TaskPriority.MEDIUM,
    TaskPriority.LOW,
    TaskPriority.DEFERRED,
)

BROKER_PRIORITIES: Final[Mapping[str, Mapping[TaskPriority, int]]] = {
    # Higher is sooner; queues need x-max-priority 10.
    "amqp": dict(zip(_LEVELS, (10, 8, 6, 4, 2), strict=True)),
    # Lower is sooner; kombu keeps the steps 0, 3, 6, 9. Messages without a priority are at 0 too, so a queue
    # of their own, not the number, is what puts CRITICAL and HIGH first.
    "redis": dict(zip(_LEVELS, (0, 0, 3, 6, 9), strict=True)),
}
"""kombu's ``transport.driver_type`` -> level -> the message's priority. Measured with kombu 5.7."""


def broker_priority(level: TaskPriority, driver_type: str) -> int | None:
    """Return the number to publish with, or None where the transport has no priorities we know of."""
    return BROKER_PRIORITIES.get(driver_type, {}).get(level)
