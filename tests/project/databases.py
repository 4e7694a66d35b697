"""Django database settings from a URL; used by the project below and by `tests/settings.py`."""

from typing import Any
from urllib.parse import unquote, urlsplit


def from_url(url: str) -> dict[str, Any]:
    """An entry of `DATABASES`.

    Args:
        url: `postgresql://user:password@host:port/name`, `sqlite:////absolute/path` or `sqlite://:memory:`.

    Raises:
        ValueError: any other scheme.
    """
    scheme, rest = url.split("://", 1)
    if scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": rest if rest == ":memory:" else rest[1:] or rest,
        }
    if scheme in ("postgres", "postgresql"):
        parts = urlsplit(url)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": parts.hostname or "",
            "PORT": str(parts.port or ""),
        }
    raise ValueError(f"database URL {url!r}: the scheme is postgresql:// or sqlite:///")
