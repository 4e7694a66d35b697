"""Build the wheel and test it as a user gets it: installed in a new environment, without `src` beside the tests.

    python scripts/wheel.py                  pinned versions, the unit tier and one task's way from failure to recovery
    python scripts/wheel.py --pair oldest    one end of what is supported (see PAIRS), most tests
    python scripts/wheel.py -- -k breaker    what follows -- goes to pytest instead

Exit codes: 0 passed, 1 failed, 3 the Python of the pair is not on this machine (said in the last line).
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = ROOT / ".venv" / "bin" / "uv"
NEEDS_SERVERS = "servers or celery or rabbitmq or web"
ONE_WAY = "test_transient_failure_of_a_declared_task_recovers_by_itself"
ONLY_PINNED = (
    "chaos",
    "contract",
    "doctor",
    "example",
    "idempotency/conformance",
    "taxonomy/drivers",
    # Not shown yet with other versions than the pinned ones:
    "endings",
    "gate/test_gate_survives.py",
    "gate/test_outage_for_real.py",
    "path/test_bad_input.py",
    "path/test_canvas.py",
    "path/test_kills.py",
    "path/test_results_away.py",
)


@dataclass(frozen=True)
class Versions:
    """What to test the wheel with: a Python, limits for some packages (none: what is pinned), and which tests."""

    python: str
    limits: tuple[str, ...] = ()
    # What depends on versions of Python, Django or Celery: decisions, stores, pages, a task's path. The rest is tested
    # with the pinned versions only, to keep a run short.
    tests: tuple[str, ...] = ("-m", "not web", *(f"--ignore=tests/{name}" for name in ONLY_PINNED))


PAIRS = {
    "oldest": Versions("3.11", ("django==5.2.*", "celery==5.5.*")),
    "newest": Versions("3.13", ("django>=6,<7", "celery>=5.7")),
}
PINNED = Versions(f"{sys.version_info.major}.{sys.version_info.minor}")

NO_SUCH_PYTHON = 3
TEST_PROCESSES = 4  # as in the Makefile
NOT_FOR_TESTS = (
    ".git",
    ".venv",
    "src",
    "var",
    "dist",
    "build",
    "__pycache__",
    "*.egg-info",
    ".*_cache",
    "uv.lock",
)

# Without any of these the wheel installs and imports, and fails later at a user's.
MUST_CONTAIN = (
    "redrive/py.typed",
    "redrive/migrations/0001_",
    "redrive/templates/redrive/",
    "redrive/static/redrive/",
)

TELL_VERSIONS = """
import platform
from importlib.metadata import version
import redrive
assert "site-packages" in redrive.__file__, redrive.__file__
names = ("django", "celery", "kombu", "redis", "psycopg")
print("[wheel] Python", platform.python_version(), *(f"{name} {version(name)}" for name in names), flush=True)
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--pair", choices=PAIRS, help="versions to test with; without it those that are pinned"
    )
    parser.add_argument("pytest", nargs="*", help="arguments for pytest")
    options = parser.parse_args()
    versions = PAIRS[options.pair] if options.pair else PINNED
    python = find_python(versions.python)
    if python is None:
        say(f"Python {versions.python} is not on this machine: nothing was tested with it")
        return NO_SUCH_PYTHON
    with tempfile.TemporaryDirectory(prefix="redrive-wheel-") as place:
        target, checkout = install(Path(place), python, versions.limits)
        if options.pytest:
            return pytest(target, checkout, options.pytest)
        if options.pair:
            return pytest(target, checkout, versions.tests)
        return pytest(target, checkout, ("-m", f"not ({NEEDS_SERVERS})")) or pytest(
            target, checkout, ("tests/newcomer", "-k", ONE_WAY)
        )


def install(place: Path, python: str, limits: tuple[str, ...]) -> tuple[Path, Path]:
    """The Python of a new environment with the wheel in it, and a copy of everything but `src`."""
    wheel = build(place)
    environment = place / "environment"
    run([python, "-m", "venv", "--without-pip", str(environment)])
    target = environment / "bin" / "python"
    uv = [str(UV), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(target)]
    if limits:
        run([*uv, f"{wheel}[{extras()}]", *limits, "--group", f"{ROOT / 'pyproject.toml'}:dev"])
    else:
        run([*uv, str(wheel), "-r", str(ROOT / "requirements-dev.txt")])
    checkout = place / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*NOT_FOR_TESTS))
    run([str(target), "-c", TELL_VERSIONS], cwd=checkout)
    return target, checkout


def pytest(target: Path, checkout: Path, arguments: Sequence[str]) -> int:
    command = [target, "-m", "pytest", "-q", "-n", str(TEST_PROCESSES), *arguments]
    environment = activated(target.parent.parent)
    return 1 if subprocess.run(command, cwd=checkout, env=environment, check=False).returncode else 0


def build(place: Path) -> Path:
    run([str(UV), "build", "--quiet", "--wheel", "--out-dir", str(place), str(ROOT)])
    (wheel,) = place.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    missing = [start for start in MUST_CONTAIN if not any(name.startswith(start) for name in names)]
    strangers = [name for name in names if not name.startswith(("redrive/", "redrive-"))]
    if missing or strangers:
        raise SystemExit(f"[wheel] not in the wheel: {missing}; should not be in the wheel: {strangers[:10]}")
    return wheel


def extras() -> str:
    return ",".join(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def find_python(version: str) -> str | None:
    """A Python of this version that runs: on PATH, or one that pyenv keeps beside the PATH."""
    homes = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    beside = [str(path) for home in homes for path in sorted(home.glob(f"{version}.*/bin/python{version}"))]
    wanted = f"import sys; sys.exit(sys.version_info[:2] != {tuple(map(int, version.split('.')))})"
    for candidate in (f"python{version}", "python3", *reversed(beside)):
        program = shutil.which(candidate)
        if (
            program
            and subprocess.run([program, "-c", wanted], check=False, capture_output=True).returncode == 0
        ):
            return program
    return None


def activated(environment: Path) -> dict[str, str]:
    """The variables of a shell in which this environment is active, and nothing else is importable."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return kept | {"VIRTUAL_ENV": str(environment), "PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}


def run(command: list[str], cwd: Path = ROOT) -> None:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=variables, check=False)
    if done.returncode != 0:
        raise SystemExit(f"[wheel] failed: {' '.join(command)}")


def say(text: str) -> None:
    print(f"[wheel] {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
