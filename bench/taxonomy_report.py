"""How right, how honest and how fast the failure taxonomy is: `python bench/taxonomy_report.py [--json] [FILE]`.

With `--memory 1000000` it prints instead how much memory the process has after so many classifications (4 minutes).

FILE is a file of labelled failures (one JSON object per line, as in tests/taxonomy/data); the copy there by default.

- strict: the label itself; lenient: the label or an accepted alternative; macro: mean over the types.
- retry: agreement on "would the same call plausibly succeed later".
- calibration error: mean distance between stated confidence and share of right answers, over ten bands, weighed by
  their size (expected calibration error), against lenient and against strict.
- unseen library: the same, with every rule that names a class of the case's own library taken away. What is left is
  codes, general names, texts and bases, which is what a library nobody thought of gets.
- confidence from others: the confidence of each band is set from the cases of all *other* libraries, then measured
  on this one.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import time
import traceback
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src")]

from redrive.taxonomy import Classification, Classifier, ExceptionFacts  # noqa: E402 - needs the path above
from redrive.taxonomy.rules import ALL, ClassRule  # noqa: E402

DATA = ROOT / "tests" / "taxonomy" / "data" / "failures_labelled.jsonl"
Row = dict[str, Any]
Result = tuple[Row, Classification]


def is_strict(result: Result) -> bool:
    return bool(result[1].failure_type.value == result[0]["label"])


def is_lenient(result: Result) -> bool:
    return is_strict(result) or result[1].failure_type.value in result[0]["acceptable"]


def share(values: list[bool]) -> float:
    return sum(values) / len(values) if values else 1.0


def bands(results: list[Result]) -> dict[int, list[Result]]:
    found: dict[int, list[Result]] = defaultdict(list)
    for result in results:
        found[min(int(result[1].confidence * 10), 9)].append(result)
    return dict(sorted(found.items()))


def calibration_error(results: list[Result], *, strict: bool) -> float:
    right = is_strict if strict else is_lenient
    error = 0.0
    for band in bands(results).values():
        stated = sum(answer.confidence for _, answer in band)
        error += abs(stated - sum(right(result) for result in band))
    return error / len(results)


def library_of(row: Row) -> str:
    """The distribution's top module; exceptions of Python itself count by where they were raised."""
    top = str(row["exc_module"]).partition(".")[0]
    if top in ("builtins", "json", "socket", "os") and row.get("tb"):
        return str(row["tb"][-1]).partition("/")[0].partition(".")[0]
    return top


def summary(results: list[Result]) -> dict[str, float]:
    per_type: dict[str, list[bool]] = defaultdict(list)
    for result in results:
        per_type[result[0]["label"]].append(is_lenient(result))
    return {
        "cases": len(results),
        "strict": share([is_strict(result) for result in results]),
        "lenient": share([is_lenient(result) for result in results]),
        "macro_lenient": statistics.mean(share(values) for values in per_type.values()),
        "retry": share([answer.retry_recommended == row["retryable"] for row, answer in results]),
        "wrong_retries": sum(answer.retry_recommended and not row["retryable"] for row, answer in results),
        "mean_confidence": statistics.mean(answer.confidence for _, answer in results),
        "calibration_error_lenient": calibration_error(results, strict=False),
        "calibration_error_strict": calibration_error(results, strict=True),
    }


def classify_all(classifier: Classifier, rows: list[Row]) -> list[Result]:
    return [(row, classifier.classify_facts(ExceptionFacts.from_dict(row), row["context"])) for row in rows]


def as_unseen_libraries(rows: list[Row]) -> list[Result]:
    """Every case classified without the rules that name classes of its own library."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[library_of(row)].append(row)
    results: list[Result] = []
    for library, members in groups.items():
        prefixes = (f"{library}.", f"{library}:")
        rules = [
            rule
            for rule in ALL
            if not (
                isinstance(rule, ClassRule)
                and library != "builtins"
                and any(name.startswith(prefixes) for name in rule.names)
            )
        ]
        results.extend(classify_all(Classifier(rules=rules), members))
    return results


def error_with_confidence_from_others(results: list[Result]) -> float:
    """Calibration error when each band's confidence is learnt from the other libraries only."""
    error = 0.0
    by_band = bands(results)
    for band in by_band.values():
        held_out: dict[str, list[Result]] = defaultdict(list)
        for result in band:
            held_out[library_of(result[0])].append(result)
        stated = 0.0
        for library, members in held_out.items():
            others = [is_lenient(result) for result in band if library_of(result[0]) != library]
            prior = statistics.mean(answer.confidence for _, answer in band)
            # Ten cases' worth of what the rules state, so that an empty band does not claim certainty.
            stated += len(members) * (sum(others) + 10 * prior) / (len(others) + 10)
        error += abs(stated - sum(is_lenient(result) for result in band))
    return error / len(results)


def live_exception(depth: int) -> BaseException:
    """A real exception with a traceback ``depth`` frames deep and a cause."""

    def descend(level: int) -> None:
        if level:
            descend(level - 1)
        try:
            raise ConnectionResetError(104, "Connection reset by peer")
        except ConnectionResetError as problem:
            raise RuntimeError("could not pull orders for customer 118") from problem

    try:
        descend(depth)
    except RuntimeError as failure:
        return failure
    raise AssertionError("descend always raises")


def percentile(values: list[float], rank: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * rank), len(ordered) - 1)]


