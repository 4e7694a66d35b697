"""Every way a task can end: what is expected to be recorded, what is seen, side by side.

The rows are those of Celery's endings as a worker with a prefork pool shows them. A case sends one message; `look`
reads what the project then knows of it. :func:`run` needs a project on any broker; :func:`printed` makes the table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from celery import Celery
from kombu import Connection, Queue

from tests.servers.django_project import Project
from tests.waiting import wait_until

MAIN, DOOMED, MEMORY, RESULTS = "celery", "doomed", "memory", "results"
"""Queues, each with a worker of its own: for what does not harm it, for what is running when it is killed, for what
ends it, for results that nobody can store."""

CELERY: Mapping[str, Any] = {
    "imports": ["shop.endings"],
    "worker_prefetch_multiplier": 1,
    "broker_transport_options": {
        "visibility_timeout": 15,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    },
}
"""Celery settings of the project: what Redis gives back, it gives back soon. RabbitMQ takes them for nothing."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One message and what it must leave.

    `expected` reads "STATUS TYPE Exception source" (TYPE may be `*`), with " xN" where more than one attempt is
    recorded; or "nothing" with the runs of the body, or "counted as ignored".
    """

    row: str
    how: str
    expected: str
    task: str = ""
    args: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    queue: str = MAIN
    on_rabbitmq: str = ""
    """What is expected there instead."""
    says: str = ""
    """Words that the record's decision or message must hold."""
    raw: tuple[bytes, dict[str, Any], str] | None = None
    """Body, headers and content type of a message that no Celery would send."""

    @property
    def label(self) -> str:
        """What tells its message apart; the first argument where there are arguments."""
        return f"row {self.row}"


def _raw(row: str, body: bytes | None = None, content_type: str = "application/json", **headers: Any) -> Any:
    """A message with the headers of protocol 2, but for what is said; None leaves a header out."""
    label = f"row {row}"
    good = {"task": "shop.tasks.succeed", "id": label, "lang": "py", "retries": 0}
    kept = {name: value for name, value in {**good, **headers}.items() if value is not None}
    return (json.dumps([[label], {}, {}]).encode() if body is None else body, kept, content_type)


LOST = "WorkerLostError"
_EXPIRED = {"expires": datetime.now(UTC) - timedelta(minutes=1)}

