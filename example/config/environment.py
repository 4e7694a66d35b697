"""Values that come from the environment, parsed without a dependency."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

POSTGRES_SCHEMES = ("postgres", "postgresql")


def flag(name: str, default: bool) -> bool:
    """True for 1, true, yes and on in any case; `default` when the variable is absent or empty."""
    value = os.environ.get(name, "").strip().lower()
    return value in ("1", "true", "yes", "on") if value else default


def database(url: str) -> dict[str, Any]:
    """One entry of Django's `DATABASES` from a URL.

    `postgres://user:password@host:port/name?option=value` (the query goes to `OPTIONS`) or
    `sqlite:///relative/path`, `sqlite:////absolute/path`.

    Raises:
        ValueError: for any other scheme, or a PostgreSQL URL without a database name.
    """
    parts = urlsplit(url)
    if parts.scheme in POSTGRES_SCHEMES and parts.path.strip("/"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "OPTIONS": {"connect_timeout": 5, **dict(parse_qsl(parts.query))},
        }
    if parts.scheme == "sqlite" and parts.path:
        return sqlite(Path(unquote(parts.path.removeprefix("/"))))
    raise ValueError(
        f"DATABASE_URL: {url.split('@')[-1]!r} is not understood; "
        "use postgres://user:password@host:port/name or sqlite:///path"
    )


def sqlite(path: Path) -> dict[str, Any]:
    """A SQLite database in WAL mode whose writers wait for each other instead of failing at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
