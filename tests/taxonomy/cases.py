"""The labelled failures and our own examples, read once, and how well the classifier does on them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redrive.taxonomy import Classification, ExceptionFacts, FailureTaxonomy

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Case:
    """One exception with the type it should get."""

    id: str
    library: str
    facts: ExceptionFacts
    context: dict[str, Any]
    label: str
    acceptable: frozenset[str]
    retryable: bool

    def classify(self) -> Classification:
        return FailureTaxonomy.classify_facts(self.facts, self.context)


def labelled() -> list[Case]:
    rows = [json.loads(line) for line in (DATA / "failures_labelled.jsonl").read_text("utf-8").splitlines()]
    return [
        Case(
            id=row["id"],
            library=row["exc_module"].partition(".")[0],
            facts=ExceptionFacts.from_dict(row),
            context=row["context"],
            label=row["label"],
            acceptable=frozenset((row["label"], *row["acceptable"])),
            retryable=row["retryable"],
        )
        for row in rows
    ]


def own_examples() -> list[Case]:
    cases = []
    for number, line in enumerate((DATA / "own_examples.txt").read_text("utf-8").splitlines(), 1):
        head, attrs, types, retry = (part.strip() for part in line.rsplit(" | ", 3))
        classes, _, message = head.partition(" |")
        name, _, bases = classes.partition(" <")
        module, _, qualname = name.strip().rpartition(".")
        label, *others = types.split(",")
        stated = json.loads(attrs)
        frames = stated.pop("_tb", [])
        chain = [
            {"via": via, "exc_module": link.rpartition(".")[0], "exc_qualname": link.rpartition(".")[2],
             "message": said, "attrs": states}
            for via, link, said, states in stated.pop("_chain", [])
        ]  # fmt: skip
        facts = ExceptionFacts.from_dict(
            {
                "exc_module": module or "builtins",
                "exc_qualname": qualname,
                "mro": [base.strip() for base in bases.split(",") if base.strip()] + ["builtins.Exception"],
                "message": message.strip().rstrip("|").strip().replace("\\n", "\n").replace("\\t", "\t"),
                "attrs": stated,
                "tb": frames,
                "chain": chain,
            }
        )
        context = {"task_name": "own.example", "retry_count": 0}
        cases.append(
            Case(
                f"own-{number:04}",
                module.partition(".")[0],
                facts,
                context,
                label,
                frozenset((label, *others)),
                retry == "R",
            )
        )
    return cases


@dataclass(frozen=True)
class Score:
    """How well the classifier did on some cases; rates are 0..1."""

    count: int
    strict: float
    lenient: float
    macro_lenient: float
    retry: float
    calibration_error: float
    misses: tuple[str, ...]


def score(cases: Iterable[Case]) -> Score:
    strict = lenient = retry = count = 0
    per_type: dict[str, list[bool]] = defaultdict(list)
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    misses = []
    for case in cases:
        answer = case.classify()
        got = answer.failure_type.value
        right, defensible = got == case.label, got in case.acceptable
        count += 1
        strict += right
        lenient += defensible
        retry += answer.retry_recommended == case.retryable
        per_type[case.label].append(defensible)
        bins[min(int(answer.confidence * 10), 9)].append((answer.confidence, defensible))
        if not defensible:
            misses.append(f"{case.id}: {got} instead of {case.label}, by {answer.evidence[0].rule}")
    error = sum(
        abs(sum(confidence for confidence, _ in part) - sum(right for _, right in part))
        for part in bins.values()
    )
    return Score(
        count=count,
        strict=strict / count,
        lenient=lenient / count,
        macro_lenient=sum(sum(part) / len(part) for part in per_type.values()) / len(per_type),
        retry=retry / count,
        calibration_error=error / count,
        misses=tuple(misses),
    )
