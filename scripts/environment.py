"""Make `.venv` with what is pinned in `requirements-dev.txt`, when that has changed; nothing to do takes 0.05
s.

    python3 scripts/environment.py            the environment
    python3 scripts/environment.py --system   also, as root on Debian and its kin, the programs that only the
    tests need

Needs Python 3.11 and its standard library, nothing else: it runs before anything is installed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "installed-from"
INPUTS = ("pyproject.toml", "requirements-dev.txt", "scripts/environment.py")

# What the tests use beside the wheels: Debian's package and a program by which it is seen to be there.
SYSTEM_PACKAGES = {"rabbitmq-server": "/usr/lib/rabbitmq/bin/rabbitmq-server", "chromium": "chromium"}
POLICY = Path("/usr/sbin/policy-rc.d")


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - runs on whatever Python was given
        raise SystemExit(f"Redrive needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    if "--system" in sys.argv[1:]:
        install_system_packages()
    wanted = fingerprint()
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return
    make_environment()
    install_requirements()
    STAMP.write_text(wanted)


def fingerprint() -> str:
    digest = hashlib.sha256()
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def make_environment() -> None:
    if PYTHON.exists() and subprocess.run([PYTHON, "-c", ""], check=False).returncode == 0:
        return
    say(f"making .venv with Python {sys.version.split()[0]}")
    try:
        import ensurepip  # noqa: F401 - Debian ships it in a package of its own
    except ImportError:
        package = f"python3.{sys.version_info.minor}-venv"
        if not apt_install(package):
            raise SystemExit(f"This Python makes no environments; type: apt-get install {package}") from None
    # In a process of its own: an ensurepip that was just installed is not seen by this one.
    run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)])


def install_requirements() -> None:
    """With uv, which takes seconds; with pip where uv cannot be had or does not know the machine's package
    index.
    """
    say("installing requirements-dev.txt")
    what = ["-r", "requirements-dev.txt", "-e", "."]
    quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet"]
    uv = ENVIRONMENT / "bin" / "uv"
    if not has_pip():
        run([str(PYTHON), "-m", "ensurepip", "--upgrade"])
    if subprocess.run([*pip, "uv"], cwd=ROOT, env=quiet, check=False).returncode == 0:
        # Compiled now, once: the tests start hundreds of processes that import all of it.
        command = [str(uv), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON), *what]
        if subprocess.run(command, cwd=ROOT, check=False).returncode == 0:
            return
        say("uv did not manage; trying pip")
    run([*pip, *what], environment=quiet)


def has_pip() -> bool:
    return subprocess.run([PYTHON, "-c", "import pip"], check=False, capture_output=True).returncode == 0


def install_system_packages() -> None:
    """Best effort: what cannot be installed, the tests name in their last lines."""
    missing = [package for package, program in SYSTEM_PACKAGES.items() if not shutil.which(program)]
    for package in missing:
        apt_install(package)


def apt_install(package: str) -> bool:
    """Whether the package is installed now. Only as root, without questions, without starting any service."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    say(f"installing {package} with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with services_stay_down():
        for command in (
            ["apt-get", "update"],
            ["apt-get", "install", "-y", "--no-install-recommends", package],
        ):
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode != 0:
                say(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}")
                return False
    return True


@contextmanager
def services_stay_down() -> Iterator[None]:
    """Debian starts a service with its package unless this file says no; the tests start their own servers."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def run(command: list[str], *, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(f"failed: {' '.join(command)}")


def say(text: str) -> None:
    print(f"[environment] {text}", flush=True)


if __name__ == "__main__":
    main()
