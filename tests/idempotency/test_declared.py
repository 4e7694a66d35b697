"""What a task says about its idempotency is checked when its module is imported."""

import functools
import inspect
from typing import Any

import pytest
from celery import Celery

from redrive.celery import IdempotentTask
from redrive.idempotency import (
    Call,
    Declared,
    OnDone,
    OnRunning,
    Scope,
    StoreAway,
    UnsupportedArgument,
    identify,
    read_declared,
)


def order_only(order: str) -> None: ...


def with_session(body: Any) -> Any:
    @functools.wraps(body)
    def supplied(*args: Any, **kwargs: Any) -> Any:
        return body("session", *args, **kwargs)

    return supplied


def passed_on(body: Any) -> Any:
    @functools.wraps(body)
    def unchanged(*args: Any, **kwargs: Any) -> Any:
        return body(*args, **kwargs)

    return unchanged


def pay(order: str, amount: int) -> None: ...


def bound_pay(self: Any, order: str, amount: int = 1) -> None: ...


def test_the_defaults_are_those_of_the_task_class() -> None:
    app = Celery(set_as_current=False)
    task = app.task(name="plain", base=IdempotentTask, shared=False)(order_only)

    assert task.redrive_idempotency == read_declared("plain", {}) == Declared()


def test_every_keyword_is_read() -> None:
    assert read_declared(
        "pay",
        {
            "idempotency_ttl": 60,
            "idempotency_scope": "user",
            "idempotency_scope_from": "customer",
            "idempotency_key": ["order", "line"],
            "idempotency_lease": 5,
            "idempotency_on_running": "skip",
            "idempotency_on_done": "raise",
            "idempotency_store_away": "fail_closed",
            "idempotency_keep_result": False,
            "rate_limit": "10/m",
        },
    ) == Declared(
        ttl=60,
        scope=Scope.USER,
        scope_from=("customer",),
        key=("order", "line"),
        lease=5,
        on_running=OnRunning.SKIP,
        on_done=OnDone.RAISE,
        store_away=StoreAway.FAIL_CLOSED,
        keep_result=False,
    )


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("idempotency_tll", 60, "pay: there is no option idempotency_tll. Did you mean idempotency_ttl?"),
        (
            "idempotency_xyz",
            60,
            "pay: there is no option idempotency_xyz. Use one of idempotency_enabled, idemp",
        ),
        ("idempotency_ttl", 0, "pay: idempotency_ttl=0 must be a number of seconds above 0."),
        ("idempotency_ttl", True, "pay: idempotency_ttl=True must be a number of seconds above 0."),
        ("idempotency_ttl", float("inf"), "pay: idempotency_ttl=inf must be a number of seconds above 0."),
        ("idempotency_lease", 0.5, "pay: idempotency_lease=0.5 must be a number of seconds, 1 at least."),
        ("idempotency_on_running", "queue", "must be one of 'wait', 'skip', 'raise'."),
        ("idempotency_on_done", "wait", "must be one of 'replay', 'skip', 'raise'."),
        ("idempotency_store_away", "open", "must be one of 'sql', 'fail_open', 'fail_closed'."),
        ("idempotency_keep_result", 1, "pay: idempotency_keep_result=1 must be True or False."),
        ("idempotency_key", [], "must be a name, a list of names, or a function of the arguments by name."),
        ("idempotency_key", 7, "must be a name, a list of names, or a function of the arguments by name."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_to_type(keyword: str, value: Any, message: str) -> None:
    with pytest.raises(TypeError) as caught:
        read_declared("pay", {keyword: value})

    assert message in str(caught.value)


def test_a_misspelt_argument_in_the_key_fails_when_the_task_is_made() -> None:
    app = Celery(set_as_current=False)

    with pytest.raises(TypeError, match="pay: idempotency_key names ordre; its arguments are order, amount"):
        app.task(name="pay", base=IdempotentTask, shared=False, lazy=False, idempotency_key="ordre")(pay)


def body(order: str, amount: int = 1, **more: Any) -> None: ...


def known_as(declared: Declared, *args: Any, headers: dict[str, Any] | None = None, **kwargs: Any) -> Call:
    return identify(
        "pay", declared, inspect.signature(body), args, kwargs, task_id="t", headers=headers or {}
    )


def test_of_named_arguments_only_these_count_also_through_kwargs() -> None:
    declared = Declared(key=("order", "line"))

    assert known_as(declared, "a", 1, line=1) == known_as(declared, "a", amount=2, line=1, note="x")
    assert known_as(declared, "a", line=1) != known_as(declared, "a", line=2)
    assert known_as(declared, "a", line=1).fingerprint is None
    with pytest.raises(
        UnsupportedArgument, match="names line, which this call has not; it has order, amount"
    ):
        known_as(declared, "a")


def test_a_function_gives_a_key_and_the_arguments_a_fingerprint() -> None:
    declared = Declared(key=lambda arguments: f"order-{arguments['order']}")
    one, other = known_as(declared, "a", 1), known_as(declared, "a", 2)

    assert one.key == other.key
    assert one.fingerprint != other.fingerprint
    assert known_as(declared, "a", object()).fingerprint is None


@pytest.mark.parametrize("returned", [None, "", 7])
def test_a_function_must_return_a_text(returned: Any) -> None:
    with pytest.raises(UnsupportedArgument, match=f"idempotency_key returned {returned!r}: return a text"):
        known_as(Declared(key=lambda _: returned), "a")


def test_scope_values_come_from_arguments_then_headers_then_a_function() -> None:
    user = Declared(scope=Scope.USER)
    named = Declared(scope=Scope.USER, scope_from=("customer",))
    computed = Declared(scope=Scope.USER, scope_from=lambda arguments: arguments["order"][:1])

    assert known_as(user, "a", user_id=1) != known_as(user, "a", user_id=2)
    assert known_as(user, "a", headers={"user_id": 1}) != known_as(user, "a", headers={"user_id": 2})
    assert known_as(named, "a", customer=1) != known_as(named, "a", customer=2)
    assert known_as(computed, "ab").key != known_as(computed, "bb").key


def test_the_key_is_told_before_publishing() -> None:
    app = Celery(set_as_current=False)
    task = app.task(name="pay", base=IdempotentTask, shared=False, lazy=False, bind=True)(bound_pay)

    assert task.call_key(("a",)) == task.call_key((), {"order": "a", "amount": 1})
    assert task.call_key(("a",)) != task.call_key(("b",))


def task_of(body: Any, **options: Any) -> Any:
    return Celery(set_as_current=False).task(name="pay", base=IdempotentTask, shared=False, **options)(body)


@pytest.mark.parametrize("options", [{}, {"autoretry_for": (OSError,)}, {"idempotency_key": "order"}])
def test_a_decorator_may_supply_an_argument(options: dict[str, Any]) -> None:
    def charge(session: str, order: str) -> None: ...

    task = task_of(with_session(charge), **options)

    assert task.call_key((), {"order": "a"}) == task.call_key((), {"order": "a"})
    assert task.call_key((), {"order": "a"}) != task.call_key((), {"order": "b"})
    if "idempotency_key" not in options:
        assert task.call_key(("a",)) != task.call_key(("b",))


def test_a_decorator_that_passes_arguments_on_makes_no_difference() -> None:
    decorated, plain = task_of(passed_on(pay)), task_of(pay)
    bound = task_of(passed_on(bound_pay), bind=True)

    assert decorated.call_key(("a", 1)) == plain.call_key((), {"amount": 1, "order": "a"})
    assert decorated.call_key(("a",), {"amount": 1}) == bound.call_key(("a",))


def test_where_a_decorator_hides_the_argument_of_the_key_the_call_is_refused() -> None:
    def charge(session: str, order: str) -> None: ...

    task = task_of(with_session(charge), idempotency_key="order")

    with pytest.raises(UnsupportedArgument, match="idempotency_key names order, which this call has not"):
        task.call_key(("a",))
