"""Redis or Valkey as a server: as the broker, and as Redrive's store of claims and gates."""

from __future__ import annotations

from collections.abc import Iterator

from redrive.doctor.facts import Away, BrokerFacts, Facts, RedisServer
from redrive.doctor.types import Examination, Finding, error, info, ok, warning
from redrive.doctor.wording import seconds, size

CLOCK_SECONDS = 5.0
"""Difference between two clocks from which on times in records and leases mislead."""


def store(facts: Facts) -> Iterator[Finding]:
    """``REDRIVE["REDIS_URL"]``."""
    server = facts.redis
    if server is None:
        yield info(
            "redis.none",
            "REDRIVE['REDIS_URL'] is not set.",
            "Claims, breakers and gates live in the database: correct, but slower under many idempotent tasks.",
            'For many of them set REDRIVE = {"REDIS_URL": "redis://127.0.0.1:6379/1"}.',
        )
        return
    if isinstance(server, Away):
        yield error(
            "redis.unreachable",
            f"REDRIVE['REDIS_URL'] cannot be reached: {server.reason}",
            "Claims fall back to the database, gates let everything through; critical idempotent tasks are held.",
            "Start it, or correct REDIS_URL, or leave it out.",
        )
        return
    yield ok("redis.unreachable", f"Redrive's Redis {server.where} answers ({server.version}).")
    yield from _server(
        server, "redis.", "a claim or the state of a breaker", "an idempotent task may run twice"
    )


def broker(facts: Facts) -> Iterator[Finding]:
    """Redis as the broker."""
    if isinstance(facts.broker, BrokerFacts) and facts.broker.redis is not None:
        yield from _server(facts.broker.redis.server, "broker.redis-", "a queued message", "its task is lost")


def _server(server: RedisServer, area: str, what: str, harm: str) -> Iterator[Finding]:
    if server.is_replica:
        yield error(
            f"{area}replica",
            f"{server.where} is a replica.",
            f"It refuses writes (READONLY), or loses them at the next synchronisation: {harm}.",
            "Use the address of the primary.",
        )
    if server.maxmemory_policy != "noeviction" and server.maxmemory:
        yield error(
            f"{area}eviction",
            f"{server.where} has maxmemory {size(server.maxmemory)} and maxmemory-policy {server.maxmemory_policy}.",
            f"When it is full it throws keys away, {what} among them: {harm}.",
            "Type: redis-cli CONFIG SET maxmemory-policy noeviction (and in redis.conf); keep caches elsewhere.",
        )
    elif server.maxmemory_policy != "noeviction":
        yield info(
            f"{area}eviction",
            f"{server.where} has maxmemory-policy {server.maxmemory_policy} and no maxmemory.",
            "Nothing is thrown away now. As soon as somebody sets maxmemory, it will be.",
            "Type: redis-cli CONFIG SET maxmemory-policy noeviction (and in redis.conf)",
        )
    else:
        yield ok(f"{area}eviction", f"{server.where} evicts nothing.")
    if server.persists is None:
        yield info(
            f"{area}persistence",
            f"{server.where} does not say whether it writes to disk.",
            f"If it does not, a restart loses {what}: {harm}.",
            "Ask whoever runs it for append-only persistence.",
        )
    elif not server.persists:
        yield warning(
            f"{area}persistence",
            f"{server.where} writes nothing to disk (no append-only file, no snapshots).",
            f"A restart loses {what}: {harm}.",
            "Type: redis-cli CONFIG SET appendonly yes (and in redis.conf)",
        )
    else:
        yield ok(f"{area}persistence", f"{server.where} writes to disk.")


def clocks(facts: Facts) -> Iterator[Finding]:
    """This machine against every server whose clock we use."""
    servers: list[tuple[str, float]] = []
    if not isinstance(facts.database, Away):
        servers.append(("the database", facts.database.clock_ahead))
    if isinstance(facts.redis, RedisServer):
        servers.append((f"Redis {facts.redis.where}", facts.redis.clock_ahead))
    if isinstance(facts.broker, BrokerFacts) and facts.broker.redis is not None:
        server = facts.broker.redis.server
        if not isinstance(facts.redis, RedisServer) or facts.redis.where != server.where:
            servers.append((f"the broker {server.where}", server.clock_ahead))
    for name, ahead in servers:
        if abs(ahead) >= CLOCK_SECONDS:
            which = "ahead of" if ahead > 0 else "behind"
            yield warning(
                "clock.differs",
                f"The clock of {name} is {seconds(abs(ahead))} {which} this machine's.",
                "Times in records and pages mislead by that much; expiries and ETAs set here come early or late."
                " Leases do not suffer: each store uses its own clock.",
                "Let both synchronise: timedatectl set-ntp true",
            )
    if servers and all(abs(ahead) < CLOCK_SECONDS for _, ahead in servers):
        yield ok("clock.differs", f"The clocks agree within {seconds(CLOCK_SECONDS)}.")


EXAMINATIONS = (
    Examination(
        ("redis.none", "redis.unreachable", "redis.replica", "redis.eviction", "redis.persistence"), store
    ),
    Examination(
        ("broker.redis-replica", "broker.redis-eviction", "broker.redis-persistence"),
        broker,
    ),
    Examination(("clock.differs",), clocks),
)
