"""What may import what, and what can be imported before anything is configured.

See STYLE in CONTRIBUTING.md.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

# A project's celery.py runs before its settings are read; a decision part is used in scripts and notebooks
# without any Django.
_WITHOUT_SETTINGS = [
    "redrive",
    "redrive.celery",
    "redrive.clock",
    "redrive.dead_letters",
    "redrive.gate",
    "redrive.idempotency",
    "redrive.leases",
    "redrive.metrics",
    "redrive.options",
    "redrive.payload",
    "redrive.priority",
    "redrive.retry",
    "redrive.stores.memory",
    "redrive.taxonomy",
    "redrive.testing",
]
_DECISIONS = [name for name in _WITHOUT_SETTINGS if name not in ("redrive.celery", "redrive.testing")]


def _python(*lines: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_import_contracts_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", _WITHOUT_SETTINGS)
def test_module_is_imported_without_settings(module: str) -> None:
    done = _python(
        f"import {module}",
        f"assert {module}.__file__, 'only a folder'",
        "from django.conf import settings",
        "assert not settings.configured, 'the import configured settings'",
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", _DECISIONS)
def test_decision_is_imported_without_django_and_celery(module: str) -> None:
    done = _python(
        "import sys",
        f"import {module}",
        "heavy = {'django', 'celery', 'kombu', 'redis', 'psycopg'} & set(sys.modules)",
        "assert not heavy, heavy",
    )

    assert done.returncode == 0, done.stderr


def test_celery_module_is_imported_at_the_top_of_a_projects_celery_py(tmp_path: Path) -> None:
    """The import stands before DJANGO_SETTINGS_MODULE is set, and loads no model while the app is made."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "shop" / "settings.py").write_text(
        "SECRET_KEY = 'x'\nINSTALLED_APPS = ['redrive']\nUSE_TZ = True\n"
    )
    (tmp_path / "shop" / "celery.py").write_text(
        "from redrive.celery import RedriveTask\n"
        "import os\n"
        "from celery import Celery\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
        "app = Celery('shop', task_cls=RedriveTask)\n"
        "app.config_from_object('django.conf:settings', namespace='CELERY')\n"
        "app.autodiscover_tasks()\n"
    )

    done = _python(
        "import sys",
        "from shop.celery import app, RedriveTask",
        "assert 'redrive.models' not in sys.modules, 'a model was imported'",
        "import django; django.setup()",
        "@app.task",
        "def pay(): return 1",
        "assert isinstance(pay._get_current_object(), RedriveTask), type(pay)",
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