CASES: tuple[Case, ...] = (
    Case(row="1a", how="exception in the body", task="tasks.invalid_input", expected="PENDING PERMANENT_VALIDATION ValueError wrapper"),
    Case(row="1b", how="wrong arguments", task="tasks.invalid_input", args=(1, 2), expected="PENDING PERMANENT_LOGIC TypeError wrapper"),
    Case(row="1c", how="before_start raises", task="endings.before_start_raises", expected="PENDING * LookupError task_failure"),
    Case(row="1d", how="result cannot be serialized", task="tasks.unserializable_result", expected="PENDING PERMANENT_LOGIC EncodeError task_failure", says="Its body had run to the end"),
    Case(row="1e", how="exception that cannot be pickled", task="tasks.unpicklable_error", expected="PENDING * TwoArguments wrapper"),
    Case(row="1f", how="the same under a base class of its own", task="tasks.own_base_class", expected="PENDING PERMANENT_VALIDATION ValueError task_failure"),
    Case(row="2", how="soft time limit", task="tasks.soft_limit", expected="PENDING EXTERNAL_TIMEOUT SoftTimeLimitExceeded wrapper"),
    Case(row="3a", how="retry() by hand, then success", task="tasks.retry_by_hand", args=(1,), expected="RESOLVED TRANSIENT_NETWORK ConnectionRefusedError retry,postrun x2"),
    Case(row="3b", how="autoretry, then success", task="tasks.autoretry", args=(1,), expected="RESOLVED TRANSIENT_NETWORK ConnectionRefusedError retry,postrun x2"),
    Case(row="4a", how="retries used up, retry() without exc", task="endings.retries_without_exc", expected="PENDING TRANSIENT_NETWORK MaxRetriesExceededError wrapper"),
    Case(row="4b", how="the same under a base class of its own", task="endings.own_retries_without_exc", expected="PENDING TRANSIENT_NETWORK MaxRetriesExceededError task_failure"),
    Case(row="5", how="retries used up, retry(exc=e)", task="endings.retries_with_exc", expected="PENDING TRANSIENT_NETWORK ConnectionRefusedError wrapper"),
    Case(row="6a", how="retry() while the broker is away", task="endings.retry_without_broker", expected="RESOLVED TRANSIENT_NETWORK ConnectionRefusedError retry,postrun x2"),
    Case(row="6b", how="the same under a base class of its own", task="endings.own_retry_without_broker", expected="PENDING TRANSIENT_NETWORK Reject postrun"),
    Case(row="7", how="Reject(requeue=False)", task="tasks.rejected", expected="PENDING * Reject postrun"),
    Case(row="8", how="Reject(requeue=True) five times, acks_late", task="endings.requeues_itself", args=(5,), expected="nothing, 6 runs"),
    Case(row="9", how="Reject(requeue=True), early ack", task="tasks.rejected_with_requeue_after_ack", expected="PENDING * Reject postrun", says="acknowledged the message before"),
    Case(row="10", how="Ignore", task="endings.gives_up", expected="counted as ignored"),
    Case(row="11a", how="hard time limit", task="tasks.hard_limit", expected="PENDING EXTERNAL_TIMEOUT TimeLimitExceeded main"),
    Case(row="11b", how="hard time limit, acks_late", task="endings.hard_limit_late", expected="PENDING EXTERNAL_TIMEOUT TimeLimitExceeded main"),
    Case(row="12a", how="child killed by SIGKILL", task="tasks.killed", expected=f"PENDING SYSTEM_OUT_OF_MEMORY {LOST} main", says="killed by signal 9, without a traceback; "),
    Case(row="12b", how="os._exit in the body", task="endings.leaves_by_os_exit", expected=f"PENDING SYSTEM_WORKER_LOST {LOST} main", says="exitcode 7"),
    Case(row="12c", how="segmentation fault", task="endings.segfaults", expected=f"PENDING SYSTEM_WORKER_LOST {LOST} main", says="signal 11"),
    Case(row="13a", how="child killed, acks_late, requeued: for ever", task="tasks.killed_and_requeued", expected="PENDING SYSTEM_WORKER_LOST PoisonMessage wrapper", says="delivered 4 times"),
    Case(row="13b", how="the same under a base class of its own", task="endings.own_killed_and_requeued", expected="PENDING SYSTEM_WORKER_LOST PoisonMessage task_failure", says="delivered 4 times"),
    Case(row="14a", how="child killed, sent again by Celery, succeeds", task="endings.killed_and_sent_again", args=(1,), expected=f"RESOLVED SYSTEM_OUT_OF_MEMORY {LOST} task_retry,postrun x2"),
    Case(row="14b", how="the same, used up", task="endings.killed_and_sent_again", args=(9,), expected=f"PENDING SYSTEM_OUT_OF_MEMORY {LOST} task_retry,main x2"),
    Case(row="15a", how="sys.exit()", task="tasks.exits", expected=f"PENDING SYSTEM_WORKER_LOST {LOST} main"),
    Case(row="15b", how="KeyboardInterrupt", task="endings.interrupts", expected=f"PENDING SYSTEM_WORKER_LOST {LOST} main"),
    Case(row="16", how="another BaseException", task="tasks.base_exception", expected="PENDING * NotAnException main"),
    Case(row="17", how="MemoryError: Celery's main process ends", task="endings.memory_error", queue=MEMORY, expected="PENDING SYSTEM_OUT_OF_MEMORY MemoryError wrapper"),
    Case(row="18a", how="on_failure raises", task="endings.on_failure_raises", expected="PENDING PERMANENT_VALIDATION ValueError wrapper"),
    Case(row="18b", how="the same under a base class of its own", task="endings.own_on_failure_raises", expected="PENDING PERMANENT_VALIDATION ValueError internal_error"),
    Case(row="19", how="kwargs that are no mapping", raw=_raw("19", b'[["row 19"], ["no mapping"], {}]'), expected="PENDING * * internal_error"),
    Case(row="20", how="task that is not registered", raw=_raw("20", task="shop.tasks.gone"), expected="PENDING PERMANENT_LOGIC NotRegistered task_unknown"),
    Case(row="21a", how="content type that is not accepted", raw=_raw("21a", b"\x80\x04N.", "application/x-python-serialize"), expected="PENDING * ContentDisallowed task_rejected"),
    Case(row="21b", how="ETA that is no time", raw=_raw("21b", eta="tomorrow"), expected="PENDING * InvalidTaskError task_rejected"),
    Case(row="21c", how="no task name", raw=_raw("21c", task=None), expected="PENDING * InvalidTaskError task_rejected"),
    Case(row="22", how="body that is no JSON", raw=_raw("22", b"{not json"), expected="PENDING * DecodeError decode_error"),
    Case(row="23", how="message without an id", raw=_raw("23", id=None), expected="PENDING * InvalidTaskError guard"),
    Case(row="24", how="body that is no triple", raw=_raw("24", b'{"x": 1}'), expected="PENDING * InvalidTaskError guard"),
    Case(row="25a", how="expired before it started", raw=_raw("25a", task="shop.tasks.expires_soon", expires="2020-01-01T00:00:00+00:00"), expected="PENDING UNKNOWN TaskRevokedError revoked", says="expired before it started"),
    Case(row="25c", how="expired in its queue", task="tasks.expires_soon", options=_EXPIRED, expected="PENDING UNKNOWN TaskRevokedError revoked", on_rabbitmq="nothing, 0 runs"),
    Case(row="25b", how="revoked before it started", task="tasks.mark", options={"task_id": "revoked early"}, expected="ABANDONED UNKNOWN TaskRevokedError revoked"),
    Case(row="26", how="terminated while it ran", task="tasks.wait_then_succeed", args=("/nonexistent",), options={"task_id": "terminated"}, expected="ABANDONED UNKNOWN TaskRevokedError revoked", says="revoked while it ran"),
    Case(row="27a", how="worker killed, early ack, in the ledger", task="endings.wait_ledgered", args=("gate",), queue=DOOMED, expected=f"PENDING SYSTEM_WORKER_LOST {LOST} reaper"),
    Case(row="27b", how="worker killed, early ack, not in the ledger", task="tasks.wait_then_succeed", args=("gate",), queue=DOOMED, expected="nothing, 1 run"),
    Case(row="28a", how="worker killed, acks_late, running", task="tasks.wait_late", args=("gate",), queue=DOOMED, expected="nothing, 2 runs"),
    Case(row="28b", how="worker killed, prefetched", task="tasks.mark", queue=DOOMED, expected="nothing, 1 run"),
    Case(row="29a", how="on_success raises", task="endings.on_success_raises", expected="PENDING * RuntimeError hook", says="Its body had run to the end"),
    Case(row="29b", how="after_return raises", task="endings.after_return_raises", expected="PENDING * RuntimeError hook", says="Its body had run to the end"),
    Case(row="30", how="result backend away after the body", task="tasks.succeed", queue=RESULTS, expected="PENDING * ConnectionError internal_error", says="only its result is lost"),
    Case(row="31", how="receivers of the host raise", task="endings.receivers_raise", expected="PENDING PERMANENT_VALIDATION ValueError wrapper"),
)  # fmt: skip

