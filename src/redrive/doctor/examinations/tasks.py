"""The project's tasks: which of them Redrive reaches, and which declarations do not fit together."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import Away, Facts
from redrive.doctor.types import Examination, Finding, info, ok, warning
from redrive.doctor.wording import counted, names


def coverage(facts: Facts) -> Iterator[Finding]:
    """Tasks whose failures Redrive can only record, because its wrapper is not around their bodies."""
    if isinstance(facts.celery, Away):
        return
    if not facts.celery.is_redrive_task:
        yield warning(
            "tasks.task-class",
            f"The app's tasks derive from {facts.celery.task_class}, not from RedriveTask.",
            "Redrive records their failures and cannot retry them, hold them in an outage or bound their retries.",
            'Write Celery("yourproject", task_cls="redrive.celery:RedriveTask").',
        )
    uncovered = [task.name for task in facts.tasks if not task.covered]
    if uncovered:
        yield warning(
            "tasks.uncovered",
            f"{len(uncovered)} of {counted(len(facts.tasks), 'task')} not covered: {names(uncovered)}.",
            "Their failures are recorded; they are never retried by Redrive, and no breaker holds them.",
            "Derive their base class from redrive.celery.RedriveTask, or name them in"
            f' REDRIVE = {{"TASK_PATTERNS": {{"{uncovered[0]}": {{}}}}}}.',
        )
    elif facts.tasks:
        yield ok("tasks.uncovered", f"All {counted(len(facts.tasks), 'task')} covered.")
    else:
        yield warning(
            "tasks.none",
            "The app has no tasks.",
            "Tasks that this process does not import cannot be examined, and a worker refuses them.",
            "Call app.autodiscover_tasks() in the module of your app, or set CELERY_IMPORTS.",
        )


def unsafe_redelivery(facts: Facts) -> Iterator[Finding]:
    """acks_late means "may run twice"; the task should say that it can stand it."""
    found = [task.name for task in facts.tasks if task.acks_late and not (task.idempotent or task.retry_safe)]
    if found:
        yield warning(
            "tasks.late-ack-unsafe",
            f"{counted(len(found), 'task')} with acks_late and without a word about running twice: {names(found)}.",
            "When a worker is killed their messages come back and run again from the start.",
            "Make them IdempotentTask, or declare redrive=Options(retry_safe=True) if running twice does no harm;"
            " else take acks_late away.",
        )


def requeue(facts: Facts) -> Iterator[Finding]:
    """What goes back to the queue without anybody counting, or does not go back at all."""
    requeued = [task.name for task in facts.tasks if task.reject_on_worker_lost and task.acks_late]
    if requeued and facts.project.redelivery_cap is None:
        yield warning(
            "tasks.requeue-uncapped",
            f"{counted(len(requeued), 'task')} with reject_on_worker_lost and no cap: {names(requeued)}.",
            "One that kills its process (memory, a crash) goes back to the queue and kills the next, without end.",
            "Set reject_on_worker_lost=False (CELERY_TASK_REJECT_ON_WORKER_LOST): a lost child is then recorded, and"
            " retried as often as its policy allows.",
        )
    useless = [task.name for task in facts.tasks if task.reject_on_worker_lost and not task.acks_late]
    if useless:
        yield info(
            "tasks.requeue-without-late-ack",
            f"{counted(len(useless), 'task')} with reject_on_worker_lost but without acks_late: {names(useless)}.",
            "It does nothing there: the message was acknowledged before the task ran.",
            "Set acks_late=True as well, or leave reject_on_worker_lost out.",
        )
    lost = [task.name for task in facts.tasks if task.rejects_with_requeue and not task.acks_late]
    if lost:
        yield warning(
            "tasks.reject-lost",
            f"{counted(len(lost), 'task')} whose body rejects with requeue but acknowledges early: {names(lost)}.",
            "Celery drops such a message silently: nothing is requeued, no failure is told, nothing can be recorded.",
            "Set acks_late=True on them, or use self.retry().",
        )


def unseen_results(facts: Facts) -> Iterator[Finding]:
    """Without results nobody but Redrive knows how a task stands."""
    if isinstance(facts.celery, Away) or not facts.tasks:
        return
    means = (
        "AsyncResult says PENDING whatever happened, chords cannot be used, and of a child that died right after its"
        " task was done Redrive cannot tell that it was done."
    )
    ignoring = [task.name for task in facts.tasks if task.ignore_result]
    if facts.celery.result_backend is None:
        yield info(
            "tasks.results-unseen",
            "There is no result backend.",
            means,
            "Set CELERY_RESULT_BACKEND if you need results; Redrive's own records need none.",
        )
    elif ignoring:
        yield info(
            "tasks.results-unseen",
            f"{counted(len(ignoring), 'task')} with ignore_result: {names(ignoring)}.",
            means,
            "Take ignore_result away where results matter.",
        )
    else:
        yield ok("tasks.results-unseen", f"Results are kept in {facts.celery.result_backend}.")


def schedule(facts: Facts) -> Iterator[Finding]:
    """Beat entries of tasks that no worker of this code knows."""
    if isinstance(facts.celery, Away):
        return
    if facts.celery.schedule_unread:
        yield info(
            "tasks.schedule-unread",
            f"The schedule in the database could not be read: {facts.celery.schedule_unread}",
            "Whether its tasks exist is not known.",
            "Type: manage.py migrate django_celery_beat",
        )
    known = {task.name for task in facts.tasks}
    strange = [
        one for one in facts.celery.schedule if one.task not in known and not one.task.startswith("celery.")
    ]
    if strange:
        listed = names([f"{one.entry} ({one.task})" for one in strange])
        yield warning(
            "tasks.schedule-unregistered",
            f"{counted(len(strange), 'entry', 'entries')} of the beat schedule whose task does not exist: {listed}.",
            "A worker rejects each such message; the work is never done.",
            "Correct the task's name in the schedule, or import its module where the app is made.",
        )
    elif facts.celery.schedule:
        count = counted(len(facts.celery.schedule), "entry", "entries")
        yield ok("tasks.schedule-unregistered", f"{count} of the beat schedule, all of tasks that exist.")


EXAMINATIONS = (
    Examination(("tasks.task-class", "tasks.uncovered", "tasks.none"), coverage),
    Examination(("tasks.late-ack-unsafe",), unsafe_redelivery),
    Examination(("tasks.requeue-uncapped", "tasks.requeue-without-late-ack", "tasks.reject-lost"), requeue),
    Examination(("tasks.results-unseen",), unseen_results),
    Examination(("tasks.schedule-unread", "tasks.schedule-unregistered"), schedule),
)
