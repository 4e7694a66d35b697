"""Every check has an id, says what is wrong, and hints at what to type. One test per id."""

import builtins
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import CheckMessage, Error, Warning, run_checks  # Django's names
from django.db import connections
from django.test import override_settings
from django.urls import include, path

from redrive import checks
from tests.project.databases import from_url


def settings(**redrive: Any) -> override_settings:
    return override_settings(REDRIVE=redrive)


def one(messages: list[CheckMessage]) -> CheckMessage:
    assert len(messages) == 1, messages
    return messages[0]


@pytest.fixture
def urls(request: pytest.FixtureRequest) -> Iterator[None]:
    with override_settings(ROOT_URLCONF=request.param):
        yield


def test_the_tests_own_settings_have_nothing_but_sqlite(tmp_path: Path) -> None:
    with settings(SPILL={"DIRECTORY": str(tmp_path)}):
        ids = [message.id for message in run_checks() if str(message.id).startswith("redrive.")]

    assert ids == ["redrive.W001"]


def test_e001_something_cannot_be_used() -> None:
    with settings(MODUS="on"):
        message = one(checks.check_settings())

    assert isinstance(message, Error)
    assert (message.id, message.msg) == ("redrive.E001", "Unknown setting REDRIVE['MODUS'].")
    assert message.hint == "Did you mean 'MODE'?"


def test_e001_comes_once_for_each_problem() -> None:
    with settings(MODUS="on", DATABASE=5, KEEPER={"POLL": 1}):
        assert [message.id for message in checks.check_settings()] == ["redrive.E001"] * 3


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("POLICIES", {"UNKNOWN": {"max_retrys": 1}}, "max_retries"),
        ("TASK_PATTERNS", {"a.*": {"retry_save": True}}, "retry_save"),
        ("PRIORITY", {"PATTERNS": {"a": "HIGHEST"}}, "HIGHEST"),
        ("PRIORITY", {"PATTERNS": {"(": "HIGH"}}, "unterminated"),
        ("OFF_PEAK", {"START": "25:00"}, "hour"),
    ],
)
def test_e002_something_cannot_be_understood(key: str, value: Any, says: str) -> None:
    with settings(**{key: value}):
        message = one(checks.check_values())

    assert isinstance(message, Error)
    assert message.id == "redrive.E002"
    assert message.msg.startswith(f"REDRIVE['{key}'] cannot be used: ")
    assert says in message.msg
    assert message.hint == f"See {key} in the settings reference."


def test_e003_there_is_no_such_alias() -> None:
    with settings(DATABASE="defalt"):
        message = one(checks.check_database())

    assert isinstance(message, Error)
    assert (message.id, message.hint) == ("redrive.E003", "Known aliases: default.")
    assert message.msg == "REDRIVE['DATABASE'] is 'defalt', which is not in DATABASES."


def test_e004_a_database_we_do_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "mysql")

    message = one(checks.check_database())

    assert isinstance(message, Error)
    assert (message.id, message.msg) == ("redrive.E004", "Redrive does not support mysql yet.")
    assert message.hint == "Set REDRIVE['DATABASE'] to a PostgreSQL alias."


def test_postgresql_is_what_we_want(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "postgresql")

    assert checks.check_database() == []


