"""Settings, versions, the mode, and the Celery app as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import Away, Facts
from redrive.doctor.types import Examination, Finding, error, info, ok, warning
from redrive.doctor.wording import version

PROVEN = {
    "Python": ((3, 11), (3, 13)),
    "Django": ((5, 2), (6, 99)),
    "Celery": ((5, 5), (5, 7)),
}
"""Oldest and newest release of each that the test matrix covers."""


def checks(facts: Facts) -> Iterator[Finding]:
    """Redrive's own system checks, so that a pipeline needs one command."""
    for check in facts.project.checks:
        make = error if check.is_error else warning
        yield make(
            "project.check",
            f"{check.id}: {check.message}",
            "Redrive's part of the settings is not as meant; defaults are in force where it cannot be used.",
            check.hint,
        )
    if not facts.project.checks:
        yield ok("project.check", "Redrive's system checks have nothing to say.")


def versions(facts: Facts) -> Iterator[Finding]:
    """Releases outside what the tests run on."""
    found = {"Python": facts.project.python, "Django": facts.project.django, "Celery": facts.project.celery}
    strange = []
    for name, seen in found.items():
        oldest, newest = PROVEN[name]
        if not oldest <= seen <= newest:
            strange.append(name)
            upper = f"{newest[0]}.x" if newest[1] == 99 else version(newest)
            yield (error if seen < oldest else warning)(
                "project.versions",
                f"{name} {version(seen)}; Redrive is proven on {version(oldest)} to {upper}.",
                "Endings of tasks may be told apart differently by this release than Redrive expects.",
                f"Use {name} {version(oldest)} to {upper}, or run Redrive's tests on yours.",
            )
    if not strange:
        yield ok("project.versions", ", ".join(f"{name} {version(seen)}" for name, seen in found.items()))


def debug(facts: Facts) -> Iterator[Finding]:
    """DEBUG in a worker."""
    if facts.project.debug:
        yield warning(
            "project.debug",
            "DEBUG is True.",
            "Workers keep every SQL statement in memory, and error pages show settings to everybody.",
            "Set DEBUG = False where this is production.",
        )


def mode(facts: Facts) -> Iterator[Finding]:
    """Off, observe, or switched on this machine only."""
    now, set_to = facts.project.mode, facts.project.mode_set
    if now == "off":
        yield warning(
            "project.mode",
            "The mode is off.",
            "Failures are not recorded, nothing is retried, and what waits stays where it is.",
            "Type: manage.py redrive mode on" if set_to == "off" else "Type: manage.py redrive mode default",
        )
    elif now == "observe":
        yield info(
            "project.mode",
            "The mode is observe.",
            "Failures are recorded and Redrive says what it would have done; Celery alone decides what runs again.",
            "When the records look right, type: manage.py redrive mode on",
        )
    else:
        yield ok("project.mode", "The mode is on.")
    if now != set_to:
        yield info(
            "project.mode-switched",
            f"The mode is {now} on this machine; REDRIVE['MODE'] says {set_to}.",
            "The switch holds for this machine only; workers on others may do otherwise.",
            "Type the same there, or end it here: manage.py redrive mode default",
        )


def auto_retry(facts: Facts) -> Iterator[Finding]:
    """Retrying everything, or nothing."""
    if facts.project.auto_retry == "all":
        yield info(
            "project.auto-retry",
            "REDRIVE['AUTO_RETRY'] is 'all'.",
            "Every task may run again after a transient failure, also those that nobody declared safe to run twice.",
            "Declare the safe ones (redrive=Options(retry_safe=True)) and go back to 'declared'.",
        )
    elif facts.project.auto_retry == "off":
        yield info(
            "project.auto-retry",
            "REDRIVE['AUTO_RETRY'] is 'off'.",
            "Every failure waits for a person, also of tasks that are declared safe to run again.",
            "Leave AUTO_RETRY out for the default, 'declared'.",
        )


def celery_app(facts: Facts) -> Iterator[Finding]:
    """Whether commands and keepers find the project's app, and what its tasks derive from."""
    celery = facts.celery
    if isinstance(celery, Away):
        yield error(
            "celery.app",
            f"The Celery app cannot be loaded: {celery.reason}",
            "No keeper can send anything: tasks that wait for a retry wait for ever.",
            'Set REDRIVE = {"CELERY_APP": "yourproject.celery:app"}; without an app, see what that module raises.',
        )
        return
    yield ok("celery.app", f"The Celery app {celery.name!r} with {len(celery.tasks)} tasks.")
    if celery.always_eager:
        yield warning(
            "celery.eager",
            "task_always_eager is True.",
            "Tasks run inside whoever calls them: none is queued, retried later or sent again.",
            "Leave CELERY_TASK_ALWAYS_EAGER out except in tests.",
        )
    uses_redis = "redis" in (celery.broker_scheme, celery.result_backend)
    if uses_redis and not facts.project.has_packaging:
        yield error(
            "celery.redis-packaging",
            "Redis is used, and the package 'packaging', which its transport imports, is not installed.",
            "Workers and publishers fail as soon as they connect.",
            "Type: pip install 'celery[redis]'",
        )


EXAMINATIONS = (
    Examination(("project.check",), checks),
    Examination(("project.versions",), versions),
    Examination(("project.debug",), debug),
    Examination(("project.mode", "project.mode-switched"), mode),
    Examination(("project.auto-retry",), auto_retry),
    Examination(("celery.app", "celery.eager", "celery.redis-packaging"), celery_app),
)
