"""Workers and keepers: who is there, and how they are set up."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import Away, BrokerFacts, DatabaseFacts, Facts
from redrive.doctor.types import Examination, Finding, error, info, ok, warning
from redrive.doctor.wording import counted, names, seconds

UNLIMITED_POOLS = ("threads", "solo")
"""Pools that enforce no time limit (measured)."""
TIERS = {"prefork": "", "threads": "smoke-tested", "solo": "smoke-tested", "gevent": "smoke-tested"}
"""Pools that the tests run; the empty one is proven fully."""
LONG_SECONDS = 300.0
"""From this hard limit on a task counts as long for prefetching."""


def presence(facts: Facts) -> Iterator[Finding]:
    """Workers that answered over the broker."""
    if isinstance(facts.broker, Away):
        return
    if facts.broker.workers_unasked:
        yield info(
            "workers.none",
            f"The workers could not be asked: {facts.broker.workers_unasked}",
            "Their pools, queues and settings are not examined; what follows is read from this process's settings.",
            "Allow remote control (CELERY_WORKER_ENABLE_REMOTE_CONTROL), or look at the workers' logs.",
        )
    elif not facts.workers:
        yield warning(
            "workers.none",
            "No worker answered within a second.",
            "Nothing runs now, unless workers are there without remote control or too busy to answer.",
            "Start one: celery -A yourproject worker",
        )
    else:
        listed = names([f"{one.name} ({one.pool}, {one.concurrency})" for one in facts.workers])
        yield ok("workers.none", f"{counted(len(facts.workers), 'worker')}: {listed}.")


def keeper(facts: Facts) -> Iterator[Finding]:
    """Whether anybody sends what is due."""
    database = facts.database
    if isinstance(database, Away) or database.backlog is None or facts.project.mode == "off":
        return
    if database.keeper_seen is not None and database.keeper_seen > 0:
        yield ok("keeper.none", "A keeper is at work.")
        return
    seen = (
        "No keeper has ever been here."
        if database.keeper_seen is None
        else f"No keeper is at work; the last one was here {seconds(-database.keeper_seen)} ago or longer."
    )
    means = (
        "Tasks that wait for a retry are not sent, the spill is not drained, lost workers are not noticed."
    )
    if facts.project.start_with_worker:
        remedy = "Workers start one beside them: start a worker, and look in its log for 'redrive: keeper'."
    else:
        remedy = "KEEPER START_WITH_WORKER is False, so run one yourself: manage.py redrive keeper"
    waiting = bool(facts.workers or database.backlog.overdue)
    yield (error if waiting else warning)("keeper.none", seen, means, remedy)


def vouched(facts: Facts) -> Iterator[Finding]:
    """Workers that no keeper vouches for: their deaths would go unnoticed."""
    database = facts.database
    if isinstance(database, Away) or database.backlog is None or facts.project.mode == "off":
        return
    alone = [one.name for one in facts.workers if one.name not in database.vouched]
    if alone:
        yield warning(
            "keeper.unvouched",
            f"{counted(len(alone), 'worker')} that no keeper vouches for: {names(alone)}.",
            "If one is killed, the retries it was running are not noticed and wait until somebody looks.",
            "Restart them with this release of the code, and leave KEEPER START_WITH_WORKER at its default."
            " Right after a start this is normal for a few seconds.",
        )


def _pools(facts: Facts) -> dict[str, list[str]]:
    """Pool -> workers that use it; as set, where no worker answered."""
    found: dict[str, list[str]] = {}
    for worker in facts.workers:
        found.setdefault(worker.pool, []).append(worker.name)
    if not found and not isinstance(facts.celery, Away):
        found[facts.celery.pool] = ["worker_pool"]
    return found


def pools(facts: Facts) -> Iterator[Finding]:
    """Pools without time limits, and pools that are less tested or not at all."""
    limited = [task.name for task in facts.tasks if task.time_limit]
    for pool, users in _pools(facts).items():
        if pool in UNLIMITED_POOLS and limited:
            yield warning(
                "workers.no-time-limits",
                f"The pool {pool} ({names(users)}) enforces no time limits;"
                f" {counted(len(limited), 'task')} with one: {names(limited)}.",
                "A task that hangs holds its slot for ever, and its claim with it.",
                "Use the prefork pool for them, or put timeouts on every call inside the tasks.",
            )
        if pool not in TIERS:
            yield warning(
                "workers.pool",
                f"The pool {pool} ({names(users)}) is not tested.",
                "Failures may be missed or recorded with less than is known.",
                "Use --pool prefork.",
            )
        elif TIERS[pool]:
            yield info(
                "workers.pool",
                f"The pool {pool} ({names(users)}) is smoke-tested, not proven.",
                "A lost process takes the whole worker with it: no signal tells what it was running.",
                "Use --pool prefork where tasks matter.",
            )


def time_limits(facts: Facts) -> Iterator[Finding]:
    """Tasks that may hang for ever."""
    unlimited = [task.name for task in facts.tasks if task.time_limit is None]
    if not facts.tasks:
        return
    if not unlimited:
        yield ok("workers.time-limits", "Every task has a hard time limit.")
        return
    claims = [task.name for task in facts.tasks if task.idempotent and task.time_limit is None]
    on_sqlite = isinstance(facts.database, DatabaseFacts) and facts.database.vendor == "sqlite"
    make = warning if claims and on_sqlite and not facts.project.has_redis_url else info
    where = f" Claims are in SQLite: {names(claims)} may hold theirs that long." if make is warning else ""
    yield make(
        "workers.time-limits",
        f"{len(unlimited)} of {counted(len(facts.tasks), 'task')} without a hard time limit: {names(unlimited)}.",
        f"One that hangs is never ended: it holds a slot of its worker and, if idempotent, every duplicate.{where}",
        "Set CELERY_TASK_TIME_LIMIT = 3600 (seconds), and time_limit= on tasks that need more or less.",
    )


def prefetch(facts: Facts) -> Iterator[Finding]:
    """Messages that sit in a busy worker while another one is idle."""
    if isinstance(facts.celery, Away):
        return
    found = {one.prefetch_multiplier for one in facts.workers} or {facts.celery.prefetch_multiplier}
    longest = max((task.time_limit or 0.0 for task in facts.tasks), default=0.0)
    if 0 in found:
        yield warning(
            "workers.prefetch",
            "worker_prefetch_multiplier is 0: a worker takes every message there is.",
            "Other workers stay idle, priorities have no effect, and a killed worker returns all of them late.",
            "Set CELERY_WORKER_PREFETCH_MULTIPLIER = 1.",
        )
    elif max(found) > 1 and longest >= LONG_SECONDS:
        yield info(
            "workers.prefetch",
            f"worker_prefetch_multiplier is {max(found)}, and tasks may run {seconds(longest)}.",
            "Up to that many messages per process wait behind a long task, past overtaking by urgent ones.",
            "Set CELERY_WORKER_PREFETCH_MULTIPLIER = 1 on workers with long tasks.",
        )


def connections(facts: Facts) -> Iterator[Finding]:
    """Each pool child and each keeper may hold one connection of Redrive's own beside the host's."""
    database, celery = facts.database, facts.celery
    if isinstance(database, Away) or database.connection_limit is None or isinstance(celery, Away):
        return
    free = database.connection_limit - database.connections_used
    if facts.workers:
        needed = sum(one.concurrency + 1 for one in facts.workers)
        who = f"the pool processes and keepers of {counted(len(facts.workers), 'worker')}"
    else:
        needed = celery.concurrency + 1
        who = f"a worker with {counted(celery.concurrency, 'pool process', 'pool processes')} and its keeper"
    saw = (
        f"Redrive needs up to {counted(needed, 'connection')} of its own ({who}); {free} of"
        f" {database.connection_limit} are free, without those it holds."
    )
    if needed > free:
        yield warning(
            "database.connections",
            saw,
            "When many tasks fail at once the database refuses connections: Redrive's endings go to the spill, and the"
            " host's own tasks may fail.",
            "Raise max_connections, lower worker_concurrency, or put a pooler in session mode before the database.",
        )
    else:
        yield ok("database.connections", saw)


def level_queues(facts: Facts) -> Iterator[Finding]:
    """Queues of our priority levels that no worker reads: what is retried with that level waits for ever."""
    if not isinstance(facts.broker, BrokerFacts) or not facts.workers:
        return
    read = {queue for worker in facts.workers for queue in worker.queues}
    missing: dict[str, list[str]] = {}
    for level, queue in facts.project.level_queues.items():
        if queue not in read:
            missing.setdefault(queue, []).append(level)
    if missing:
        listed = names([f"{queue} ({', '.join(levels)})" for queue, levels in missing.items()])
        yield warning(
            "queues.level-unread",
            f"{counted(len(missing), 'queue')} of priority levels that no worker reads: {listed}.",
            "A task that is retried with such a priority, or requeued by priority_service, is sent there and waits.",
            f"Start a worker with -Q {','.join(missing)}, or map the levels to your queues with"
            ' REDRIVE = {"QUEUES": {"CRITICAL": "celery", ...}}.',
        )
    else:
        yield ok("queues.level-unread", "Every priority level has a queue that a worker reads.")


EXAMINATIONS = (
    Examination(("workers.none",), presence),
    Examination(("keeper.none",), keeper),
    Examination(("keeper.unvouched",), vouched),
    Examination(("workers.no-time-limits", "workers.pool"), pools),
    Examination(("workers.time-limits",), time_limits),
    Examination(("workers.prefetch",), prefetch),
    Examination(("database.connections",), connections),
    Examination(("queues.level-unread",), level_queues),
)
