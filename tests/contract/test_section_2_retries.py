"""Section 2: `from apps.core.tasks.smart_retry import retry_engine`."""

from pathlib import Path

import pytest

from tests.contract import typed
from tests.contract.typed import Typed
from tests.example.conftest import example_project
from tests.servers.django_project import Project

IMPORTS = """
from apps.core.tasks.failure_taxonomy import FailureTaxonomy, FailureType
from apps.core.tasks.smart_retry import retry_engine
from dataclasses import replace
import errno, os
import httpx, psycopg
from django.core.exceptions import PermissionDenied, ValidationError

deadlock = psycopg.errors.DeadlockDetected('deadlock detected')
refused = ConnectionRefusedError(errno.ECONNREFUSED, 'Connection refused')
down = httpx.HTTPStatusError(
    '503 Service Unavailable', request=httpx.Request('GET', 'https://api.gateway.example/'),
    response=httpx.Response(503),
)

def numbers(exception):
    p = retry_engine.get_retry_policy('apps.billing.charge', exception, {'retry_count': 0})
    print(p.key, p.max_retries, p.initial_delay, p.backoff_strategy, p.backoff_factor, p.max_delay,
          p.circuit_breaker_threshold, p.circuit_breaker_timeout)

def series(exception, count, **changes):
    p = replace(retry_engine.get_retry_policy('apps.billing.charge', exception, {}), jitter='none', **changes)
    return [round(retry_engine.calculate_next_retry(p, n)) for n in range(count)]

def learnt(task_name, successes, failures):
    for n in range(successes + failures):
        retry_engine.record_retry_attempt(task_name, FailureType.TRANSIENT_NETWORK, success=n < successes)
    p = retry_engine.get_retry_policy(task_name, refused, {})
    print(round(p.initial_delay, 6), p.max_retries)
"""

CALLS = [
    Typed(
        "the context is the third positional",
        "retry_engine.get_retry_policy('apps.billing.charge', deadlock, {'retry_count': 1}).max_retries",
        "5",
    ),
    Typed(
        "the context is task_context=",
        "retry_engine.get_retry_policy('apps.billing.charge', deadlock, task_context={'retry_count': 1}).max_retries",
        "5",
    ),
    Typed(
        "every parameter may be named",
        "retry_engine.get_retry_policy(task_name='a.b', exception=deadlock, task_context={}).max_retries",
        "5",
    ),
    Typed("the context may be left out", "retry_engine.get_retry_policy('a.b', deadlock).max_retries", "5"),
    Typed(
        "ValueError is not retried",
        "retry_engine.get_retry_policy('a.b', ValueError('Invalid data'), {}).max_retries == 0",
        "True",
    ),
    Typed(
        "other permanent failures are not retried",
        "permanent = [ValidationError('x'), LookupError('x'), PermissionDenied('x'), ZeroDivisionError('x')]\n"
        "[retry_engine.get_retry_policy('a.b', e, {}).max_retries for e in permanent]",
        "[0, 0, 0, 0]",
    ),
    Typed(
        "calculate_next_retry gives seconds",
        "delay = retry_engine.calculate_next_retry(retry_engine.get_retry_policy('a.b', deadlock, {}), 0)\n"
        "print(type(delay).__name__, 15 <= delay <= 45)",
        "float True",
    ),
    Typed(
        "calculate_next_retry takes names",
        "p = retry_engine.get_retry_policy('a.b', deadlock, {})\n"
        "60 <= retry_engine.calculate_next_retry(policy=p, retry_count=2) <= 180",
        "True",
    ),
    Typed(
        "jitter against thundering herds",
        "p = retry_engine.get_retry_policy('a.b', deadlock, {})\n"
        "len({retry_engine.calculate_next_retry(p, 0) for _ in range(100)})",
        "100",
    ),
]

POLICIES = [
    Typed(
        "TRANSIENT_DATABASE: 5, 30 s, exponential x2.0, 3600 s, 10 failures, 5 min",
        "numbers(deadlock)",
        "TRANSIENT_DATABASE 5 30.0 exponential 2.0 3600.0 10 300.0",
    ),
    Typed(
        "TRANSIENT_NETWORK: 3, 60 s, exponential x2.0, 1800 s, 5 failures, 10 min",
        "numbers(refused)",
        "TRANSIENT_NETWORK 3 60.0 exponential 2.0 1800.0 5 600.0",
    ),
    Typed(
        "EXTERNAL_API_DOWN: 2, 900 s, Fibonacci, 7200 s, 3 failures, 30 min",
        "numbers(down)",
        "EXTERNAL_API_DOWN 2 900.0 fibonacci 2.0 7200.0 3 1800.0",
    ),
    Typed(
        "exponential doubles up to the cap",
        "series(deadlock, 9)",
        "[30, 60, 120, 240, 480, 960, 1920, 3600, 3600]",
    ),
    Typed(
        "Fibonacci is 1, 1, 2, 3, 5 times the first delay, up to the cap",
        "series(down, 7)",
        "[900, 900, 1800, 2700, 4500, 7200, 7200]",
    ),
    Typed(
        "linear is one first delay more each time, up to the cap",
        "series(refused, 5, backoff_strategy='linear', max_delay=200)",
        "[60, 120, 180, 200, 200]",
    ),
]

