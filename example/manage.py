#!/usr/bin/env python
"""Django's command line for the reference project: needs no server, only an environment with Redrive in it."""

import os
import sys
from pathlib import Path

# `example/manage.py` may be typed from any directory; `apps`, `config` and `services` live beside this file.
sys.path.insert(0, str(Path(__file__).resolve().parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> None:
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
