"""The machine: memory, disks, files, processes."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from redrive.taxonomy import ExceptionFacts, FailureTaxonomy
from tests.taxonomy.drivers.driven import Driven, check


def write_all(file: str) -> None:
    with open(file, "w") as out:
        out.write("x")
        out.flush()


def run(*command: Any, **options: Any) -> Any:
    return lambda _: subprocess.run(command, check=True, capture_output=True, text=True, **options)


def python(script: str, **options: Any) -> Any:
    return run(sys.executable, "-c", script, **options)


def too_many_files(folder: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")), hard))
    opened = []
    try:
        while True:
            opened.append(open(os.devnull))  # noqa: SIM115
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for file in opened:
            file.close()


def not_a_program(folder: Path) -> None:
    program = folder / "report"
    program.write_text("no program at all")
    program.chmod(0o755)
    subprocess.run([program])


def not_executable(folder: Path) -> None:
    program = folder / "script"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o644)
    subprocess.run([program])


CASES = (
    Driven("disk full", "SYSTEM_DISK_FULL", False, lambda _: write_all("/dev/full")),
    Driven(
        "disk full while copying",
        "SYSTEM_DISK_FULL",
        False,
        lambda _: shutil.copyfile(__file__, "/dev/full"),
    ),
    Driven(
        "disk full in a child",
        "SYSTEM_DISK_FULL",
        False,
        run("sh", "-c", "cat /etc/passwd > /dev/full"),
    ),
    Driven("more memory than there is", "SYSTEM_OUT_OF_MEMORY", True, lambda _: bytearray(1 << 62)),
    Driven(
        "no such data file", "PERMANENT_NOT_FOUND", False, lambda folder: (folder / "order.csv").read_text()
    ),
    Driven("no such folder", "PERMANENT_NOT_FOUND", False, lambda folder: os.listdir(folder / "orders")),
    Driven(
        "a folder is no file",
        "PERMANENT_LOGIC,PERMANENT_VALIDATION,CONFIG_INVALID_SETTING",
        False,
        lambda folder: folder.read_text(),
    ),
    Driven(
        "a file is no folder",
        "PERMANENT_NOT_FOUND,PERMANENT_LOGIC,PERMANENT_VALIDATION,CONFIG_INVALID_SETTING",
        False,
        lambda _: os.listdir(__file__),
    ),
    Driven(
        "exists already",
        "PERMANENT_LOGIC,PERMANENT_VALIDATION",
        False,
        lambda folder: folder.mkdir(),
    ),
    Driven(
        "no right to write",
        "PERMANENT_PERMISSION,CONFIG_INVALID_SETTING",
        False,
        lambda _: write_all("/proc/sys/kernel/ostype"),
    ),
    Driven(
        "no right to run",
        "PERMANENT_PERMISSION,CONFIG_INVALID_SETTING,CONFIG_MISSING_SERVICE",
        False,
        not_executable,
    ),
    Driven(
        "not a program", "CONFIG_INVALID_SETTING,PERMANENT_LOGIC,CONFIG_MISSING_SERVICE", False, not_a_program
    ),
    Driven("name too long", "PERMANENT_VALIDATION", False, lambda folder: (folder / ("x" * 300)).read_text()),
    Driven(
        "too many open files",
        "CONFIG_INVALID_SETTING,PERMANENT_LOGIC,TRANSIENT_NETWORK,SYSTEM_OUT_OF_MEMORY",
        False,
        too_many_files,
    ),
    Driven("program not installed", "CONFIG_MISSING_SERVICE", False, run("wkhtmltopdf-of-nobody", "a.html")),
    Driven(
        "program not installed, by shell",
        "CONFIG_MISSING_SERVICE",
        False,
        run("no-such-program-here", shell=True),
    ),
    Driven("child says nothing", "UNKNOWN", False, run("false")),
    Driven(
        "child names a missing module",
        "CONFIG_MISSING_SERVICE,PERMANENT_LOGIC",
        False,
        python("import no_such_module_of_anybody"),
    ),
    Driven("child killed", "SYSTEM_OUT_OF_MEMORY", True, python("import os; os.kill(os.getpid(), 9)")),
    Driven("child crashed", "UNKNOWN", False, python("import os; os.kill(os.getpid(), 11)")),
    Driven("child too slow", "EXTERNAL_TIMEOUT,PERMANENT_LOGIC", True, run("sleep", "5", timeout=0.05)),
    Driven(
        "no such working folder",
        # Not to be told from a program that was named with its path.
        "PERMANENT_NOT_FOUND,CONFIG_INVALID_SETTING,CONFIG_MISSING_SERVICE",
        False,
        run("true", cwd="/srv/no/such/folder"),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_system_failure_is_understood(case: Driven, tmp_path: Path) -> None:
    check(case, tmp_path)


LIMIT = "resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))"
IN_A_PROCESS_OF_ITS_OWN = {
    "allocation": f"{LIMIT}\nheld = []\nwhile True: held.append(bytearray(4_000_000))",
    "list": f"{LIMIT}\nheld = [0]\nwhile True: held = held * 2",
    "read": f"{LIMIT}\nopen('/dev/zero', 'rb').read(1 << 30)",
    "child of a pool killed": (
        "pool = concurrent.futures.ProcessPoolExecutor(1)\n"
        "pool.submit(os.kill, pool.submit(os.getpid).result(), 9).result()"
    ),
}


@pytest.mark.parametrize("script", IN_A_PROCESS_OF_ITS_OWN.values(), ids=IN_A_PROCESS_OF_ITS_OWN)
def test_lack_of_memory_is_understood(script: str) -> None:
    body = f"""
        import concurrent.futures, json, os, resource
        from redrive.taxonomy import extract
        try:
            exec({script!r})
        except BaseException as problem:
            held = None
            print(json.dumps(extract(problem).to_dict()))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(body)], capture_output=True, text=True, check=True, timeout=60
    )

    answer = FailureTaxonomy.classify_facts(ExceptionFacts.from_dict(json.loads(done.stdout)))

    assert answer.failure_type.value == "SYSTEM_OUT_OF_MEMORY"
    assert answer.retry_recommended
