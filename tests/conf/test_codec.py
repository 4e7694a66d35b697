"""A codec that cannot be had is said, and nothing is stored in clear because of it."""

import sys
import types
from typing import Any

import pytest
from django.test import override_settings

from redrive import runtime, values
from redrive.checks import check_values
from redrive.payload import UnusableCodec


class Reversing:
    def seal(self, clear: bytes) -> bytes:
        return clear[::-1]

    def open(self, sealed: bytes) -> bytes:
        return sealed[::-1]


class Losing(Reversing):
    def open(self, sealed: bytes) -> bytes:
        return b""


class Raising(Reversing):
    def seal(self, clear: bytes) -> bytes:
        raise OSError("the key server is away")


class WithoutKey(Reversing):
    def __init__(self) -> None:
        raise KeyError("SEALING_KEY")


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> str:
    module: Any = types.ModuleType("project_codecs")
    for cls in (Reversing, Losing, Raising, WithoutKey):
        setattr(module, cls.__name__, cls)
    module.instance, module.HALF = Reversing(), object()
    monkeypatch.setitem(sys.modules, "project_codecs", module)
    return "project_codecs"


@pytest.mark.parametrize("name", ["Reversing", "instance"])
def test_a_class_or_an_instance_is_a_codec(named: str, name: str) -> None:
    with override_settings(REDRIVE={"PAYLOAD": {"CODEC": f"{named}.{name}"}}):
        codec = runtime.codec()
        assert not check_values()

    assert codec is not None
    assert codec.seal(b"ab") == b"ba"


@pytest.mark.parametrize("path", [5, "nothing", "no_such_module.Codec", "HALF", "WithoutKey", "Absent"])
def test_one_that_cannot_be_had_is_an_error_and_seals_nothing(named: str, path: Any) -> None:
    path = f"{named}.{path}" if path in ("HALF", "WithoutKey", "Absent") else path
    with override_settings(REDRIVE={"PAYLOAD": {"CODEC": path}}):
        found = check_values()
        codec = runtime.codec()

    assert [check.id for check in found] == ["redrive.E002"]
    assert 'must be like "shop.sealing.Codec"' in found[0].msg
    assert isinstance(codec, UnusableCodec)


@pytest.mark.parametrize(
    ("name", "why"), [("Losing", "byte for byte"), ("Raising", "the key server is away")]
)
def test_one_that_does_not_give_back_what_it_sealed_is_an_error(named: str, name: str, why: str) -> None:
    with override_settings(REDRIVE={"PAYLOAD": {"CODEC": f"{named}.{name}"}}):
        found = check_values()

        assert values.read_codec() is not None
    assert why in found[0].msg


def test_a_limit_that_is_no_number_is_an_error() -> None:
    from redrive.conf import read_settings

    settings, problems = read_settings({"PAYLOAD": {"MAX_BYTES": 0}})

    assert settings.payload.max_bytes == 16 * 1024 * 1024
    assert "['MAX_BYTES'] must be a number above 0" in problems[0].message
