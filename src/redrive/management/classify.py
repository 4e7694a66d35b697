"""``manage.py redrive classify``: what a printed traceback means, and why."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from redrive.conf import get_settings
from redrive.payload import mask
from redrive.taxonomy import Classification, FailureTaxonomy, fingerprint, parse_text


def add_classify(parser: CommandParser) -> None:
    """Its arguments."""
    parser.add_argument(
        "file", nargs="?", default="-", help="a file with a traceback or a log; - or nothing: stdin"
    )
    parser.add_argument("--task", default="", help="the task's name, if the text does not say it")


def run_classify(command: BaseCommand, *, file: str, task: str, as_json: bool) -> int:
    """Explain the last failure in a text. Raises CommandError where there is none."""
    found = parse_text(_read(file))
    if found.facts is None:
        raise CommandError(
            "No exception was found. Give the whole traceback, down to its last line (ValueError: ...)."
        )
    task = task or found.task_name
    answer = FailureTaxonomy.classify_facts(found.facts, {"task_name": task} if task else {})
    name = fingerprint(found.facts, task)
    masking = get_settings().masking
    data: dict[str, Any] = mask(
        {**answer.to_dict(), "fingerprint": name, "task_name": task, "failures": found.failures},
        fields=(),
        patterns=masking.patterns,
    )
    if as_json:
        command.stdout.write(json.dumps(data, indent=2))
        return 0
    lines = _lines(answer, data)
    if found.failures > 1:
        lines.append(f"\nThe text has {found.failures} failures; this is the last.")
    if not task:
        lines.append("\nThe fingerprint is made with the task's name: give it with --task.")
    command.stdout.write("\n".join(lines))
    return 0


def _read(file: str) -> str:
    if file == "-":
        if sys.stdin.isatty():
            sys.stderr.write("Paste a traceback, then type Ctrl-D.\n")
        return sys.stdin.read()
    try:
        return Path(file).read_text("utf-8", "replace")
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from error


def _lines(answer: Classification, data: dict[str, Any]) -> list[str]:
    retry = (
        f"yes, after {answer.retry_delay_seconds:,.0f} s"
        if answer.retry_recommended
        else "no: it would fail again"
    )
    lines = [
        f"{answer.failure_type.value}, {answer.confidence:.0%} sure",
        "",
        data["remediation_details"],
        "",
        f"retry        {retry}",
        f"to do        {', '.join(data['remediation_actions'])}",
        f"exception    {answer.exception_type}",
        f"fingerprint  {data['fingerprint']}" + (f" (task {data['task_name']})" if data["task_name"] else ""),
    ]
    if data["evidence"]:
        lines += ["", "because"]
    for item in data["evidence"]:
        place = "" if item["where"] == "exception" else f" ({item['where']})"
        lines.append(f"  {item['says']:<24} {item['trust']:>4.0%}  {item['found']}{place}")
        lines.append(f"  {'':<24}       {item['rule']}: {item['source']}")
    return lines