LEARNING = [
    Typed("9 samples change nothing", "learnt('nine', 9, 0)", "60.0 3"),
    Typed("10 samples, 90 % success: delays -30 %", "learnt('ten', 9, 1)", "42.0 3"),
    Typed("exactly 80 % is not above 80 %", "learnt('eighty', 8, 2)", "60.0 3"),
    Typed("exactly 30 % is not below 30 %", "learnt('thirty', 3, 7)", "60.0 3"),
    Typed("20 % success: delays +50 % and fewer retries", "learnt('twenty', 2, 8)", "90.0 2"),
    Typed(
        "success=True is the default",
        "for _ in range(10):\n"
        "    retry_engine.record_retry_attempt('default', FailureType.TRANSIENT_NETWORK)\n"
        "round(retry_engine.get_retry_policy('default', refused, {}).initial_delay, 6)",
        "42.0",
    ),
    Typed(
        "the failure type may be its name, and success positional",
        "for _ in range(10):\n"
        "    retry_engine.record_retry_attempt('name', 'TRANSIENT_NETWORK', False)\n"
        "round(retry_engine.get_retry_policy('name', refused, {}).initial_delay, 6)",
        "90.0",
    ),
    Typed(
        "the failure type may come from a classification",
        "kind = FailureTaxonomy.classify(refused).failure_type\n"
        "for _ in range(10):\n"
        "    retry_engine.record_retry_attempt('classified', kind, success=True)\n"
        "round(retry_engine.get_retry_policy('classified', refused, {}).initial_delay, 6)",
        "42.0",
    ),
    Typed(
        "one task's experience is not another's",
        "learnt('of this one', 10, 0)\n"
        "retry_engine.get_retry_policy('of that one', refused, {}).initial_delay",
        "42.0 3\n60.0",
    ),
    Typed(
        "queue depth 101: delays +30 %",
        "round(retry_engine.get_retry_policy('a.b', refused, {'queue_depth': 101}).initial_delay, 6)",
        "78.0",
    ),
    Typed(
        "queue depth 100 changes nothing",
        "retry_engine.get_retry_policy('a.b', refused, {'queue_depth': 100}).initial_delay",
        "60.0",
    ),
    Typed(
        "the policy says what was adapted and why",
        "for n in range(20):\n"
        "    retry_engine.record_retry_attempt('why', 'TRANSIENT_NETWORK', success=n < 1)\n"
        "p = retry_engine.get_retry_policy('why', refused, {'queue_depth': 500})\n"
        "for one in p.adjustments:\n"
        "    print(one.reason)",
        "1 of 20 retries succeeded (95 % interval 1% to 24%): delays +50 %\n"
        "1 of 20 retries succeeded (95 % interval 1% to 24%): one retry fewer\n"
        "500 tasks in the queue: delays +30 %",
    ),
]

FIELDS = [
    Typed(
        "the policy's fields have their names",
        "p = retry_engine.get_retry_policy('a.b', deadlock, {})\n"
        "for name in ('max_retries', 'initial_delay', 'backoff_strategy', 'backoff_factor', 'max_delay', 'jitter',\n"
        "             'circuit_breaker_threshold', 'circuit_breaker_timeout'):\n"
        "    print(name, getattr(p, name))",
        "max_retries 5\ninitial_delay 30.0\nbackoff_strategy exponential\nbackoff_factor 2.0\nmax_delay 3600.0\n"
        "jitter auto\ncircuit_breaker_threshold 10\ncircuit_breaker_timeout 300.0",
    ),
    Typed(
        "backoff_strategy compares with a word",
        "[retry_engine.get_retry_policy('a.b', e, {}).backoff_strategy == w\n"
        " for e, w in ((deadlock, 'exponential'), (down, 'fibonacci'), (MemoryError(), 'linear'))]",
        "[True, True, True]",
    ),
    Typed(
        "backoff_strategy finds its entry in a dict keyed by words",
        "{'fibonacci': 'found'}[retry_engine.get_retry_policy('a.b', down, {}).backoff_strategy]",
        "found",
    ),
    Typed(
        "circuit_breaker_timeout is in seconds",
        "retry_engine.get_retry_policy('a.b', down, {}).circuit_breaker_timeout / 60",
        "30.0",
    ),
]
CASES = [*CALLS, *POLICIES, *LEARNING, *FIELDS]


@pytest.fixture(scope="module")
def shell(reference: Project) -> dict[str, str]:
    return typed.run(reference, IMPORTS, CASES)


@pytest.mark.parametrize("case", CALLS, ids=lambda case: case.says)
def test_the_calls(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


@pytest.mark.parametrize("case", POLICIES, ids=lambda case: case.says)
def test_the_default_policies(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


@pytest.mark.parametrize("case", LEARNING, ids=lambda case: case.says)
def test_learning(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


@pytest.mark.parametrize("case", FIELDS, ids=lambda case: case.says)
def test_the_policys_fields(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints


def test_a_deep_queue_is_the_one_that_the_task_is_routed_to(tmp_path: Path) -> None:
    """As a keeper sampled it; the caller says nothing."""
    delays = example_project(tmp_path, {}).python(
        "from apps.core.tasks.smart_retry import retry_engine\n"
        "from apps.facilities import tasks\n"
        "from redrive import runtime\n"
        "runtime.experience().write(retries={}, depths={'high_priority': 101}, at=runtime.clock.now())\n"
        "refused = ConnectionRefusedError(111, 'Connection refused')\n"
        "names = ('facilities.send_notification', 'facilities.purge_old_readings')\n"
        "result = [retry_engine.get_retry_policy(name, refused, {}).initial_delay for name in names]"
    )

    assert delays == [pytest.approx(78), 60]


def test_policies_are_settings(tmp_path: Path) -> None:
    found = example_project(tmp_path, {"SHORT_DELAYS": "1"}).python(
        "from apps.core.tasks.smart_retry import retry_engine\n"
        "policy = retry_engine.get_retry_policy('a.b', ConnectionRefusedError(111, 'Connection refused'), {})\n"
        "result = [policy.max_retries, policy.initial_delay, policy.circuit_breaker_timeout]"
    )

    assert found == [3, 4.0, 30.0]
