"""Secrets, mounted as one file each."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def require(name: str) -> str:
    """The secret called `name`.

    Raises:
        ImproperlyConfigured: when it is not mounted, or empty.
    """
    path = settings.SECRETS_DIR / name.lower()
    value = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    if not value:
        raise ImproperlyConfigured(f"The {name} setting must not be empty: mount the secret at {path}")
    return value
