"""Our own code, and the data it is given: the standard library's parsers, pickling, imports, the environment."""

from __future__ import annotations

import ast
import asyncio
import base64
import concurrent.futures
import configparser
import csv
import datetime
import decimal
import gzip
import importlib
import io
import ipaddress
import json
import os
import pickle
import re
import struct
import tarfile
import tomllib
import uuid
import xml.etree.ElementTree
import zipfile
import zlib
import zoneinfo
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.taxonomy.drivers.driven import Driven, check

INPUT = "PERMANENT_VALIDATION"
BUG = "PERMANENT_LOGIC"


class Local:
    """An object without what is asked for."""


def vanished_class() -> None:
    data = pickle.dumps(Local())
    pickle.loads(data.replace(b"Local", b"Gone!"))


def recursion() -> None:
    recursion()


def deep_json() -> None:
    json.loads("[" * 200_000)


def in_a_loop_of_its_own(work: Coroutine[Any, Any, None]) -> None:
    """Run in another thread: in this one a browser test may have left its event loop running."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def timed_out() -> None:
    async def wait() -> None:
        await asyncio.wait_for(asyncio.sleep(5), 0.01)

    in_a_loop_of_its_own(wait())


def group() -> None:
    async def gather() -> None:
        async def refuse() -> None:
            raise ConnectionResetError(104, "Connection reset by peer")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(refuse())

    in_a_loop_of_its_own(gather())


def cancelled() -> None:
    future: concurrent.futures.Future[None] = concurrent.futures.Future()
    future.cancel()
    future.result()


def not_a_tar_file() -> None:
    with tarfile.open(fileobj=io.BytesIO(b"plain text" * 100)) as archive:
        archive.getnames()


def outside_the_archive() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../etc/cron.d/x"))
    packed.seek(0)
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall("/nonexistent", filter="data")


def generator_value() -> None:
    next(iter(()))


def dictionary_changed() -> None:
    numbers = {1: 1}
    for number in numbers:
        numbers[number + 1] = 1


def bare_assert() -> None:
    paid = False
    assert paid


def undefined() -> Any:
    return ordr  # type: ignore[name-defined]  # noqa: F821


def packed_wrongly() -> None:
    with zipfile.ZipFile(io.BytesIO(b"PK\x03\x04 not really")) as archive:
        archive.namelist()


def member_absent() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "")
    with zipfile.ZipFile(packed) as archive:
        archive.read("orders.csv")


def pickle_an_open_file() -> None:
    with open(os.devnull) as file:
        pickle.dumps(file)


CASES = (
    Driven("not JSON", INPUT, False, lambda: json.loads("<html>")),
    Driven("JSON too deep", f"{INPUT},{BUG}", False, deep_json),
    Driven("not serialisable", BUG, False, lambda: json.dumps({"when": datetime.date(2026, 1, 1)})),
    Driven("not a zip file", INPUT, False, packed_wrongly),
    Driven("member not in the zip file", f"{INPUT},PERMANENT_NOT_FOUND,{BUG}", False, member_absent),
    Driven("not gzip", INPUT, False, lambda: gzip.decompress(b"plain text")),
    Driven("gzip cut off", INPUT, False, lambda: gzip.decompress(gzip.compress(b"x" * 999)[:-9])),
    Driven("not zlib", INPUT, False, lambda: zlib.decompress(b"plain text")),
    Driven("not a tar file", INPUT, False, not_a_tar_file),
    Driven("archive that climbs out", f"{INPUT},PERMANENT_PERMISSION", False, outside_the_archive),
    Driven("not UTF-8", INPUT, False, lambda: b"caf\xe9".decode("utf-8")),
    Driven("not ASCII", BUG, False, lambda: "café".encode("ascii")),
    Driven("not base64", INPUT, False, lambda: base64.b64decode("abc")),
    Driven("not a number", f"{INPUT},CONFIG_INVALID_SETTING", False, lambda: int("twelve")),
    Driven("not a decimal", INPUT, False, lambda: decimal.Decimal("1,50")),
    Driven("not a date", INPUT, False, lambda: datetime.datetime.strptime("31.02.2026", "%d.%m.%Y")),  # noqa: DTZ007
    Driven("not an ISO date", INPUT, False, lambda: datetime.date.fromisoformat("2026-2-31")),
    Driven("not a UUID", INPUT, False, lambda: uuid.UUID("17")),
    Driven(
        "not an address", f"{INPUT},CONFIG_INVALID_SETTING", False, lambda: ipaddress.ip_address("300.1.1.1")
    ),
    Driven("not XML", INPUT, False, lambda: xml.etree.ElementTree.fromstring("<order>")),
    Driven("not TOML", f"{INPUT},CONFIG_INVALID_SETTING", False, lambda: tomllib.loads("a = = 1")),
    Driven("CSV field too large", INPUT, False, lambda: list(csv.reader(["x" * 200_000]))),
    Driven("bytes missing", INPUT, False, lambda: struct.unpack("<I", b"ab")),
    Driven(
        "no such time zone",
        f"CONFIG_INVALID_SETTING,{INPUT},CONFIG_MISSING_SERVICE,PERMANENT_NOT_FOUND",
        False,
        lambda: zoneinfo.ZoneInfo("Mars/Olympus"),
    ),
    Driven(
        "environment variable absent",
        "CONFIG_MISSING_SETTING",
        False,
        lambda: os.environ["SHOP_PAYMENTS_KEY"],
    ),
    Driven(
        "section absent",
        "CONFIG_MISSING_SETTING,CONFIG_INVALID_SETTING",
        False,
        lambda: configparser.ConfigParser().get("mail", "host"),
    ),
    Driven(
        "package not installed",
        "CONFIG_MISSING_SERVICE",
        False,
        lambda: importlib.import_module("wkhtmltopdf_of_nobody"),
    ),
    Driven("pickling a function", BUG, False, lambda: pickle.dumps(lambda: None)),
    Driven("pickling an open file", BUG, False, pickle_an_open_file),
    Driven("pickle of nothing", INPUT, False, lambda: pickle.loads(b"")),
    Driven("pickle of rubbish", INPUT, False, lambda: pickle.loads(b"not a pickle")),
    Driven("pickle of a class that is gone", BUG, False, vanished_class),
    Driven("attribute of nothing", BUG, False, lambda: None.total),  # type: ignore[attr-defined]
    Driven("missing argument", BUG, False, lambda: (lambda order: order)()),  # type: ignore[call-arg]
    Driven("text and number", BUG, False, lambda: "a" + 1),  # type: ignore[operator]
    Driven("undefined name", BUG, False, undefined),
    Driven("index", BUG, False, lambda: [][1]),
    Driven("key", f"{BUG},{INPUT}", False, lambda: {}["customer"]),
    Driven("division by zero", BUG, False, lambda: 1 // 0),
    Driven("assertion", f"{BUG},UNKNOWN", False, bare_assert),
    Driven("recursion", BUG, False, recursion),
    Driven("exhausted iterator", BUG, False, generator_value),
    Driven("dictionary changed", BUG, False, dictionary_changed),
    Driven("bad pattern", f"{BUG},{INPUT}", False, lambda: re.compile("(")),
    Driven("bad literal", f"{INPUT},{BUG}", False, lambda: ast.literal_eval("{")),
    Driven("asyncio timeout", "TRANSIENT_NETWORK,EXTERNAL_TIMEOUT", True, timed_out),
    Driven("group of a reset", "TRANSIENT_NETWORK", True, group),
    Driven("cancelled future", "UNKNOWN", False, cancelled),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_failure_of_code_or_data_is_understood(case: Driven) -> None:
    check(case)
