"""What the project's app and its tasks say about themselves."""

from __future__ import annotations

from celery import Celery
from celery.exceptions import Reject
from django.test import override_settings

from redrive.celery import IdempotentTask, Options, RedriveTask
from redrive.doctor.facts import Scheduled
from redrive.doctor.probes.celery_app import celery_facts


def test_tasks_are_read_as_they_are_declared() -> None:
    app = Celery("shop", task_cls=RedriveTask, broker="memory://", set_as_current=False)
    app.conf.update(
        task_time_limit=90, worker_concurrency=3, beat_schedule={"nightly": {"task": "shop.clean"}}
    )

    @app.task(shared=False, name="shop.pay", base=IdempotentTask, acks_late=True, time_limit=30)
    def pay() -> None: ...

    @app.task(
        shared=False,
        name="shop.mail",
        redrive=Options(retry_safe=True),
        reject_on_worker_lost=True,
        ignore_result=True,
    )
    def mail() -> None: ...

    @app.task(shared=False, name="shop.gone")
    def gone() -> None:
        raise Reject("later", requeue=True)

    @app.task(shared=False, name="shop.refused")
    def refused() -> None:
        raise Reject("never", requeue=False)

    facts = celery_facts(app)

    tasks = {task.name: task for task in facts.tasks}
    assert sorted(tasks) == ["shop.gone", "shop.mail", "shop.pay", "shop.refused"]
    assert (facts.is_redrive_task, facts.concurrency, facts.result_backend) == (True, 3, None)
    assert facts.schedule == (Scheduled(entry="nightly", task="shop.clean"),)
    assert (tasks["shop.pay"].idempotent, tasks["shop.pay"].acks_late) == (True, True)
    assert (tasks["shop.pay"].time_limit, tasks["shop.mail"].time_limit) == (30.0, 90.0)
    assert (tasks["shop.mail"].retry_safe, tasks["shop.mail"].idempotent) == (True, False)
    assert (tasks["shop.mail"].reject_on_worker_lost, tasks["shop.mail"].ignore_result) == (True, True)
    assert [name for name, task in tasks.items() if task.rejects_with_requeue] == ["shop.gone"]
    assert all(task.covered for task in tasks.values())


def test_task_of_another_base_class_is_covered_by_a_pattern_only() -> None:
    app = Celery("shop", broker="memory://", backend="rediss://somewhere", set_as_current=False)

    @app.task(shared=False, name="shop.pay")
    def pay() -> None: ...

    @app.task(shared=False, name="shop.mail")
    def mail() -> None: ...

    with override_settings(REDRIVE={"TASK_PATTERNS": {"shop.m*": {"retry_safe": True}}}):
        facts = celery_facts(app)

    assert (facts.is_redrive_task, facts.task_class) == (
        False,
        "celery.contrib.django.task.DjangoTask",
    )
    assert facts.result_backend == "redis"
    assert {task.name: (task.covered, task.retry_safe) for task in facts.tasks} == {
        "shop.mail": (True, True),
        "shop.pay": (False, False),
    }
