"""The examples of ``docs/idempotency.md`` run as they are written, in a worker and on PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from celery import Celery
from celery.result import AsyncResult

from tests.servers import ValkeyServer
from tests.servers.django_project import Project
from tests.waiting import wait_until

PAGE = Path(__file__).parents[2] / "docs" / "idempotency.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)

MODULE = """
from django.db import connection, models, transaction
from django.test.utils import isolate_apps
from shop.runs import note

def prepare(order_id): return f"order {order_id}"
def send_money(prepared): note("send_money", prepared)
def print_label(order_id): return f"label {order_id}"

BLOCKS = %r
# Tasks of two examples have one name, so each example is a module; models of none are left in the project.
names = dict(globals())
with isolate_apps("redrive"):
    for number in (0, 1, 3):
        names |= {"__name__": f"redrive.documented{number}"}
        exec(compile(BLOCKS[number], f"example {number}", "exec"), names)

    class Payment(models.Model):
        order_id = models.IntegerField(unique=True)
        amount = models.IntegerField()

        class Meta:
            app_label = "redrive"

Order = names["Order"]

def make_tables():
    with connection.schema_editor() as editor:
        editor.create_model(Payment)
        editor.create_model(Order)

def pay(order_id, amount):
    exec(compile(BLOCKS[2], "example 2", "exec"), names | {"Payment": Payment, "order_id": order_id, "amount": amount})
"""

TWICE = """
import documented
from django.db import IntegrityError
documented.make_tables()
order = documented.Order.objects.create(status="new")
documented.pay(order.pk, 10)
orders = documented.Order.objects.filter(pk=order.pk)
result = [orders.get().status]
orders.update(status="returned")
try:
    documented.pay(order.pk, 10)
except IntegrityError:
    result += ["refused", orders.get().status, documented.Payment.objects.count()]
"""


def test_every_example_of_the_page_runs(
    make_project: Callable[..., Project], postgres_url: str, valkey: ValkeyServer, tmp_path: Path
) -> None:
    assert len(BLOCKS) == 4, "one more example: run it here too"
    (tmp_path / "documented.py").write_text(MODULE % BLOCKS)
    project = make_project(
        database_url=postgres_url,
        broker_url=valkey.url,
        redis_url=valkey.database_url(1),
        celery={"imports": ["documented"]},
        environment={"PYTHONPATH": str(tmp_path), "RESULT_URL": valkey.database_url(2)},
    )

    assert project.python(TWICE) == ["paid", "refused", "returned", 1]

    project.worker(concurrency=1)
    with Celery(broker=valkey.url, backend=valkey.database_url(2), set_as_current=False) as app:

        def result(number: int, task: str, *args: int) -> object:
            sent = app.send_task(f"redrive.documented{number}.{task}", args)
            found = AsyncResult(sent.id, app=app)
            wait_until(found.ready, 60, project.logs)
            return found.get(timeout=5)

        assert result(0, "charge", 1, 10) is None
        assert [result(1, "charge", 1, 10) for _ in range(2)] == [None, None]
        assert len(project.runs("send_money", "order 1")) == 1
        orders = "SELECT status, label, fence > 0 AS fenced FROM redrive_order"
        assert result(3, "ship", 1) is None
        assert project.query(orders) == [{"status": "shipped", "label": "label 1", "fenced": True}]
        project.query("INSERT INTO redrive_order VALUES (2, 'returned', '', 9000000000000000000)")
        assert result(3, "ship", 2) == "a later run was here"
        assert project.query(f"{orders} WHERE id = 2") == [
            {"status": "returned", "label": "", "fenced": True}
        ]
