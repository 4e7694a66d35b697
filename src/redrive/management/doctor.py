"""``manage.py redrive doctor``: arguments in, findings and an exit code out."""

from __future__ import annotations

import difflib
import json
import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser

from redrive.doctor import IDS, examine, exit_code, gather, to_dict, to_lines

_WIPE = "\r\x1b[K"
"""Back to the start of the line, and clear it."""


def add_doctor(parser: CommandParser) -> None:
    """The verb's arguments. Django's own checks do not end it first: they are among its findings."""
    parser.set_defaults(skip_checks=True)
    parser.add_argument("--strict", action="store_true", help="exit with 1 if there are warnings")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="ID",
        help="leave findings of this id out; repeatable",
    )


def run_doctor(command: BaseCommand, *, strict: bool, ignore: list[str], as_json: bool) -> int:
    """Examine, print, and give the exit code: 0, 1 (warnings, strict), 2 (errors).

    Raises:
        CommandError: An ignored id does not exist.
    """
    for id in ignore:
        if id not in IDS:
            close = difflib.get_close_matches(id, IDS, n=1)
            hint = f"Did you mean {close[0]}?" if close else "See docs/doctor.md for all of them."
            raise CommandError(f"There is no finding {id!r}. {hint}")
    shows_progress = sys.stderr.isatty() and not as_json

    def progress(what: str) -> None:
        if shows_progress:
            command.stderr.write(f"{_WIPE}Asking {what} ...", style_func=str, ending="")
            command.stderr.flush()

    facts = gather(progress)
    if shows_progress:
        command.stderr.write(_WIPE, style_func=str, ending="")
    findings = examine(facts, ignore=ignore)
    if as_json:
        command.stdout.write(json.dumps(to_dict(findings, strict=strict), indent=2))
    else:
        command.stdout.write("\n".join(to_lines(findings)))
    return exit_code(findings, strict=strict)
