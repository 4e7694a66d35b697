"""Everything the examinations look at: gathered once by the probes, frozen, without a connection in it.

Durations are seconds. A part that could not be asked is an :class:`Away` that says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Away:
    """Something that was asked and did not answer in time."""

    reason: str
    """Without passwords: it is printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A message of Django's system checks that is ours."""

    id: str
    is_error: bool
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFacts:
    """Settings, and what is installed."""

    python: tuple[int, int]
    django: tuple[int, int]
    celery: tuple[int, int]
    has_packaging: bool
    """Whether the package ``packaging`` is there, which kombu's Redis transport imports."""
    debug: bool
    mode: str
    """As in force on this machine."""
    mode_set: str
    """As ``REDRIVE["MODE"]`` says."""
    auto_retry: str
    has_redis_url: bool
    start_with_worker: bool
    level_queues: Mapping[str, str]
    """Priority level -> queue, from the most urgent level down."""
    redelivery_cap: int | None = None
    """Deliveries of one attempt after which Redrive keeps a message as a dead letter; None: it does not count."""
    broker_take: str = "celery"
    """How workers take messages from a Redis broker, as ``REDRIVE["BROKER_TAKE"]`` says."""
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """One registered task of the project (Celery's own are left out)."""

    name: str
    covered: bool = True
    """Whether the wrapper is, or will be, around its body."""
    acks_late: bool = False
    reject_on_worker_lost: bool = False
    idempotent: bool = False
    retry_safe: bool = False
    ignore_result: bool = False
    time_limit: float | None = None
    """Hard limit in force: the task's own, else the app's."""
    rejects_with_requeue: bool = False
    """Whether its body names ``Reject`` and passes ``requeue``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """An entry of a beat schedule."""

    entry: str
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CeleryFacts:
    """The project's Celery app."""

    name: str
    task_class: str
    """Dotted path of the base of its tasks."""
    is_redrive_task: bool
    tasks: tuple[TaskFacts, ...]
    result_backend: str | None
    """Its scheme, such as ``redis``; None without one."""
    always_eager: bool = False
    pool: str = "prefork"
    """``worker_pool`` as set; a worker's command line may say otherwise."""
    concurrency: int = 1
    """``worker_concurrency`` as set, else the number of this machine's CPUs."""
    prefetch_multiplier: int = 4
    broker_scheme: str = "redis"
    schedule: tuple[Scheduled, ...] = ()
    schedule_unread: str = ""
    """Why a schedule in the database could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that answered over the broker."""

    name: str
    pool: str = "prefork"
    concurrency: int = 1
    prefetch_multiplier: int = 4
    prefetch_count: int = 0
    queues: tuple[str, ...] = ()
    visibility_timeout: float | None = None
    """As its own settings say; None: kombu's default."""
    priority_steps: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue of the project on RabbitMQ."""

    name: str
    exists: bool = True
    max_priority: int | None = None
    """``x-max-priority`` as the project declares it."""
    consumer_timeout: float | None = None
    """``x-consumer-timeout`` as the project declares it."""
    messages: int = 0
    consumers: int = 0
    mismatch: str = ""
    """What the broker says against the project's declaration."""
    unseen: str = ""
    """Why the broker would not let us look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A Redis or Valkey server."""

    where: str
    version: str = ""
    is_replica: bool = False
    maxmemory: int = 0
    """Bytes; 0: no limit."""
    maxmemory_policy: str = "noeviction"
    persists: bool | None = True
    """Whether AOF or snapshots are on; None: the server does not let us ask."""
    clock_ahead: float = 0.0
    """Its clock minus this machine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """Messages in a priority list that no worker of this project reads."""

    queue: str
    step: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisBroker:
    """What is particular to Redis as the broker."""

    server: RedisServer
    visibility_timeout: float = 3600.0
    priority_steps: tuple[int, ...] = (0, 3, 6, 9)
    strays: tuple[Stray, ...] = ()
    delayed: int = 0
    """Messages with a countdown or ETA among those looked at."""
    longest_delay: float = 0.0
    """Seconds from now to the latest of their times."""
    looked_at: int = 0
    """Unacknowledged messages looked at; there may be more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitBroker:
    """What is particular to RabbitMQ."""

    version: str
    queues: tuple[Queue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFacts:
    """The broker as the project's own app reaches it."""

    kind: str
    """kombu's ``driver_type``: ``redis``, ``amqp``, ..."""
    where: str
    redis: RedisBroker | None = None
    rabbit: RabbitBroker | None = None
    workers: tuple[Worker, ...] = ()
    workers_unasked: str = ""
    """Why the workers could not be asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Records that should have moved on. Counts stop at 10,000; ages are of the oldest."""

    overdue: int = 0
    """Due for more than a minute and not sent."""
    oldest_overdue: float = 0.0
    pending: int = 0
    oldest_pending: float = 0.0
    unstarted: int = 0
    """Sent more than ten minutes ago, or more than once, and not started."""
    oldest_unstarted: float = 0.0
    unstarted_queues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """The database that holds Redrive's tables, over a connection like the workers'."""

    alias: str
    vendor: str
    version: tuple[int, ...]
    latency: float = 0.0
    """Seconds that one small question took, the best of three."""
    unapplied: tuple[str, ...] = ()
    """Names of our migrations that are not applied."""
    read_only: bool = False
    clock_ahead: float = 0.0
    """Its clock minus this machine's."""
    journal_mode: str = ""
    """SQLite only."""
    connection_limit: int | None = None
    """Connections that ordinary users may hold together; None: no limit known."""
    connections_used: int = 0
    """Held by others than Redrive now."""
    keeper_seen: float | None = None
    """Seconds until the freshest duty of a keeper ends, negative if it has ended; None: no keeper was ever here."""
    vouched: tuple[str, ...] = ()
    """Names of workers that a keeper vouches for now."""
    backlog: Backlog | None = field(default_factory=Backlog)
    """None: our tables are not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpillFacts:
    """The spill of this machine."""

    directory: str
    problem: str = ""
    """Why it cannot be written; empty if it can."""
    filesystem: str = ""
    """Its type, such as ``ext4``; empty if unknown."""
    temporary: bool = False
    """Whether it lies in the machine's directory for temporary files."""
    free_bytes: int = 0
    max_bytes: int = 0
    waiting_bytes: int = 0
    waiting_lines: int = 0
    rejected_lines: int = 0
    newer_lines: int = 0
    max_lines: int | None = None
    """Lines that the Redis list takes; None without a list."""
    list_lines: int | None = None
    """Lines in it; None if it did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The live system, looked at once."""

    project: ProjectFacts
    celery: CeleryFacts | Away
    broker: BrokerFacts | Away
    database: DatabaseFacts | Away
    redis: RedisServer | Away | None
    """``REDRIVE["REDIS_URL"]``; None if there is none."""
    spill: SpillFacts | Away

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Workers that answered."""
        return self.broker.workers if isinstance(self.broker, BrokerFacts) else ()

    @property
    def tasks(self) -> tuple[TaskFacts, ...]:
        """The project's tasks."""
        return self.celery.tasks if isinstance(self.celery, CeleryFacts) else ()
