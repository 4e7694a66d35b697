"""``manage.py redrive gate``: what every downstream's breaker says, and an operator's word over it."""

from __future__ import annotations

import getpass
import json

from django.core.management.base import BaseCommand, CommandError, CommandParser

from redrive import breakers, runtime
from redrive.gate import BreakerStatus, GateStates
from redrive.leases import StoreUnavailable


def add_gate(parser: CommandParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=["list", *breakers.GATE_VERBS],
        help="list (default), or what to do; an override lapses after four hours, release takes it back",
    )
    parser.add_argument("downstream", nargs="?", default="", help="name of the downstream, as in list")
    parser.add_argument("--reason", default="", help="why, for the history")


def run_gate(command: BaseCommand, *, action: str, downstream: str, reason: str, as_json: bool) -> int:
    """List breakers, or act on one. Raises CommandError that says what to type."""
    if action == "list":
        return _list(command, as_json)
    if not downstream:
        raise CommandError(
            f"Which downstream? Type: manage.py redrive gate {action} NAME --reason 'why'\n{_known()}"
        )
    if not reason.strip():
        raise CommandError(f"Say why: manage.py redrive gate {action} {downstream} --reason '...'")
    try:
        said = breakers.act_on_gate(downstream, action, actor=_actor(), reason=reason.strip())
    except StoreUnavailable as exc:
        raise CommandError(
            f"The gate's store cannot be reached, nothing is sure to have changed: {exc}"
        ) from exc
    until = f" Until {said.until:%Y-%m-%d %H:%M} UTC." if said.until is not None else ""
    data = {
        "downstream": downstream,
        "action": action,
        "before": said.before.value,
        "after": said.after.value,
        "until": said.until.isoformat() if said.until is not None else None,
        "reason": said.reason,
    }
    command.stdout.write(json.dumps(data, indent=2) if as_json else f"{said.reason}{until}")
    return 0


def _list(command: BaseCommand, as_json: bool) -> int:
    states = runtime.gate().states()
    if as_json:
        data = {"degraded": states.degraded, "breakers": [one.to_dict() for one in states.breakers]}
        command.stdout.write(json.dumps(data, indent=2))
        return 0
    if states.degraded:
        command.stdout.write(degraded_words(states))
    if states.known and not states.breakers:
        command.stdout.write("No downstream has been in trouble lately.")
    for one in states.breakers:
        command.stdout.write(_line(one))
    return 0


def degraded_words(states: GateStates) -> str:
    """One line for a gate whose first store is away."""
    if states.known:
        return "The gate is degraded: its first store is away, and the database stands in."
    return "The gate is degraded: no store of it answers, so each worker process decides by itself."


def _line(one: BreakerStatus) -> str:
    parts = [f"{one.downstream:<24} {one.state.value:<9} {one.failures} failed, {one.successes} fine"]
    if one.rate is not None:
        parts.append(f"{one.rate:g} calls a second")
    if one.concurrency is not None:
        parts.append(f"{one.in_flight or 0} of {one.concurrency} at once")
    if one.waiting:
        parts.append(f"about {one.waiting} wait")
    if one.override is not None:
        parts.append(f"{one.override} by {one.override_by} until {one.override_until:%H:%M} UTC")
    return ", ".join(parts) + (f": {one.reason}" if one.reason else "")


def _known() -> str:
    names = [one.downstream for one in runtime.gate().states().breakers]
    return (
        f"Known: {', '.join(names)}." if names else "None has been in trouble lately; any name may be given."
    )


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"
