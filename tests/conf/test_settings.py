"""The dict ``REDRIVE``: defaults for a first day, typed values, and words for what cannot be used."""

import os
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from redrive import conf
from redrive.conf import Keeper, Masking, Retention, Settings, get_settings, read_settings, settings_problems


def problems(raw: Any) -> list[str]:
    return [f"{problem.message} {problem.hint}" for problem in read_settings(raw)[1]]


def test_nothing_set_means_these_defaults() -> None:
    settings, found = read_settings({})

    assert found == []
    assert (settings.mode, settings.auto_retry, settings.database) == ("on", "declared", "default")
    assert (settings.redis_url, settings.celery_app, settings.off_peak) == (None, None, None)
    assert (settings.namespace, settings.business_unit) == ("redrive", "business_unit")
    assert settings.keeper == Keeper(
        start_with_worker=True, poll_seconds=1, lease_seconds=30, heartbeat_seconds=30, republish_seconds=300
    )
    assert settings.retention == Retention(resolved_days=30, abandoned_days=90, stat_days=90)
    assert settings.masking == Masking()
    assert settings.spill.max_bytes == 256 * 1024 * 1024
    assert {settings.policies == {}, settings.downstreams == {}, settings.task_patterns == {}} == {True}


def test_every_field_says_what_it_is() -> None:
    source = Path(conf.__file__).read_text()

    for cls in (Keeper, Retention, Masking):
        for field in fields(cls):
            body = source.partition(f"class {cls.__name__}:")[2].partition(f"    {field.name}: ")[2]
            assert '"""' in body.partition('\n    """')[0] + '"""'
            assert body.count('"""') >= 2, field.name


GOOD: list[tuple[str, Any]] = [
    *(("MODE", mode) for mode in ("off", "observe", "on")),
    *(("AUTO_RETRY", value) for value in ("declared", "all", "off")),
    ("CELERY_APP", "shop.celery:app"),
    ("CELERY_APP", None),
    ("DATABASE", "redrive"),
    *(("REDIS_URL", url) for url in (None, "redis://h:1/2", "rediss://h", "unix:///s")),
    ("NAMESPACE", "shop"),
    ("POLICIES", {"UNKNOWN": {"max_retries": 1}}),
    ("DOWNSTREAMS", {"stripe": {}}),
    ("RULES", [{"says": "PERMANENT_LOGIC", "class": "shop.errors.OutOfStock"}]),
    ("TASK_PATTERNS", {"a.*": {}}),
    ("PRIORITY", {"PATTERNS": {}}),
    ("QUEUES", {"CRITICAL": "urgent"}),
    ("BUSINESS_UNIT", "tenant"),
    ("BUSINESS_UNIT", "shop.tenants.of"),
    ("BUSINESS_UNIT", len),
    ("OFF_PEAK", {"START": "22:00"}),
    ("OFF_PEAK", None),
]


@pytest.mark.parametrize(("key", "value"), GOOD)
def test_a_good_value_is_taken(key: str, value: Any) -> None:
    settings, found = read_settings({key: value})

    assert found == []
    assert getattr(settings, key.lower()) == value


BAD: list[tuple[str, Any]] = [
    *(("MODE", value) for value in ("On", "", None, 1, [])),
    *(("AUTO_RETRY", value) for value in ("yes", True)),
    *(("CELERY_APP", value) for value in ("", 3)),
    *(("DATABASE", value) for value in ("", None, 3)),
    *(("REDIS_URL", value) for value in ("", "localhost", "valkey://h", "http://h", 6379)),
    *(("NAMESPACE", value) for value in ("", None)),
    *(("POLICIES", value) for value in (None, [], "x")),
    *(("DOWNSTREAMS", value) for value in (None, ["stripe"])),
    *(("RULES", value) for value in (None, {"says": "UNKNOWN"}, "shop.rules")),
    *(("TASK_PATTERNS", value) for value in (None, ["a.*"])),
    *(("PRIORITY", value) for value in (None, "HIGH")),
    *(("QUEUES", value) for value in ([], {"CRITICL": "x"}, {"HIGH": 3}, {"HIGH": ""})),
    *(("BUSINESS_UNIT", value) for value in ("", None, 3)),
    *(("OFF_PEAK", value) for value in ("night", ["22:00"])),
]


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_bad_value_is_a_problem_and_the_default_stands(key: str, value: Any) -> None:
    settings, found = read_settings({key: value, "NAMESPACE": "kept"} if key != "NAMESPACE" else {key: value})

    assert len(found) == 1
    assert f"REDRIVE[{key!r}]" in found[0].message
    assert found[0].hint
    assert getattr(settings, key.lower()) == getattr(Settings(), key.lower())


SECTIONS: list[tuple[str, str, Any]] = [
    *(("KEEPER", "POLL_SECONDS", value) for value in (0, -1, "1", True, float("nan"), float("inf"))),
    *(("KEEPER", "START_WITH_WORKER", value) for value in (1, "yes", None)),
    *(("RETENTION", "RESOLVED_DAYS", value) for value in (0, None, "30")),
    *(("SPILL", "MAX_BYTES", value) for value in (0, "1G")),
    *(("SPILL", "DIRECTORY", value) for value in ("", None, 5)),
    *(("MASKING", "FIELDS", value) for value in ("password", [""], [3], None)),
    *(("MASKING", "PATTERNS", value) for value in (r"\d", ["("], [3], [""])),
]


