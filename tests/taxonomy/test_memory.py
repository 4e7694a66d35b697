"""A worker that fails for months does not grow by it."""

from __future__ import annotations

import gc
import tracemalloc

from redrive.taxonomy import FailureTaxonomy, extract, fingerprint
from tests.taxonomy.cases import labelled

ROUNDS, PER_ROUND = 6, 800


def fail(number: int) -> Exception:
    """Of a class made on the spot, in a file that nobody has seen, with a message of its own."""
    kind = type(f"Made{number}Error", (ValueError,), {"__module__": f"made.on.the.spot{number}"})
    place = f"/srv/generated/{number}.py"
    try:
        exec(compile("raise problem", place, "exec"), {"problem": kind(f"order {number} at {place}")})
    except ValueError as problem:
        return problem
    raise AssertionError


def test_memory_stays_where_it_is() -> None:
    cases = labelled()
    used = []
    gc.freeze()  # else each of thousands of collections walks through all that other tests have left
    tracemalloc.start()
    try:
        for round_ in range(ROUNDS):
            for step in range(PER_ROUND):
                number = round_ * PER_ROUND + step
                if step % 2:
                    case = cases[number % len(cases)]
                    FailureTaxonomy.classify_facts(case.facts, {**case.context, "number": number})
                else:
                    problem = fail(number)
                    FailureTaxonomy.classify(problem)
                    fingerprint(extract(problem), f"task{number}")
            used.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
        gc.unfreeze()

    # What is remembered per class and file is bounded: filled, thrown away, filled anew. Without bounds it would be
    # more than one and a half million bytes by now, and grow on.
    assert max(used) < 1_200_000, used
    assert min(used[-3:]) < max(used[:3]) * 1.5, used
