"""What can be wrong with a service, and the switch that says what is wrong now."""

import asyncio
from collections import Counter
from enum import Enum


class Fault(Enum):
    """A way to misbehave."""

    NONE = "none"
    UNAVAILABLE = "unavailable"
    RATE_LIMITED = "rate_limited"
    ERROR = "error"
    HANG = "hang"
    RESET = "reset"


class Switch:
    """One service's present fault, and counters of what it has done."""

    def __init__(self) -> None:
        self.fault = Fault.NONE
        self.retry_after_seconds = 5
        self.counts: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def set(self, fault: Fault, retry_after_seconds: int = 5) -> None:
        """Misbehave in this way from now on; callers that hang are let go."""
        self.fault = fault
        self.retry_after_seconds = retry_after_seconds
        self._changed.set()
        self._changed = asyncio.Event()

    async def hang(self) -> None:
        """Return when the fault is changed."""
        await self._changed.wait()
