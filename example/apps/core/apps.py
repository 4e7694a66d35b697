from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Label `core`, so that `makemigrations core` and `migrate core` work as documented."""

    name = "apps.core"
    label = "core"
