"""What goes wrong and what is repaired, by seconds after the first task.

The first minute shows everything once. Afterwards only faults that pass by themselves come again, so that the demo
can be left running without the dead letters piling up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import httpx

from apps.facilities import tasks
from showcase import workload

REPEAT_EVERY_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Fault:
    """A service starts to misbehave; `none` is the end of it."""

    service: str
    fault: str
    retry_after: int = 3

    def text(self) -> str:
        return f"{self.service}: {'well again' if self.fault == 'none' else self.fault.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Tasks are sent that cannot end well, or not at once."""

    what: str
    send: Callable[[], object]

    def text(self) -> str:
        return self.what


@dataclass(frozen=True, slots=True)
class Repair:
    """The operator removes a cause and redrives what died of it; `what` names a method of `Operator`."""

    what: str

    def text(self) -> str:
        return f"operator: {self.what.replace('_', ' ')}"


Act = Fault | Trouble | Repair

FIRST_MINUTE: tuple[tuple[int, Act], ...] = (
    (2, Trouble("two alarms for sensor readings that were never stored", workload.alarm_without_reading)),
    (2, Trouble("an upload with a spoiled row", workload.spoiled_upload)),
    (3, Trouble("parts moved in opposite directions at once (deadlock)", workload.opposite_transfers)),
    (4, Trouble("floor plans that need more memory than there is", workload.draw_largest_campus)),
    (4, Trouble("the disk of unit west is full", partial(workload.fill_disk, "west"))),
    (5, Trouble("the disk of unit south is full", partial(workload.fill_disk, "south"))),
    (5, Trouble("a benchmark whose key nobody has mounted", workload.benchmark_without_key)),
    (6, Fault("payments", "unavailable")),
    (8, Trouble("refunds while the gateway is away", workload.refunds)),
    (9, Trouble("a mail to an unknown recipient", workload.unknown_recipient)),
    (10, Trouble("an emergency for a closed work order", workload.emergency_at_closed_order)),
    (12, Trouble("parts moved in opposite directions at once (deadlock)", workload.opposite_transfers)),
    (13, Fault("payments", "none")),
    (14, Trouble("labour cost of a technician without jobs (a bug)", workload.cost_of_newcomers)),
    (15, Fault("sensors", "unavailable")),
    (16, Trouble("a round of readings while the sensor hub is away", tasks.poll_all_sensors.delay)),
    (16, Trouble("a refund of somebody else's charge", workload.refund_of_foreign_charge)),
    (18, Fault("payments", "rate_limited")),
    (20, Fault("sensors", "none")),
    (23, Fault("payments", "none")),
    (25, Fault("payments", "hang")),
    (26, Trouble("parts moved in opposite directions at once (deadlock)", workload.opposite_transfers)),
    (29, Fault("payments", "none")),
    (31, Fault("payments", "reset")),
    (34, Fault("payments", "none")),
    (35, Fault("mail", "unavailable")),
    (36, Fault("payments", "error")),
    (39, Fault("payments", "none")),
    (40, Fault("mail", "none")),
    (42, Repair("mount_the_missing_key")),
    (45, Repair("free_the_disk_of_unit_west")),
    (48, Repair("give_the_worker_more_memory")),
    (51, Repair("store_the_missing_reading")),
    (54, Repair("repeat_a_refund")),
)

LATER: tuple[tuple[int, Act], ...] = (
    (20, Fault("payments", "unavailable")),
    (26, Fault("payments", "none")),
    (50, Trouble("parts moved in opposite directions at once (deadlock)", workload.opposite_transfers)),
    (70, Fault("sensors", "reset")),
    (74, Fault("sensors", "none")),
    (95, Fault("payments", "rate_limited")),
    (99, Fault("payments", "none")),
)


def due(second: int) -> list[Act]:
    """What happens in this second."""
    if second <= FIRST_MINUTE[-1][0]:
        return [act for at, act in FIRST_MINUTE if at == second]
    return [act for at, act in LATER if at == second % REPEAT_EVERY_SECONDS]


def switch(control_url: str, fault: Fault) -> None:
    """Tell the services about a fault."""
    wish = {"fault": fault.fault, "retry_after": fault.retry_after}
    httpx.put(f"{control_url}/{fault.service}", json=wish, timeout=5).raise_for_status()