def latencies(classifier: Classifier, rows: list[Row], rounds: int = 5) -> dict[str, float]:
    """Microseconds: stored facts of every labelled case, and one live exception against formatting its traceback."""
    stored = [(ExceptionFacts.from_dict(row), row["context"]) for row in rows]
    times: list[float] = []
    for facts, context in stored * rounds:
        started = time.perf_counter()
        classifier.classify_facts(facts, context)
        times.append((time.perf_counter() - started) * 1e6)
    failure = live_exception(20)
    classify_times, format_times = [], []
    for _ in range(300):
        started = time.perf_counter()
        classifier.classify(failure)
        middle = time.perf_counter()
        "".join(traceback.format_exception(failure))
        classify_times.append((middle - started) * 1e6)
        format_times.append((time.perf_counter() - middle) * 1e6)
    return {
        "stored_median_us": statistics.median(times),
        "stored_p99_us": percentile(times, 0.99),
        "stored_max_us": max(times),
        "live_median_us": statistics.median(classify_times),
        "format_same_traceback_median_us": statistics.median(format_times),
    }


def print_memory(path: Path, count: int) -> None:
    """Megabytes of the process on the way. Every tenth exception is live, of 5,000 classes made on the fly."""
    cases = [ExceptionFacts.from_dict(json.loads(line)) for line in path.read_text("utf-8").splitlines()]
    classifier, page = Classifier(), os.sysconf("SC_PAGE_SIZE")
    for number in range(count + 1):
        facts = cases[number % len(cases)]
        if number % 10:
            classifier.classify_facts(facts)
        else:
            made = type(f"E{number % 50_000}", (Exception,), {"__module__": "shop.errors"})
            classifier.classify(made(f"{facts.message} {number}"))
        if number == min(20_000, count // 10) or (number and number % max(1, count // 10) == 0):
            gc.collect()
            resident = int(Path("/proc/self/statm").read_text("ascii").split()[1]) * page / 1e6
            print(f"{resident:7.1f} MB after {number:,} classifications", flush=True)


def report(path: Path) -> dict[str, Any]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    classifier = Classifier()
    results = classify_all(classifier, rows)
    unseen = as_unseen_libraries(rows)
    types: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        types[result[0]["label"]].append(result)
    return {
        "all": summary(results),
        "unseen_library": summary(unseen),
        "calibration_error_with_confidence_from_others": error_with_confidence_from_others(unseen),
        "types": {
            name: {
                "cases": len(members),
                "strict": share([is_strict(result) for result in members]),
                "lenient": share([is_lenient(result) for result in members]),
                "retry": share([answer.retry_recommended == row["retryable"] for row, answer in members]),
            }
            for name, members in sorted(types.items())
        },
        "reliability": [
            {
                "from": index / 10,
                "to": (index + 1) / 10,
                "cases": len(band),
                "stated": statistics.mean(answer.confidence for _, answer in band),
                "lenient": share([is_lenient(result) for result in band]),
                "strict": share([is_strict(result) for result in band]),
            }
            for index, band in bands(unseen).items()
        ],
        "misses": [
            f"{row['id']}: {answer.failure_type.value} instead of {row['label']} by {answer.evidence[0].rule}"
            for row, answer in unseen
            if not is_lenient((row, answer))
        ],
        "latency": latencies(classifier, rows),
    }


def print_text(data: dict[str, Any]) -> None:
    print(f"{'':34}{'labelled':>10}{'unseen library':>16}")
    for key in data["all"]:
        first, second = data["all"][key], data["unseen_library"][key]
        shape = "{:>10.0f}{:>16.0f}" if key in ("cases", "wrong_retries") else "{:>10.3f}{:>16.3f}"
        print(f"{key:34}" + shape.format(first, second))
    other = data["calibration_error_with_confidence_from_others"]
    print(f"{'calibration, confidence from others':44}{other:>16.3f}")
    print(f"\n{'type':26}{'cases':>6}{'strict':>8}{'lenient':>9}{'retry':>7}")
    for name, row in data["types"].items():
        print(f"{name:26}{row['cases']:>6}{row['strict']:>8.2f}{row['lenient']:>9.2f}{row['retry']:>7.2f}")
    print(f"\n{'confidence (unseen library)':28}{'cases':>6}{'stated':>8}{'lenient':>9}{'strict':>8}")
    for row in data["reliability"]:
        label = f"{row['from']:.1f} to {row['to']:.1f}"
        print(f"{label:28}{row['cases']:>6}{row['stated']:>8.2f}{row['lenient']:>9.2f}{row['strict']:>8.2f}")
    print("\nlatency in microseconds")
    for key, value in data["latency"].items():
        print(f"{key:34}{value:>10.0f}")
    if data["misses"]:
        print("\nmissed as an unseen library")
        print("\n".join(f"  {miss}" for miss in data["misses"]))


def main() -> int:
    parser = argparse.ArgumentParser(description="Accuracy, calibration and speed of the failure taxonomy.")
    parser.add_argument(
        "file", nargs="?", type=Path, default=DATA, help="labelled failures, one JSON object per line"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--memory", type=int, default=0, metavar="COUNT", help="print memory over so many instead"
    )
    options = parser.parse_args()
    if options.memory:
        print_memory(options.file, options.memory)
        return 0
    data = report(options.file)
    if options.json:
        print(json.dumps(data, indent=2))
    else:
        print_text(data)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
