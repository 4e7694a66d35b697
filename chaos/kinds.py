"""What is sent: ten kinds of tasks that must not be lost, and two that plain Celery may lose."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table.

    ``kept``: acknowledged late or in the ledger, so that nothing may lose it. ``once``: idempotent. ``share``: its part
    of a thousand messages.
    """

    name: str
    task: str
    share: int
    kept: bool = True
    once: bool = False


KINDS = (
    Kind("late", "late", 190),
    Kind("permanent", "late_permanent", 120),
    Kind("transient", "late_transient", 160),
    Kind("slow", "late_slow", 10),
    Kind("kills its child once", "late_killer", 15),
    Kind("poison", "poison", 3),
    Kind("idempotent, sent twice", "idempotent", 140, once=True),
    Kind("idempotent, transient", "idempotent_transient", 90, once=True),
    Kind("ledgered, early ack", "ledgered", 120),
    Kind("chord and chain", "late", 80),
    Kind("early ack", "early", 48, kept=False),
    Kind("early ack, permanent", "early_permanent", 24, kept=False),
)
SLOW_SECONDS = 1.0
SLOWEST_SECONDS = 12.0
"""One slow task in ten runs longer than the visibility timeout."""
VISIBILITY_SECONDS = 8


@dataclass(frozen=True, slots=True)
class Message:
    """One message. It must end if every message in ``needs`` succeeds; those of one ``workflow`` go out together."""

    kind: Kind
    task: str
    task_id: str
    label: str
    needs: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def arguments(self) -> dict[str, object]:
        """Its keyword arguments."""
        return {"label": self.label, **({} if self.seconds is None else {"seconds": self.seconds})}


@dataclass(frozen=True, slots=True)
class Sending:
    """What is published in one go: one message, or a workflow (``chord``, ``chain``; the last member closes it)."""

    messages: tuple[Message, ...]
    form: str = "single"


def plan(count: int, rng: random.Random) -> list[Sending]:
    """About count messages in random order, every kind among them."""
    sendings: list[Sending] = []
    for kind in KINDS:
        wanted = max(2, round(count * kind.share / 1000))
        made = 0
        for sending in _of(kind, rng):
            if made >= wanted:
                break
            sendings.append(sending)
            made += len(sending.messages)
    rng.shuffle(sendings)
    return sendings


def _of(kind: Kind, rng: random.Random) -> Iterator[Sending]:
    number = 0
    while True:
        number += 1
        label = f"{kind.name} {number}"
        if kind.name == "chord and chain":
            yield _workflow(kind, label, rng)
        elif kind.name.endswith("sent twice"):
            for _ in range(2):
                yield Sending((Message(kind, kind.task, _id(rng), label),))
        else:
            seconds = None
            if kind.name == "slow":
                seconds = SLOWEST_SECONDS if number % 10 == 1 else SLOW_SECONDS
            yield Sending((Message(kind, kind.task, _id(rng), label, seconds=seconds),))


def _workflow(kind: Kind, label: str, rng: random.Random) -> Sending:
    """Two members and a body, or a chain of three; one of them needs a retry."""
    ids = [_id(rng) for _ in range(3)]
    form = rng.choice(("chord", "chain"))
    transient = rng.randrange(3)
    needs = ((), (), tuple(ids[:2])) if form == "chord" else ((), (ids[0],), (ids[1],))
    tasks = ["late_transient" if place == transient else "late" for place in range(3)]
    return Sending(
        tuple(
            Message(kind, tasks[place], ids[place], f"{label} {form} {place}", needs[place])
            for place in range(3)
        ),
        form,
    )


def _id(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))