CANNOT_BE_CAUGHT: Mapping[str, str] = {
    "25c": "on RabbitMQ, which drops what expires in a queue itself: no worker ever sees it (a dead-letter exchange would)",
    "27b": "Celery had acknowledged the message, and every process that knew of the task was killed at once; only the"
    " ledger or acks_late leaves a trace of it elsewhere",
}
"""Rows without a record that have lost something, and why."""


@dataclass(frozen=True)
class Seen:
    """A case, what was expected on this broker, and what was seen."""

    case: Case
    expected: str
    seen: str

    @property
    def as_expected(self) -> bool:
        """Whether each word is the expected one, or anything where that is `*`."""
        wanted, found = self.expected.split(), self.seen.split()
        return len(wanted) == len(found) and all(a in ("*", b) for a, b in zip(wanted, found, strict=True))


def settings(project_directory: Path) -> dict[str, str]:
    """Environment of the project: results in files, so that it needs no further server."""
    results = project_directory / "results"
    results.mkdir()
    return {"RESULT_URL": f"file://{results}"}


def run(project: Project, seconds: float = 100) -> list[Seen]:
    """Send every case, do to the workers what the cases say, and look until all is as expected or time is up."""
    gate = project.scratch / "gate"
    alone = {
        "REDRIVE": json.dumps(
            {**json.loads(project.extra["REDRIVE"]), "KEEPER": {"START_WITH_WORKER": False}}
        )
    }
    doomed = project.worker(concurrency=3, queues=[DOOMED])
    for case in _cases(DOOMED):
        _send(project, case, gate)
    wait_until(lambda: sum(_runs(project, case) for case in _cases(DOOMED)) == 3, 30, project.logs)
    project.worker(concurrency=1, queues=[MEMORY], environment=alone)
    project.worker(
        concurrency=1, queues=[RESULTS], environment={**alone, "RESULT_URL": "redis://127.0.0.1:1/0"}
    )
    worker = project.worker(concurrency=4)
    doomed.kill()
    gate.touch()
    doomed.start()
    with _app(project) as app:
        app.control.revoke("revoked early", reply=True, timeout=2)
    for case in (*_cases(MEMORY), *_cases(RESULTS), *_cases(MAIN)):
        _send(project, case, gate)
    _terminate(project)
    rows: list[Seen] = []

    def done() -> bool:
        rows[:] = look(project)
        return all(row.as_expected for row in rows)

    with suppress(TimeoutError):  # the table says what is missing
        wait_until(done, seconds, "every ending is as expected", every=0.5)
    assert worker.running
    return rows


