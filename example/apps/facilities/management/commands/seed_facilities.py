"""`manage.py seed_facilities`: the company's starting data."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from apps.facilities import seed


class Command(BaseCommand):
    help = "Fills an empty database with the company's starting data; does nothing when it is there already."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="chooses amounts and values (default 1)")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = seed.fill(timezone.now(), seed=options["seed"])
        self.stdout.write(f"{rows} rows created" if rows else "The data is there already; nothing created")
