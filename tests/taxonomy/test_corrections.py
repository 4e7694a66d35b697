"""What an operator said of a failure decides for every later one like it, whatever any rule says."""

from __future__ import annotations

from redrive.taxonomy import (
    Agreement,
    Classifier,
    FailureType,
    extract,
    fingerprint,
    overall,
    parse_rules,
)

CONTEXT = {"task_name": "shop.pay"}


def order(number: int) -> ValueError:
    return ValueError(f"Invalid order {number}")


def corrected(says: FailureType, **more: object) -> Classifier:
    name = fingerprint(extract(order(1)), "shop.pay")
    return Classifier(corrections=lambda: {name: says}, **more)  # type: ignore[arg-type]


def test_correction_decides_for_the_next_failure_like_it() -> None:
    answer = corrected(FailureType.EXTERNAL_API_DOWN).classify(order(2), CONTEXT)

    assert answer.failure_type is FailureType.EXTERNAL_API_DOWN
    assert answer.retry_recommended
    assert answer.confidence == 0.99
    assert (answer.evidence[0].rule, answer.evidence[0].reads) == ("correction", "project")
    assert answer.evidence[1].says is FailureType.PERMANENT_VALIDATION


def test_correction_holds_for_no_other_task() -> None:
    answer = corrected(FailureType.EXTERNAL_API_DOWN).classify(order(2), {"task_name": "shop.refund"})

    assert answer.failure_type is FailureType.PERMANENT_VALIDATION


def test_correction_beats_a_rule_of_the_project() -> None:
    rules = parse_rules([{"says": "PERMANENT_LOGIC", "class": "ValueError", "trust": 1.0}])

    answer = corrected(FailureType.EXTERNAL_API_DOWN, project_rules=rules).classify(order(2), CONTEXT)

    assert answer.failure_type is FailureType.EXTERNAL_API_DOWN


def test_corrections_are_asked_every_time() -> None:
    known: dict[str, FailureType] = {}
    classifier = Classifier(corrections=lambda: known)
    assert classifier.classify(order(2), CONTEXT).failure_type is FailureType.PERMANENT_VALIDATION

    known[fingerprint(extract(order(1)), "shop.pay")] = FailureType.UNKNOWN

    assert classifier.classify(order(2), CONTEXT).failure_type is FailureType.UNKNOWN


def test_agreement_of_all_types_is_weighed_by_what_was_judged() -> None:
    rows = [
        Agreement(failure_type="UNKNOWN", judged=1, agreed=0),
        Agreement(failure_type="PERMANENT_LOGIC", judged=9, agreed=9),
    ]

    assert overall(rows).share == 0.9
    assert overall([]).share == 1.0