def _cases(queue: str) -> Iterator[Case]:
    return (case for case in CASES if case.queue == queue)


def _app(project: Project) -> Celery:
    return Celery(broker=project.extra["BROKER_URL"], set_as_current=False)


def _send(project: Project, case: Case, gate: Path) -> None:
    if case.raw is None:
        args = [str(gate) if arg == "gate" else arg for arg in case.args]
        options = {"task_id": case.label, "queue": case.queue, **case.options}
        project.send(f"shop.{case.task}", case.label, *args, options=options)
        return
    body, headers, content_type = case.raw
    with Connection(project.extra["BROKER_URL"]) as connection:
        connection.Producer().publish(
            body,
            routing_key=case.queue,
            headers=headers,
            content_type=content_type,
            content_encoding="utf-8",
            declare=[Queue(case.queue, routing_key=case.queue)],
        )


def _terminate(project: Project) -> None:
    """End the task of row 26 as soon as it runs."""
    case = next(case for case in CASES if case.row == "26")
    wait_until(lambda: _runs(project, case), 30, project.logs)
    with _app(project) as app:
        app.control.terminate("terminated")


def _runs(project: Project, case: Case) -> int:
    return len(project.runs(label=case.label))


def look(project: Project) -> list[Seen]:
    """What the project knows of each case now."""
    records = project.query("SELECT * FROM redrive_taskfailurerecord")
    sources: dict[int, list[str]] = {}
    for row in project.query(
        "SELECT record_id, source FROM redrive_failureattempt ORDER BY attempt, delivery"
    ):
        sources.setdefault(row["record_id"], []).append(row["source"])
    ignored = project.query(
        "SELECT task_name FROM redrive_stat WHERE kind = 'execution' AND label = 'ignored'"
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        found.setdefault(_label(record), []).append(record)
    known = {row["task_name"] for row in ignored}
    rabbitmq = project.extra["BROKER_URL"].startswith("amqp")
    return [
        Seen(
            case,
            case.on_rabbitmq if rabbitmq and case.on_rabbitmq else case.expected,
            _seen(project, case, found.get(case.label, []), sources, known),
        )
        for case in CASES
    ]


_IDS = {case.options.get("task_id", case.label): case.label for case in CASES}


def _label(record: Mapping[str, Any]) -> str:
    args = record["task_args"]
    args = json.loads(args) if isinstance(args, str) else args
    first = str(args[0]) if args else ""
    return first if first.startswith("row ") else _IDS.get(record["task_id"], record["task_id"])


def _seen(
    project: Project,
    case: Case,
    records: list[dict[str, Any]],
    sources: Mapping[int, list[str]],
    ignored: set[str],
) -> str:
    if len(records) > 1:
        return f"{len(records)} records"
    if not records:
        if f"shop.{case.task}" in ignored:
            return "counted as ignored"
        runs = _runs(project, case)
        return f"nothing, {runs} run{'' if runs == 1 else 's'}"
    (record,) = records
    told = sources.get(record["id"], [])
    words = f"{record['decision']} {record['exception_message']}"
    return " ".join(
        [
            record["status"] if record["first_failed_at"] else f"hidden-{record['status']}",
            record["failure_type"],
            record["exception_type"].rpartition(".")[2],
            ",".join(told) or "unsaid",
            *([f"x{len(told)}"] if len(told) > 1 else []),
            *([f"does not say {case.says!r} but {words!r}"] if case.says not in words else []),
        ]
    )


def printed(rows: list[Seen], broker: str) -> str:
    """The table, a line per case; a line that begins with ! is not as expected."""
    lines = [
        f"Endings on {broker}, prefork: {sum(row.as_expected for row in rows)} of {len(rows)} as expected"
    ]
    for row in rows:
        case, mark = row.case, " " if row.as_expected else "!"
        seen = "as expected" if row.seen == row.expected else row.seen
        lines.append(f"{mark} {case.row:<4}{case.how:<52.52} {row.expected:<78} | {seen}")
    lines += [f"  {row} cannot be caught: {why}." for row, why in CANNOT_BE_CAUGHT.items()]
    return "\n".join(lines)
