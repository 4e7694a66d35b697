"""Real servers for tests: each on a free port, with its data in a temporary directory, gone afterwards.

Every server has the same verbs: `.url`, `.start()`, `.stop()` (asks it to end), `.kill()` (SIGKILL, as a
power cut would) and `.running`. Port and data stay the same over a stop or kill, so that a test can take a
server away and bring it back. A server that this machine cannot run raises `Unavailable` with the thing that
is missing and what to type for it.
"""

from tests.servers.chromium import find_chromium
from tests.servers.guard import Guard
from tests.servers.postgres import PostgresServer
from tests.servers.process import Server, Unavailable
from tests.servers.rabbitmq import RabbitServer
from tests.servers.valkey import ValkeyServer

__all__ = [
    "Guard",
    "PostgresServer",
    "RabbitServer",
    "Server",
    "Unavailable",
    "ValkeyServer",
    "find_chromium",
]
