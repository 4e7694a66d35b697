"""``python -m redrive.keeper``: the keeper that a worker starts for itself."""

from __future__ import annotations

import argparse
import logging
import sys

import django


def main() -> int:
    """Run a keeper until its parent is gone or it is told to stop. Exit code 0; 2 if the project cannot be loaded."""
    parser = argparse.ArgumentParser(prog="redrive.keeper")
    parser.add_argument("--worker", default="", help="id of the worker to vouch for")
    parser.add_argument("--parent", type=int, default=0, help="process whose end is also ours")
    parser.add_argument("--app", default="", help="module:attribute of the Celery app")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="[%(asctime)s: %(levelname)s/keeper] %(message)s")
    django.setup()
    from redrive.keeper.run import run

    return run(worker=options.worker, parent=options.parent, app_name=options.app or None)


if __name__ == "__main__":
    sys.exit(main())
