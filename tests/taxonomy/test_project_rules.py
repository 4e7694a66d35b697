"""Rules of the project come first, as dicts or as functions, and a broken one harms nobody."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest

from redrive.taxonomy import Classifier, ExceptionFacts, FailureType, Registry, parse_rules, rule

CONTEXT = {"task_name": "billing.tasks.charge"}


class OutOfStock(LookupError):  # noqa: N818 - named as a project would
    pass


class ColdStoreEmpty(OutOfStock):
    pass


class Teapot(Exception):  # noqa: N818 - the same
    status_code = 418


def classify(problem: Exception, *rules: Any, **context: Any) -> Any:
    return Classifier(project_rules=parse_rules(rules)).classify(problem, {**CONTEXT, **context})


def test_class_rule_decides_and_leaves_its_evidence() -> None:
    answer = classify(
        OutOfStock("none left"), {"says": "PERMANENT_NOT_FOUND", "class": "OutOfStock", "id": "stock"}
    )

    assert answer.failure_type is FailureType.PERMANENT_NOT_FOUND
    assert answer.confidence == 0.98
    first = answer.evidence[0]
    assert (first.rule, first.reads, first.where) == ("project.stock", "project", "exception")
    assert first.found.endswith("OutOfStock")
    assert first.source == 'REDRIVE["RULES"], rule 1'


@pytest.mark.parametrize("name", ["OutOfStock", f"{__name__}.OutOfStock", "LookupError"])
def test_class_rule_covers_what_derives_from_it(name: str) -> None:
    answer = classify(ColdStoreEmpty("none left"), {"says": "SYSTEM_DISK_FULL", "class": name})

    assert answer.failure_type is FailureType.SYSTEM_DISK_FULL


def test_every_condition_must_hold() -> None:
    ours = {"says": "TRANSIENT_RATE_LIMIT", "text": "Come Back", "task": "billing.*"}

    assert classify(ValueError("come back on Monday"), ours).failure_type is FailureType.TRANSIENT_RATE_LIMIT
    assert classify(ValueError("go away"), ours).failure_type is not FailureType.TRANSIENT_RATE_LIMIT
    elsewhere = classify(ValueError("come back on Monday"), ours, task_name="shop.sync")
    assert elsewhere.failure_type is not FailureType.TRANSIENT_RATE_LIMIT


def test_code_rule_reads_status_and_sqlstate() -> None:
    raised = ExceptionFacts("psycopg.errors", "RaiseException", attrs={"sqlstate": "P0001"})
    rules = parse_rules(
        [
            {"says": "PERMANENT_PERMISSION", "code": "http 418"},
            {"says": "PERMANENT_LOGIC", "code": "sqlstate P0001"},
        ]
    )
    classifier = Classifier(project_rules=rules)

    assert classifier.classify(Teapot()).failure_type is FailureType.PERMANENT_PERMISSION
    assert classifier.classify_facts(raised).failure_type is FailureType.PERMANENT_LOGIC


def test_rule_may_know_better_about_retrying() -> None:
    answer = classify(
        OutOfStock("none left"), {"says": "PERMANENT_NOT_FOUND", "class": "OutOfStock", "retry": True}
    )

    assert answer.retry_recommended
    assert answer.retry_delay_seconds == 30


def test_rule_reads_the_cause_as_well() -> None:
    outer = RuntimeError("could not pack")
    outer.__cause__ = OutOfStock("none left")

    answer = classify(outer, {"says": "PERMANENT_NOT_FOUND", "class": "OutOfStock"})

    assert answer.failure_type is FailureType.PERMANENT_NOT_FOUND
    assert answer.evidence[0].where == "cause 1"


def test_decorated_function_decides() -> None:
    registry = Registry()

    @rule("EXTERNAL_API_DOWN", classes="OSError", registry=registry)
    def bank_at_night(facts: ExceptionFacts, context: Mapping[str, Any]) -> bool:
        return "bank.example" in facts.message

    classifier = Classifier(more_rules=lambda: registry.rules)

    answer = classifier.classify(OSError("no answer from bank.example"))
    assert answer.failure_type is FailureType.EXTERNAL_API_DOWN
    assert answer.evidence[0].source.endswith("bank_at_night")
    other = classifier.classify(OSError("no answer from shop.example"))
    assert other.failure_type is not FailureType.EXTERNAL_API_DOWN


def test_function_that_raises_has_not_said_yes() -> None:
    registry = Registry()

    @rule("EXTERNAL_API_DOWN", registry=registry)
    def broken(facts: ExceptionFacts, context: Mapping[str, Any]) -> bool:
        return bool(facts.attrs["absent"])

    answer = Classifier(more_rules=lambda: registry.rules).classify(ValueError("Invalid data"))

    assert answer.failure_type is FailureType.PERMANENT_VALIDATION


def test_function_decorated_again_replaces_itself() -> None:
    registry = Registry()
    for says in ("EXTERNAL_API_DOWN", "PERMANENT_LOGIC"):

        @rule(says, registry=registry)
        def anything(facts: ExceptionFacts, context: Mapping[str, Any]) -> bool:
            return True

    assert [known.says for known in registry.rules] == [FailureType.PERMANENT_LOGIC]


def test_dotted_path_names_dicts_modules_and_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("shop_rules")
    module.RULES = [{"says": "PERMANENT_LOGIC", "class": "OutOfStock"}]  # type: ignore[attr-defined]
    module.judge = lambda facts, context: True  # type: ignore[attr-defined]
    module.__spec__ = __spec__  # any: what is imported already is not looked for
    monkeypatch.setitem(sys.modules, "shop_rules", module)

    found = parse_rules(["shop_rules", "shop_rules.judge", "shop_rules.RULES"])

    assert [(known.says.value, known.classes) for known in found] == [("PERMANENT_LOGIC", ("OutOfStock",))]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"says": "PERMANENT_LOGIK", "class": "A"}, "did you mean 'PERMANENT_LOGIC'"),
        ({"says": "PERMANENT_LOGIC", "clas": "A"}, "did you mean 'class'"),
        ({"says": "PERMANENT_LOGIC"}, "no condition"),
        ({"class": "A"}, "lacks 'says'"),
        ({"says": "PERMANENT_LOGIC", "class": 5}, "must be text"),
        ({"says": "PERMANENT_LOGIC", "class": "A", "retry": "yes"}, "'retry'"),
        ({"says": "PERMANENT_LOGIC", "class": "A", "trust": 7}, "trust"),
        (7, "must be a dict or a dotted path"),
        ("no_such_module_here.RULES", "cannot be imported"),
        ("json.no_such_name", "cannot be imported"),
    ],
)
def test_rule_that_cannot_be_used_says_why(raw: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_rules([raw])


def test_decorator_refuses_an_unknown_type_at_once() -> None:
    with pytest.raises(ValueError, match="did you mean 'PERMANENT_LOGIC'"):
        rule("PERMANENT_LOGICS", registry=Registry())
