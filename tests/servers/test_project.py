"""The test project runs real workers on every broker and database of the matrix; here without Redrive in it."""

from collections.abc import Callable
from pathlib import Path

from tests.servers import RabbitServer, ValkeyServer
from tests.servers.django_project import Project

PLAIN = {"PLAIN": "1"}


def test_worker_runs_a_task_on_each_broker(
    make_project: Callable[..., Project], sqlite_url: str, broker_url: str
) -> None:
    project = make_project(database_url=sqlite_url, broker_url=broker_url, environment=PLAIN)
    worker = project.worker()

    task_id = project.send("shop.tasks.succeed", "one")

    project.wait_for_runs(1, "succeed", "one")
    assert project.runs("succeed")[0]["task_id"] == task_id
    assert len(worker.children()) == 2
    assert project.runs("succeed")[0]["pid"] in worker.children()


def test_worker_runs_a_task_on_each_database(
    make_project: Callable[..., Project], database_url: str, valkey: ValkeyServer
) -> None:
    project = make_project(database_url=database_url, broker_url=valkey.url, environment=PLAIN)
    project.worker()

    project.send("shop.tasks.add_payment", "one")

    rows = project.wait_for_rows("SELECT name, paid_times FROM shop_order WHERE name = %s", "one")
    assert rows == [{"name": "one", "paid_times": 1}]


def test_killed_worker_comes_back_for_a_message_it_had_not_acknowledged(
    make_project: Callable[..., Project], sqlite_url: str, rabbitmq: RabbitServer, tmp_path: Path
) -> None:
    url = rabbitmq.create_virtual_host()
    project = make_project(database_url=sqlite_url, broker_url=url, environment=PLAIN)
    worker = project.worker()
    go = tmp_path / "go"
    project.send("shop.tasks.wait_late", "one", str(go))
    project.wait_for_runs(1, "wait_late", "one")

    worker.kill()
    go.touch()
    worker.start()

    project.wait_for_runs(2, "wait_late", "one")
    assert [run["redelivered"] for run in project.runs("wait_late")] == [False, True]
