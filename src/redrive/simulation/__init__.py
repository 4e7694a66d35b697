"""Redrive in simulated time: what a policy does to a fleet in an outage, in seconds instead of hours.

    measured = run(SCENARIOS["outage of 5 minutes"], "redrive", seed=1)
    measured.ok, measured.amplification, measured.drain

A `World` of processes, a queue and a keeper runs tasks against downstreams that fail as a `Scenario` says. A
`Contender` decides; `Redrive` is one that calls the real engine and gate over the memory store, as the wrapper and
the keeper do. Deterministic: the same seed, the same numbers.
"""

from redrive.simulation.contenders import CONTENDERS, Plain, Redrive
from redrive.simulation.scenarios import SCENARIOS, Measured, Scenario, measure, run
from redrive.simulation.world import Answer, Contender, Fate, Job, SimulatedClock, Traffic, World

__all__ = [
    "CONTENDERS",
    "SCENARIOS",
    "Answer",
    "Contender",
    "Fate",
    "Job",
    "Measured",
    "Plain",
    "Redrive",
    "Scenario",
    "SimulatedClock",
    "Traffic",
    "World",
    "measure",
    "run",
]
