"""Runs the day: once a second the routine, and what the timetable has for that second."""

import threading
import time
from collections.abc import Callable

from django.db import close_old_connections, connection

from showcase import timetable, workload
from showcase.repairs import Operator
from showcase.timetable import Fault, Repair, Trouble


class Director(threading.Thread):
    """Sends the company's tasks until it is stopped.

    Args:
        control_url: the services' control port.
        operator: does the repairs.
        say: gets one line for everything out of the ordinary.
    """

    def __init__(self, control_url: str, operator: Operator, say: Callable[[str], None]) -> None:
        super().__init__(name="director", daemon=True)
        self.faults: dict[str, str] = {}
        self._control_url = control_url
        self._operator = operator
        self._say = say
        self._stopped = threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        second = 0
        while not self._stopped.wait(max(0.0, began + second - time.monotonic())):
            self._play(second)
            second += 1
        connection.close()

    def stop(self) -> None:
        self._stopped.set()

    def _play(self, second: int) -> None:
        try:
            for act in timetable.due(second):
                self._say(act.text())
                self._perform(act)
            workload.routine(second)
        except Exception as exc:  # a server of the demo was killed: say so, and go on when it is back
            self._say(
                f"the workload had to pause: {type(exc).__name__}: {str(exc).splitlines()[0] if str(exc) else ''}"
            )
            close_old_connections()

    def _perform(self, act: timetable.Act) -> None:
        match act:
            case Fault(service, fault):
                timetable.switch(self._control_url, act)
                self.faults[service] = fault
            case Trouble(_, send):
                send()
            case Repair(what):
                for line in getattr(self._operator, what)():
                    self._say(line)
