"""Never raises and never hangs, whatever it is given."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redrive.taxonomy import (
    ExceptionFacts,
    FailureTaxonomy,
    FailureType,
    extract,
    fingerprint,
    normalise_message,
)

MOST_SECONDS = 5  # of processor time; usual are milliseconds, catastrophic backtracking takes minutes


class StubbornError(Exception):
    """Everything about it raises."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __repr__(self) -> str:
        raise RuntimeError("no repr")

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__traceback__"):
            return object.__getattribute__(self, name)
        raise RuntimeError(name)


class LiarError(Exception):
    """Says what is not so about its type, its text and its attributes."""

    errno = property(lambda self: 1 / 0)
    args = property(lambda self: object())  # type: ignore[assignment]
    response: Any = type("R", (), {"headers": 5, "status_code": "many", "_content": object()})()
    code = staticmethod(lambda: 1 / 0)
    errors: Any = {1: 2, None: object()}

    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


def cycle() -> Exception:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    first.__context__ = first
    return first


def deep(count: int) -> Exception:
    problem: Exception = OSError(28, "No space left on device")
    for number in range(count):
        outer = RuntimeError(f"level {number}")
        outer.__cause__ = problem
        problem = outer
    return problem


HOSTILE = [
    StubbornError(),
    LiarError(),
    cycle(),
    deep(5000),
    ValueError("x" * 10_000_000),
    ValueError("\ud800 lone \udfff"),
    ValueError("a\x00b"),
    ValueError(b"\xff\xfe"),
    ValueError(object()),
    ValueError(ValueError(ValueError("inner"))),
    OSError(10**400, "huge number"),
    KeyError(()),
    ExceptionGroup("g", [ExceptionGroup("h", [ValueError()])]),
    BaseException("base"),
    KeyboardInterrupt(),
    SystemExit(3),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
]


@pytest.mark.parametrize("problem", HOSTILE, ids=lambda problem: type(problem).__name__)
def test_hostile_exceptions_get_an_answer_quickly(problem: BaseException) -> None:
    started = time.process_time()

    classification = FailureTaxonomy.classify(problem, {"task_name": object(), "retry_count": "x", 5: 6})  # type: ignore[dict-item]
    facts = extract(problem)

    assert isinstance(classification.failure_type, FailureType)
    assert classification.to_dict()
    assert ExceptionFacts.from_dict(facts.to_dict()) == facts
    assert fingerprint(facts, "t").startswith("1:")
    assert time.process_time() - started < MOST_SECONDS


def test_last_cause_of_a_long_chain_decides() -> None:
    assert FailureTaxonomy.classify(deep(500)).failure_type is FailureType.SYSTEM_DISK_FULL


def test_facts_stay_small() -> None:
    problem = ValueError("x" * 10_000_000)
    problem.body = {"k" * 100: ["v" * 100_000] * 1000}  # type: ignore[attr-defined]

    assert len(str(extract(problem).to_dict())) < 60_000


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(
        [ValueError, KeyError, OSError, RuntimeError, Exception, TimeoutError, ImportError, MemoryError]
    ),
    st.text(max_size=2000),
)
def test_any_text_gets_a_whole_answer(kind: type[Exception], text: str) -> None:
    answer = FailureTaxonomy.classify(kind(text))

    assert 0.0 <= answer.confidence <= 1.0
    assert answer.remediation_action is answer.remediation_actions[0]
    assert answer.retry_delay_seconds >= 0
    assert answer.remediation_details


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ["exc_module", "exc_qualname", "mro", "message", "attrs", "chain", "frames", "tb", "via"]
        ),
        json_values | st.lists(json_values, max_size=4),
    ),
    st.dictionaries(st.text(max_size=10), json_values, max_size=4),
)
def test_any_stored_facts_get_an_answer(data: dict[str, Any], context: dict[str, Any]) -> None:
    try:
        facts = ExceptionFacts.from_dict(data)
    except Exception as problem:  # pragma: no cover - shown by Hypothesis
        pytest.fail(f"from_dict raised {problem!r}")

    assert FailureTaxonomy.classify_facts(facts, context).to_dict()


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            "a", "0", " ", "'", '"', "none/", "(", "[errno ", "://", "status ", "code: ", "/x", "1.", "a.b@", "::",
            "\\", "-", "_", "http error ", "exit ", "validation error for ", "try again in ", "{'code': '", "<",
            "no module named a.", "1:", "mon ",
        ]
    ),
    st.sampled_from(["requests.exceptions", "psycopg2", "redis.exceptions", "smtplib", "stripe", "builtins", "pyodbc"]),
    st.integers(1, 4000),
    st.text(max_size=5),
)  # fmt: skip
def test_repetition_does_not_blow_up_any_pattern(piece: str, module: str, count: int, end: str) -> None:
    message = piece * count + end
    facts = ExceptionFacts(module, "Error", (f"{module}.Error", "builtins.ValueError"), message[:8000])

    started = time.process_time()
    FailureTaxonomy.classify_facts(facts)
    normalise_message(message)

    assert time.process_time() - started < MOST_SECONDS
