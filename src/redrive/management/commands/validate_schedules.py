"""``manage.py validate_schedules``: what is wrong with the project's beat schedule."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from redrive import runtime
from redrive.management import schedules


class Command(BaseCommand):
    """Exit code 0: no fault; 1: a fault, or the schedule cannot be read."""

    help = (
        "Examines the beat schedule, of the settings and of django-celery-beat: idempotency and duplicates."
        " Exits with 1 if it finds a fault."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """One switch per check; without any all checks run."""
        parser.add_argument(
            "--check-idempotency",
            action="store_true",
            help="scheduled tasks that should be idempotent and are not, and idempotent ones that are due again while"
            " their last result stands",
        )
        parser.add_argument(
            "--check-duplicates", action="store_true", help="schedules that make the same call"
        )
        parser.add_argument("--schedule-id", metavar="ID", help="only this schedule: its number or its name")
        parser.add_argument("--format", choices=["text", "json"], default="text")
        parser.add_argument("--output", metavar="FILE", help="write the report into a file")
        parser.add_argument("--verbose", action="store_true", help="list every schedule as well")

    def handle(self, *args: Any, **options: Any) -> None:
        """Report, and exit with 1 if there is a fault."""
        checks = [name for name in schedules.CHECKS if options[f"check_{name}"]] or list(schedules.CHECKS)
        text, code = schedules.report(
            checks,
            runtime.clock.now(),
            schedule_id=options["schedule_id"],
            as_json=options["format"] == "json",
            verbose=options["verbose"],
        )
        if options["output"]:
            try:
                Path(options["output"]).write_text(text + "\n", "utf-8")
            except OSError as error:
                raise CommandError(f"{options['output']} cannot be written: {error.strerror}") from error
        else:
            self.stdout.write(text)
        if code:
            sys.exit(code)