@pytest.mark.parametrize(("section", "key", "value"), SECTIONS)
def test_a_bad_value_of_a_section_is_a_problem_and_its_default_stands(
    section: str, key: str, value: Any
) -> None:
    settings, found = read_settings({section: {key: value}})

    assert len(found) == 1
    assert f"REDRIVE[{section!r}][{key!r}]" in found[0].message
    default = getattr(read_settings({})[0], section.lower())
    assert getattr(settings, section.lower()) == default


def test_good_values_of_sections_are_taken(tmp_path: Path) -> None:
    settings, found = read_settings(
        {
            "SPILL": {"DIRECTORY": str(tmp_path), "MAX_BYTES": 10},
            "KEEPER": {"POLL_SECONDS": 0.2, "START_WITH_WORKER": False},
            "RETENTION": {"RESOLVED_DAYS": 7},
            "MASKING": {"FIELDS": ["pin"], "PATTERNS": [r"\d+"]},
        }
    )

    assert found == []
    assert (settings.spill.directory, settings.spill.max_bytes) == (tmp_path, 10)
    assert (settings.keeper.poll_seconds, settings.keeper.start_with_worker) == (0.2, False)
    assert (settings.retention.resolved_days, settings.retention.abandoned_days) == (7, 90)
    assert settings.masking == Masking(fields=("pin",), patterns=(r"\d+",))


@pytest.mark.parametrize("raw", [None, [], "on", 5])
def test_what_is_no_dict_is_a_problem_and_the_defaults_stand(raw: Any) -> None:
    settings, found = read_settings(raw)

    assert [problem.hint for problem in found] == ["Write REDRIVE = {...}."]
    assert settings.mode == "on"


@pytest.mark.parametrize("section", ["MASKING", "RETENTION", "SPILL", "KEEPER"])
def test_a_section_that_is_no_dict_is_a_problem(section: str) -> None:
    (said,) = problems({section: None})

    assert said.startswith(f"REDRIVE[{section!r}] must be a dict, not NoneType. Keys: ")


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        ({"MODUS": "on"}, "Did you mean 'MODE'?"),
        ({"mode": "on"}, "Did you mean 'MODE'?"),
        ({"KEEPER": {"POLL_SECOND": 1}}, "Did you mean 'POLL_SECONDS'?"),
        ({"SPILL": {"directory": "/x"}}, "Did you mean 'DIRECTORY'?"),
        ({"XYZZY": 1}, "Known keys: AUTO_RETRY, BROKER_TAKE,"),
        ({7: 1}, "Known keys: AUTO_RETRY, BROKER_TAKE,"),
    ],
)
def test_an_unknown_key_is_a_problem_that_names_the_closest(raw: dict[Any, Any], hint: str) -> None:
    (said,) = problems(raw)

    assert said.startswith("Unknown setting REDRIVE[")
    assert hint in said


def test_one_bad_value_does_not_cost_the_others() -> None:
    settings, found = read_settings({"MODE": "observe", "DATABASE": 3, "NAMESPACE": "shop"})

    assert len(found) == 1
    assert (settings.mode, settings.namespace, settings.database) == ("observe", "shop", "default")


def default_directory(**redrive: Any) -> Path:
    return read_settings({"NAMESPACE": "a", **redrive})[0].spill.directory


def test_the_default_directory_is_the_projects_own_and_outlives_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    first = default_directory()
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "another.settings")
    second = default_directory()

    assert first.parent == second.parent == tmp_path / "redrive"
    assert first.name.startswith("a-")
    assert first != second


def test_the_next_release_in_another_place_finds_what_the_last_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    monkeypatch.setattr(django_settings, "BASE_DIR", "/srv/shop/releases/1", raising=False)
    first = default_directory()
    monkeypatch.setattr(django_settings, "BASE_DIR", "/srv/shop/releases/2")
    second = default_directory()

    assert first == second


@pytest.mark.parametrize("change", [{"NAME": "other"}, {"HOST": "other"}, {"PORT": "5433"}])
def test_projects_whose_settings_are_called_the_same_share_no_directory(
    change: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    shop = {"ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "db", "PASSWORD": "old"}

    def directory(**entry: str) -> Path:
        monkeypatch.setattr(django_settings, "DATABASES", {"default": {}, "tasks": entry})
        return default_directory(DATABASE="tasks")

    assert directory(**{**shop, **change}) != directory(**shop)
    assert directory(**{**shop, "PASSWORD": "new", "USER": "other"}) == directory(**shop)


def test_only_the_default_directory_must_be_this_users_own(tmp_path: Path) -> None:
    assert read_settings({})[0].spill.own
    assert not read_settings({"SPILL": {"DIRECTORY": str(tmp_path)}})[0].spill.own
    assert problems({"SPILL": {"OWN": True}})[0].startswith("Unknown setting REDRIVE['SPILL']['OWN'].")


def test_without_a_home_the_temporary_directory_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/none")

    directory = read_settings({})[0].spill.directory

    assert directory.parent == Path(tempfile.gettempdir()) / f"redrive-{os.geteuid()}"


def test_override_settings_counts_at_once_and_is_undone() -> None:
    before = get_settings()
    with override_settings(REDRIVE={"NAMESPACE": "other", "MODUS": 1}):
        assert get_settings().namespace == "other"
        assert len(settings_problems()) == 1

    assert get_settings() == before
    assert settings_problems() == ()


def test_settings_are_made_once() -> None:
    assert get_settings() is get_settings()
