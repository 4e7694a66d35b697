"""RabbitMQ from Debian's package, as a node of its own beside any that the machine runs."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.servers.process import Server, Unavailable, free_port
from tests.waiting import wait_until

# Debian's /usr/sbin wrappers switch to the rabbitmq user and to the machine's own node; these are the
# programs behind them.
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")


class RabbitServer(Server):
    """A RabbitMQ node with its own home, cookie, port mapper, data and log. Starts in about 5 s."""

    name = "rabbitmq"
    seconds_to_start = 90
    seconds_to_stop = 30

    def __init__(self, directory: Path) -> None:
        if not (_PROGRAMS / "rabbitmq-server").exists() or not shutil.which("epmd"):
            raise Unavailable("RabbitMQ", "apt-get install rabbitmq-server")
        super().__init__(directory)
        self._mapper_port = free_port()
        self._mapper: subprocess.Popen[bytes] | None = None
        self._distribution_port = free_port()
        self._hosts = 0
        (directory / "home").mkdir(exist_ok=True)
        (directory / "enabled_plugins").write_text("[].\n")
        (directory / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")

    @property
    def url(self) -> str:
        return self._virtual_host_url("%2F")

    def _virtual_host_url(self, name: str) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{name}"

    def create_virtual_host(self) -> str:
        """Make a virtual host without any queue and return its URL (0.5 s)."""
        self._hosts += 1
        name = f"test_{self._hosts}"
        self.control(
            "eval",
            f'rabbit_vhost:add(<<"{name}">>, <<"tests">>), rabbit_auth_backend_internal:set_permissions('
            f'<<"guest">>, <<"{name}">>, <<".*">>, <<".*">>, <<".*">>, <<"tests">>).',
        )
        return self._virtual_host_url(name)

    def control(self, *arguments: str) -> str:
        """Run `rabbitmqctl` against this node and return what it printed."""
        done = subprocess.run(
            [_PROGRAMS / "rabbitmqctl", "--quiet", *arguments],
            env=self.environment(),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def environment(self) -> dict[str, str]:
        place = self.directory
        return os.environ | {
            "HOME": str(place / "home"),  # holds the Erlang cookie
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"redrive-{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONFIG_FILE": str(place / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(place / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(place / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(place / "enabled_plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(place / "feature_flags"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(place / "generated"),
            "RABBITMQ_MNESIA_BASE": str(place / "mnesia"),
            "RABBITMQ_LOG_BASE": str(place / "log"),
            "RABBITMQ_PID_FILE": str(place / "pid"),
            # The start script then becomes the Erlang machine instead of waiting for it, so that a kill
            # reaches the broker.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def command(self) -> list[str]:
        return [str(_PROGRAMS / "rabbitmq-server")]

    def start(self) -> None:
        self._start_mapper()
        super().start()

    def _start_mapper(self) -> None:
        # Erlang would start the port mapper as a daemon that outlives the node.
        if self._mapper is None or self._mapper.poll() is not None:
            self._mapper = subprocess.Popen(
                ["epmd", "-port", str(self._mapper_port), "-address", "127.0.0.1"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self.environment(),
                start_new_session=True,
            )
            wait_until(lambda: _listens(self._mapper_port), 10, "the Erlang port mapper answers")

    def answers(self) -> bool:
        # An unknown protocol version is answered with the one the broker speaks, once it takes connections.
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"AMQP\x00\x00\x00\x00")
                return connection.recv(8) == b"AMQP\x00\x00\x09\x01"
        except OSError:
            return False

    def close(self) -> None:
        """End the node and its port mapper for good."""
        self.kill()
        if self._mapper is not None:
            self._mapper.kill()
            self._mapper.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
