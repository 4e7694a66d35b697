"""``manage.py redrive simulate``: what changed policies would do, in simulated time.

Recorded failures are replayed as a service that fails with the share that each minute had: failures recorded in that
minute over runs counted in its hour. So it is a likeness of what happened, and says nothing about single tasks.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from redrive import runtime
from redrive.conf import get_settings
from redrive.retry import parse_policies
from redrive.retry.policies import Overrides
from redrive.simulation import SCENARIOS, Answer, Job, Measured, Redrive, Scenario, Traffic, World, measure
from redrive.simulation.world import Service, SimulatedClock
from redrive.stores.sql.hindsight import Recorded, recorded_failures
from redrive.taxonomy import FailureType

CHART_WIDTH = 60
BARS = " .:-=+*#%@"
MOST_PER_SECOND = 50.0
"""Busier records are replayed at this rate: shares stay what they were, and a run takes seconds."""


def add_simulate(parser: CommandParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "scenario",
        nargs="?",
        default="",
        help='a built-in scenario or part of its name, or a JSON file {"like": "outage of 5 minutes", "lasts": 600};'
        " nothing: what was recorded",
    )
    parser.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="TYPE.field=value",
        help="a change, such as EXTERNAL_API_DOWN.max_retries=4; may be repeated",
    )
    parser.add_argument(
        "--policies", default="", metavar="FILE", help="changes as JSON, like the setting POLICIES"
    )
    parser.add_argument(
        "--hours", type=int, default=24, help="how far back records are replayed (default 24)"
    )
    parser.add_argument("--seed", type=int, default=1, help="chance; the same seed gives the same numbers")


def run_simulate(
    command: BaseCommand,
    *,
    scenario: str,
    policy: list[str],
    policies: str,
    hours: int,
    seed: int,
    as_json: bool,
) -> int:
    """Run the policies in force and the changed ones. Raises CommandError that says what to type."""
    before = get_settings().policies
    said = _changes(policy, policies)
    after = {key: {**before.get(key, {}), **said.get(key, {})} for key in {*before, *said}}
    try:
        ways = {"as set": parse_policies(before), "changed": parse_policies(after)}
    except ValueError as exc:
        raise CommandError(str(exc)) from exc
    if not said:
        del ways["changed"]
    found = _replayed(hours) if not scenario else (_chosen(scenario),)
    if not found:
        raise CommandError(f"Nothing that is retried failed in {hours} hours. Name a scenario: {_names()}")
    results = [
        {"scenario": one.name, "failure_type": one.failure.value, "way": way, **_run(one, overrides, seed)}
        for one in found
        for way, overrides in ways.items()
    ]
    command.stdout.write(json.dumps(results, indent=2) if as_json else "\n".join(_lines(results)))
    return 0


def _changes(pairs: Sequence[str], file: str) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    if file:
        changes = _read_json(file)
    for pair in pairs:
        target, equals, value = pair.partition("=")
        key, dot, field = target.rpartition(".")
        if not (equals and dot and key):
            raise CommandError(
                f"--policy {pair!r}: type TYPE.field=value, such as EXTERNAL_API_DOWN.max_retries=4"
            )
        try:
            read = json.loads(value)
        except ValueError:
            read = value
        changes.setdefault(key, {})[field] = read
    return changes


def _read_json(file: str) -> dict[str, Any]:
    try:
        data = json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise CommandError(f"{file} cannot be read as JSON: {exc}") from exc
    if not isinstance(data, dict):
        raise CommandError(f"{file} must hold a JSON object, not {type(data).__name__}.")
    return data


def _names() -> str:
    return "; ".join(SCENARIOS)


def _chosen(name: str) -> Scenario:
    if name.endswith(".json"):
        data = _read_json(name)
        like = SCENARIOS.get(str(data.pop("like", "")))
        if like is None:
            raise CommandError(f'{name}: "like" must name one of: {_names()}')
        numbers = {one.name for one in fields(Scenario)} - {"name", "make", "failure"}
        for key, value in data.items():
            if (
                key not in numbers
                or isinstance(value, bool)
                or not isinstance(value, int | float)
                or value < 0
            ):
                raise CommandError(f"{name}: {key} must be a number, one of: {', '.join(sorted(numbers))}")
        return replace(like, name=Path(name).stem, **data)
    matching = [one for title, one in SCENARIOS.items() if name.lower() in title.lower()]
    if not matching:
        raise CommandError(f"There is no scenario {name!r}. There are: {_names()}")
    return matching[0]


def _replayed(hours: int) -> tuple[Scenario, ...]:
    """One scenario per failure type and downstream that was recorded."""
    since = runtime.clock.now() - timedelta(hours=max(1, hours))
    return tuple(_replay(one, max(1, hours) * 3600.0) for one in recorded_failures(since))


def _replay(recorded: Recorded, seconds: float) -> Scenario:
    per_second = min(MOST_PER_SECOND, max(recorded.runs / seconds, recorded.failures / seconds, 0.01))
    per_minute = max(recorded.runs, recorded.failures) / seconds * 60
    shares = {minute: min(1.0, count / per_minute) for minute, count in recorded.by_minute.items()}
    kind = FailureType(recorded.failure_type)

    def make(scenario: Scenario) -> tuple[tuple[Traffic, ...], Mapping[str, Service]]:
        def service(job: Job, now: float, in_flight: int, rng: random.Random) -> Answer:
            if rng.random() < shares.get(int(now // 60), 0.0):
                return Answer(recorded.seconds_per_run, kind)
            return Answer(recorded.seconds_per_run)

        name = recorded.downstream or "?"
        return (Traffic(name="recorded", downstream=name, per_second=per_second),), {name: service}

    return Scenario(
        name=f"recorded: {recorded.downstream or 'no downstream'}",
        make=make,  # type: ignore[arg-type]  # a mapping that nobody changes
        failure=kind,
        per_second=per_second,
        seconds=seconds,
    )


def _run(scenario: Scenario, overrides: Overrides, seed: int) -> dict[str, Any]:
    clock = SimulatedClock()
    traffic, services = scenario.make(scenario)
    world = World(
        Redrive(clock, random.Random(seed + 2), policies=overrides),  # noqa: S311  # a simulation
        clock,
        traffic=traffic,
        services=services,
        seconds=scenario.seconds,
        processes=scenario.processes,
        seed=seed,
    )
    result = world.run()
    measured: Measured = measure(scenario, traffic, result)
    return {**asdict(measured), "attempts": len(result.attempts), "chart": chart(result.attempts)}


def chart(moments: Sequence[float]) -> str:
    """Attempts over the time from first to last, one sign per slice, the fullest slice as ``@``."""
    if not moments:
        return ""
    width = (max(moments) + 1) / CHART_WIDTH
    counts = [0] * CHART_WIDTH
    for moment in moments:
        counts[int(moment // width)] += 1
    most = max(counts)
    return "".join(BARS[-(-count * (len(BARS) - 1) // most)] for count in counts)


def _lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for one in results:
        lines += [
            f"{one['scenario']} ({one['failure_type']}), policies {one['way']}",
            f"  {one['tasks']:,} tasks, {one['attempts']:,} attempts ({one['amplification']:.2f} each);"
            f" {one['ok']:.2%} recovered or fine, {one['lost']:,} dead",
            f"  peak after the fault {one['peak']:.1f} times the usual, drained in {one['drain']:.0f} s,"
            f" p95 {one['p95']:.1f} s",
            f"  attempts over time |{one['chart']}|",
        ]
    return lines
