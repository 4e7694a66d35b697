"""Stores in Redis or Valkey. Needs the redis package (``pip install redrive[redis]``), imported on first use.

Works on a single server, a replicated one and a cluster: every script touches one key. Every key has an end,
so that nothing we write stays for ever.
"""

from redrive.stores.redis.connection import RedisConnection
from redrive.stores.redis.leases import RedisLeaseStore

__all__ = ["RedisConnection", "RedisLeaseStore"]