@pytest.mark.parametrize("of", ["REDRIVE", "SPILL"])
def test_e005_redis_without_its_client(of: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_redis(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "redis":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    url = "redis://127.0.0.1:1/0"
    with settings(**({"REDIS_URL": url} if of == "REDRIVE" else {"SPILL": {"REDIS_URL": url}})):
        assert checks.check_redis() == []
        monkeypatch.setattr(builtins, "__import__", without_redis)
        message = one(checks.check_redis())

    assert isinstance(message, Error)
    assert (message.id, message.hint) == ("redrive.E005", "Type: pip install 'redrive[redis]'")


def test_w001_sqlite_is_for_a_first_try() -> None:
    message = one(checks.check_database())

    assert isinstance(message, Warning)
    assert message.id == "redrive.W001"
    assert "SILENCED_SYSTEM_CHECKS" in str(message.hint)


class Shadowed:
    from django.contrib import admin as _admin

    urlpatterns = [
        path("admin/", _admin.site.urls),
        path("admin/tasks/", include("redrive.urls")),
    ]


class Without:
    urlpatterns: list[Any] = []


@pytest.mark.parametrize("urls", [Shadowed], indirect=True)
@pytest.mark.usefixtures("urls")
def test_w002_the_pages_are_behind_the_admin() -> None:
    message = one(checks.check_urls())

    assert isinstance(message, Warning)
    assert message.id == "redrive.W002"
    assert message.hint == (
        'Put path("admin/tasks/", include("redrive.urls")) before path("admin/", admin.site.urls).'
    )


@pytest.mark.parametrize("urls", ["tests.urls", Without], indirect=True)
@pytest.mark.usefixtures("urls")
def test_pages_that_are_reachable_or_not_wanted_are_fine() -> None:
    assert checks.check_urls() == []


@pytest.mark.parametrize("directory", ["/dev/null/redrive", "/dev/null"])
def test_w003_the_spill_cannot_be_written(directory: str) -> None:
    with settings(SPILL={"DIRECTORY": directory}):
        message = one(checks.check_spill())

    assert isinstance(message, Warning)
    assert message.id == "redrive.W003"
    assert message.msg.startswith(f"The spill directory {directory} cannot be written")
    assert "DIRECTORY" in str(message.hint)


def test_w008_everybody_can_write_to_the_spill(tmp_path: Path) -> None:
    directory = tmp_path / "spill"
    directory.mkdir()
    directory.chmod(0o777)
    with settings(SPILL={"DIRECTORY": str(directory)}):
        message = one(checks.check_spill())

    assert isinstance(message, Warning)
    assert (message.id, message.hint) == ("redrive.W008", f"Type: chmod o-w {directory}")
    assert f"{directory} can be written by everybody" in message.msg


@pytest.mark.parametrize("redrive", [{}, 5, None])
def test_w004_the_spill_is_temporary(redrive: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/none")
    with override_settings(REDRIVE=redrive):
        message = one(checks.check_spill())

    assert isinstance(message, Warning)
    assert message.id == "redrive.W004"
    assert "DIRECTORY" in str(message.hint)


def test_a_temporary_spill_that_was_asked_for_is_fine() -> None:
    with settings(SPILL={"DIRECTORY": "/tmp/asked-for"}):
        assert checks.check_spill() == []


def test_w005_the_tables_are_not_there_yet(database_alias: str) -> None:
    with settings(DATABASE=database_alias):
        assert checks.check_migrations(databases=[database_alias]) == []
        with connections[database_alias].cursor() as cursor:
            cursor.execute("ALTER TABLE redrive_taskfailurerecord RENAME TO hidden")
        message = one(checks.check_migrations(databases=[database_alias]))

    assert isinstance(message, Warning)
    assert (message.id, message.hint) == (
        "redrive.W005",
        f"Type: manage.py migrate redrive --database {database_alias}",
    )


def test_w006_the_database_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    away = from_url("postgresql://nobody@127.0.0.1:1/x")
    known = connections.configure_settings({"default": connections.settings["default"], "away": away})
    monkeypatch.setitem(connections.settings, "away", known["away"])
    with settings(DATABASE="away"):
        message = one(checks.check_migrations(databases=["away"]))
    del connections["away"]

    assert isinstance(message, Warning)
    assert (message.id, message.hint) == ("redrive.W006", "Start it, or set DATABASES.")
    assert message.msg.startswith("The database 'away' cannot be reached: ")


def test_a_database_nobody_asked_about_is_not_asked() -> None:
    assert checks.check_migrations() == []
    assert checks.check_migrations(databases=["other"]) == []


def test_w007_without_the_admin() -> None:
    assert checks.check_admin() == []
    with _without_admin():
        message = one(checks.check_admin())

    assert isinstance(message, Warning)
    assert message.id == "redrive.W007"
    assert '"django.contrib.admin" to INSTALLED_APPS' in str(message.hint)


def _without_admin() -> override_settings:
    from django.conf import settings as django_settings

    kept = [name for name in django_settings.INSTALLED_APPS if name != "django.contrib.admin"]
    return override_settings(INSTALLED_APPS=kept)


def test_every_id_in_the_code_has_its_test_here() -> None:
    import re

    source = Path(checks.__file__).read_text()
    tests = Path(__file__).read_text()

    for number in set(re.findall(r"redrive\.([EW]\d{3})", source)):
        assert f"def test_{number.lower()}_" in tests, number
