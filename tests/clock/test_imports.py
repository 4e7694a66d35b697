"""Each part can be imported, and used, in a process that knows no Django settings and no server."""

import os
import subprocess
import sys

import pytest

PARTS = [
    "redrive",
    "redrive.clock",
    "redrive.options",
    "redrive.taxonomy",
    "redrive.leases",
    "redrive.retry",
    "redrive.priority",
    "redrive.gate",
    "redrive.idempotency",
    "redrive.stores",
    "redrive.stores.memory",
    "redrive.stores.redis",
    "redrive.testing",
]
FORBIDDEN = ["django", "celery", "kombu", "redis", "psycopg"]


def test_every_part_imports_without_django_settings_and_without_what_it_must_not_know() -> None:
    code = (
        "import importlib, sys\n"
        f"for part in {PARTS!r}:\n"
        "    importlib.import_module(part)\n"
        f"    found = [name for name in {FORBIDDEN!r} if name in sys.modules]\n"
        "    assert not found, f'{part} imports {found}'\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)

    assert result.stderr == ""
    assert result.returncode == 0


@pytest.mark.parametrize("part", PARTS[1:])
def test_every_part_names_what_is_public_and_says_what_it_is(part: str) -> None:
    module = __import__(part, fromlist=["*"])

    assert module.__doc__
    assert all(hasattr(module, name) for name in getattr(module, "__all__", ()))
