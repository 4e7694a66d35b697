"""The database that holds Redrive's tables."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import Away, DatabaseFacts, Facts
from redrive.doctor.types import Examination, Finding, error, ok, warning
from redrive.doctor.wording import counted, names, seconds, version

OLDEST = {"postgresql": (14,), "sqlite": (3, 35)}
"""Older ones lack what our statements use (RETURNING in SQLite) or what Django supports."""
SLOW_SECONDS = 0.1
"""Latency from which on storms of failures back up."""


def reachable(facts: Facts) -> Iterator[Finding]:
    """Whether it answers, and is one we can use."""
    database = facts.database
    if isinstance(database, Away):
        yield error(
            "database.unreachable",
            f"The database cannot be reached: {database.reason}",
            "Failures wait in the spill of each machine; nothing is retried until it is back.",
            "Start it, or correct DATABASES (and REDRIVE['DATABASE']).",
        )
        return
    oldest = OLDEST.get(database.vendor)
    if oldest is None:
        yield error(
            "database.vendor",
            f"The database {database.alias!r} is {database.vendor}.",
            "Redrive's statements do not run there: every failure goes to the spill and stays in it.",
            "Set REDRIVE['DATABASE'] to an alias of a PostgreSQL database.",
        )
        return
    yield ok(
        "database.unreachable",
        f"The database {database.alias!r} answers ({database.vendor} {version(database.version)}).",
    )
    if database.version < oldest:
        yield error(
            "database.version",
            f"{database.vendor} {version(database.version)}; {version(oldest)} or newer is needed.",
            "Some of Redrive's statements fail there: failures go to the spill and stay in it.",
            f"Upgrade to {database.vendor} {version(oldest)} or newer.",
        )
    if database.vendor == "sqlite":
        yield from _sqlite(database)


def _sqlite(database: DatabaseFacts) -> Iterator[Finding]:
    yield warning(
        "database.sqlite",
        "Redrive's tables are in SQLite.",
        "It has one writer at a time: a task that fails inside a transaction goes to the spill first, and many failures"
        " at once wait for each other.",
        "Use PostgreSQL where tasks matter.",
    )
    if database.journal_mode.lower() != "wal":
        yield warning(
            "database.sqlite-wal",
            f"journal_mode is {database.journal_mode or 'unknown'}, not wal.",
            "Every writer keeps readers out and the other way round: pages and keepers run into 'database is locked'.",
            'Redrive never switches it. Set OPTIONS = {"init_command": "PRAGMA journal_mode=wal;"} in DATABASES.',
        )


def usable(facts: Facts) -> Iterator[Finding]:
    """Tables, writes, speed."""
    database = facts.database
    if isinstance(database, Away) or database.vendor not in OLDEST:
        return
    if database.unapplied:
        alias = "" if database.alias == "default" else f" --database {database.alias}"
        yield error(
            "database.migrations",
            f"{counted(len(database.unapplied), 'migration')} of redrive not applied: {names(database.unapplied)}.",
            "Failures wait in the spill until the tables are as this release needs them.",
            f"Type: manage.py migrate redrive{alias}",
        )
    else:
        yield ok("database.migrations", "Every migration of redrive is applied.")
    if database.read_only:
        yield error(
            "database.read-only",
            f"The database {database.alias!r} takes no writes (a standby, or default_transaction_read_only).",
            "Failures wait in the spill; nothing is retried.",
            "Set REDRIVE['DATABASE'] to an alias of the primary.",
        )
    if database.latency >= SLOW_SECONDS:
        yield warning(
            "database.latency",
            f"One small question to the database takes {seconds(database.latency)}.",
            "Each failing task asks a few before its attempt ends, and above 2 s its ending goes to the spill.",
            "Bring workers and database closer together, or look at what keeps the database busy.",
        )
    else:
        yield ok("database.latency", f"One small question takes {seconds(database.latency)}.")


EXAMINATIONS = (
    Examination(
        (
            "database.unreachable",
            "database.vendor",
            "database.version",
            "database.sqlite",
            "database.sqlite-wal",
        ),
        reachable,
    ),
    Examination(("database.migrations", "database.read-only", "database.latency"), usable),
)
