"""Section 10: the names that existing code reads and that no other section's test reads already."""

import pytest

from tests.contract import typed
from tests.contract.typed import Typed
from tests.servers.django_project import Project

IMPORTS = """
from apps.core.tasks.base import IdempotentTask
from celery import Celery, shared_task

app = Celery('typed', broker='memory://', set_as_current=False)
"""

OPTIONS = [
    Typed("idempotency_enabled is on by default", "IdempotentTask.idempotency_enabled", "True"),
    Typed("idempotency_ttl is an hour by default", "IdempotentTask.idempotency_ttl", "3600"),
    Typed("idempotency_scope is global by default", "IdempotentTask.idempotency_scope", "global"),
    Typed(
        "a task declares them in its decorator",
        "@app.task(base=IdempotentTask, idempotency_ttl=60, idempotency_scope='user', idempotency_enabled=False)\n"
        "def pay(): pass\n"
        "print(pay.idempotency_ttl, pay.idempotency_scope, pay.idempotency_enabled)",
        "60 user False",
    ),
    Typed(
        "a class declares them in its body",
        "class Slow(IdempotentTask):\n"
        "    abstract = True\n"
        "    idempotency_ttl = 7200\n"
        "@app.task(base=Slow)\n"
        "def report(): pass\n"
        "print(report.idempotency_ttl, report.idempotency_scope)",
        "7200 global",
    ),
    *(
        Typed(
            f"there is a scope {scope}",
            f"@app.task(base=IdempotentTask, idempotency_scope='{scope}')\n"
            "def pay(): pass\n"
            "pay.idempotency_scope",
            scope,
        )
        for scope in ("global", "user", "device", "task")
    ),
    Typed(
        "a scope that does not exist is refused by name",
        "@app.task(base=IdempotentTask, idempotency_scope='tenant')\ndef pay(): pass\npay.idempotency_scope",
        "TypeError: typed.pay: idempotency_scope='tenant' must be one of 'global', 'user', 'device', 'task'.",
    ),
    Typed(
        "the documented task can be declared",
        "@shared_task(base=IdempotentTask, bind=True)\n"
        "def my_task(self):\n"
        "    return type(self).__mro__[1].__name__\n"
        "my_task()",
        "IdempotentTask",
    ),
]


@pytest.fixture(scope="module")
def shell(reference: Project) -> dict[str, str]:
    return typed.run(reference, IMPORTS, OPTIONS)


@pytest.mark.parametrize("case", OPTIONS, ids=lambda case: case.says)
def test_the_options_of_an_idempotent_task(shell: dict[str, str], case: Typed) -> None:
    assert shell[case.says] == case.prints
