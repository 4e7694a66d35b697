"""``manage.py redrive <verb>``: what the pages do, for shells and scripts."""

from __future__ import annotations

import argparse
import difflib
import getpass
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, InterfaceError
from kombu.exceptions import OperationalError

from redrive import runtime
from redrive.conf import MODES, forget_mode, get_mode, get_settings, spill_unsafe, switch_file
from redrive.dead_letters import Acted
from redrive.directories import make, owner_of, user_name
from redrive.leases import StoreUnavailable
from redrive.management.chord_body import NoChord, run_chord_body
from redrive.management.classify import add_classify, run_classify
from redrive.management.doctor import add_doctor, run_doctor
from redrive.management.gate import add_gate, degraded_words, run_gate
from redrive.management.simulate import add_simulate, run_simulate
from redrive.priority import TaskPriority
from redrive.stores.sql import pages
from redrive.stores.sql.detail import record_detail, resolve_id
from redrive.stores.sql.hindsight import UNDECLARED_SPAN, in_words, undeclared_tasks
from redrive.taxonomy import FailureType

MOST_AT_ONCE = 10_000
"""Records that one ``--all`` takes."""
EXIT_SOME_REFUSED = 3
"""Exit code of ``retry`` and ``abandon`` when at least one record could not be changed."""


class Command(BaseCommand):
    """Look at failed tasks, send them back to work, give them up, run the keeper.

    Exit codes: 0 done, 1 an error (the message says what to type), 3 some records were refused. ``doctor`` has its own:
    0 nothing wrong, 1 warnings (with ``--strict``), 2 errors.
    """

    help = "Failed tasks: status, list, show, retry, abandon; mode; and the keeper that sends waiting ones."

    def add_arguments(self, parser: CommandParser) -> None:
        """One sub-command per verb."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", parser_class=_VerbParser)

        def verb(name: str, text: str) -> CommandParser:
            sub: CommandParser = verbs.add_parser(name, help=text, description=text)
            sub.add_argument("--json", action="store_true", help="print JSON")
            return sub

        verb("status", "Counts by status and type, waiting spill, breakers.")
        listing = verb("list", "Records, newest failure first.")
        _add_filters(listing)
        listing.add_argument("--page", type=int, default=1, help="which page of 50 (default 1)")
        show = verb("show", "One record: why it failed, what was decided, its attempts.")
        show.add_argument("record", help="record id or task id")
        body = verb("chord-body", "Run the body of the chord that a dead task was a member of.")
        body.add_argument("record", help="record id or task id of the member")
        body.add_argument("--results", required=True, help="JSON list: what the members would have returned")
        body.add_argument("--reason", default="", help="why, for the audit")
        for name, text in (("retry", "Send records back to work."), ("abandon", "Give records up.")):
            act = verb(name, text)
            act.add_argument("records", nargs="*", help="record ids or task ids")
            _add_filters(act)
            act.add_argument("--all", action="store_true", help="every record that fits the filters")
            act.add_argument("--reason", default="", help="why, for the audit")
            if name == "retry":
                act.add_argument(
                    "--errbacks", action="store_true", help="let errbacks that have fired fire again"
                )
                levels = [level.name for level in TaskPriority]
                act.add_argument("--priority", choices=levels, help="another priority, with its queue")
        mode = verb("mode", "Say or switch the mode on this machine, while workers run.")
        mode.add_argument(
            "mode", nargs="?", choices=[*MODES, "default"], help="default: as set in REDRIVE['MODE']"
        )
        verb("keeper", "Run a keeper in the foreground until Ctrl-C.")
        add_classify(
            verb("classify", "Read a traceback from a file or stdin, and say what it means and why.")
        )
        add_gate(verb("gate", "Circuit breakers: list them, force one open or closed, observe only, reset."))
        add_simulate(
            verb("simulate", "What changed policies would do: recorded failures or a scenario, replayed.")
        )
        add_doctor(verb("doctor", "Examine the live system: what is wrong, what it means, what to type."))

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb."""
        handlers: dict[str, Callable[..., int]] = {
            "status": self._status,
            "list": self._list,
            "show": self._show,
            "retry": self._retry,
            "abandon": self._abandon,
            "chord-body": self._chord_body,
            "mode": self._mode,
            "keeper": self._keeper,
            "classify": self._classify,
            "doctor": self._doctor,
            "gate": self._gate,
            "simulate": self._simulate,
        }
        try:
            code = handlers[options["verb"]](**options)
        except (StoreUnavailable, DatabaseError, InterfaceError) as exc:
            hint = "Are its tables there? Type: manage.py migrate redrive"
            raise CommandError(f"The database cannot be used: {exc}\n{hint}") from exc
        if code:
            sys.exit(code)

    def _print(self, as_json: bool, data: Any, lines: list[str]) -> None:
        self.stdout.write(json.dumps(data, indent=2, default=_plain) if as_json else "\n".join(lines))

    def _status(self, **options: Any) -> int:
        counts = pages.count_by_status()
        types = {figure.failure_type: figure.count for figure in pages.type_figures(status="PENDING")}
        spill = runtime.spill().state()
        drained = pages.count_drained(runtime.clock.now() - timedelta(hours=24))
        in_list = "" if spill.list_lines is None else f" ({spill.list_lines:,} in the Redis list)"
        breakers = runtime.gate().states()
        undeclared = undeclared_tasks(runtime.clock.now() - UNDECLARED_SPAN)
        data = {
            "mode": get_mode(),
            "records": {status: count.value for status, count in counts.items()},
            "pending_by_type": types,
            "spill": {
                "waiting_lines": spill.waiting_lines,
                "waiting_bytes": spill.waiting_bytes,
                "rejected_lines": spill.rejected_lines,
                "newer_lines": spill.newer_lines,
                "list_lines": spill.list_lines,
                "drained_24h": drained,
                "directory": str(get_settings().spill.directory),
            },
            "breakers": [breaker.to_dict() for breaker in breakers.breakers],
            "gate_degraded": breakers.degraded,
            "undeclared": [asdict(row) for row in undeclared],
        }
        lines = [
            f"mode      {get_mode()}",
            *(f"{status.lower():<9} {count}" for status, count in counts.items()),
            f"spill     {spill.waiting_lines:,} lines wait{in_list}, {spill.rejected_lines:,} set aside,"
            f" {drained:,} failures drained in 24 h ({get_settings().spill.directory})",
        ]
        if types:
            lines += ["", "dead, by type"]
            lines += [f"  {name:<24} {count:,}" for name, count in types.items()]
            lines += ["", "Look at them: manage.py redrive list --status PENDING"]
        lines += [degraded_words(breakers)] if breakers.degraded else []
        lines += ["", f"in 30 days, {in_words(undeclared)}"] if undeclared else []
        for breaker in breakers.breakers:
            if breaker.state.value != "closed":
                lines.append(f"breaker {breaker.downstream} is {breaker.state.value}: {breaker.reason}")
        self._print(options["json"], data, lines)
        return 0

    def _list(self, **options: Any) -> int:
        page = pages.list_records(_filters(options), max(1, options["page"]))
        rows = page.rows
        data = [asdict(row) for row in rows]
        lines = [
            f"{row.id:>7}  {row.status:<9} {row.failure_type:<23} {row.task_name}  "
            f"{_ago(row.last_failed_at)}  {_one_line(row.exception_message)}"
            for row in rows
        ]
        if page.has_next:
            lines.append(f"{page.total} in all. More: --page {page.number + 1}")
        if not rows:
            lines = ["No record fits." if _filters(options).to_query() else "No task has failed."]
        self._print(options["json"], data, lines)
        return 0

    def _show(self, **options: Any) -> int:
        record_id = self._resolve(options["record"])
        detail = record_detail(record_id)
        if detail is None:
            raise CommandError(f"There is no record {options['record']}. Type: manage.py redrive list")
        self._print(options["json"], detail.to_dict(), detail.lines())
        return 0

    def _retry(self, **options: Any) -> int:
        level = options["priority"]
        route = runtime.route_for(TaskPriority[level]) if level else None
        acted = runtime.dead_letter_service().retry(
            self._chosen(options),
            actor=_actor(),
            reason=options["reason"],
            route=route,
            errbacks=options["errbacks"],
        )
        return self._report(acted, "will run again", options["json"])

    def _abandon(self, **options: Any) -> int:
        acted = runtime.dead_letter_service().abandon(
            self._chosen(options), actor=_actor(), reason=options["reason"]
        )
        return self._report(acted, "abandoned", options["json"])

    def _chord_body(self, **options: Any) -> int:
        try:
            results = json.loads(options["results"])
        except ValueError as exc:
            raise CommandError(f"--results is no JSON ({exc}). Type: --results '[1, 2]'") from exc
        if not isinstance(results, list):
            raise CommandError("--results must be a list, a result per member: --results '[1, 2]'")
        try:
            task_id = run_chord_body(
                self._resolve(options["record"]), results, actor=_actor(), reason=options["reason"]
            )
        except (NoChord, OperationalError) as exc:
            raise CommandError(str(exc)) from exc
        self._print(options["json"], {"task_id": task_id}, [f"The chord's body is sent, as {task_id}."])
        return 0

    def _report(self, acted: Acted, done: str, as_json: bool) -> int:
        lines = [f"{len(acted.done):,} {done}."]
        lines += [f"Record {record_id}: {why}" for record_id, why in acted.refused.items()]
        self._print(as_json, {"done": acted.done, "refused": acted.refused}, lines)
        return EXIT_SOME_REFUSED if acted.refused else 0

    def _chosen(self, options: dict[str, Any]) -> list[int]:
        filters = _filters(options)
        if options["records"]:
            return [self._resolve(value) for value in options["records"]]
        if not options["all"]:
            raise CommandError("Name records (ids or task ids), or give filters and --all.")
        statuses = [filters.status] if filters.status else ["PENDING"]
        ids, total = pages.matching_ids(filters, statuses, MOST_AT_ONCE)
        if total.value > len(ids):
            self.stderr.write(
                f"{total} records fit; this takes the oldest {len(ids):,}. Type it again for the rest."
            )
        return list(ids)

    def _resolve(self, value: str) -> int:
        record_id = resolve_id(value)
        if record_id is None:
            raise CommandError(f"There is no record {value}. Type: manage.py redrive list")
        return record_id

    def _mode(self, **options: Any) -> int:
        path, user = switch_file(), user_name(os.geteuid())
        lines: list[str] = []
        if options["mode"] is not None:
            is_new = not path.parent.exists()
            try:
                _switch(path, options["mode"])
            except OSError as exc:
                raise CommandError(f"{path} cannot be written: {exc.strerror}") from exc
            forget_mode()
            verb = "Removed" if options["mode"] == "default" else "Written to"
            lines.append(f"{verb} {path} as {user}; workers that use this directory follow within a second.")
            if is_new:
                lines.append(
                    "Nothing had been there before: if workers run on this machine, type this as their user, or give"
                    " both the same REDRIVE['SPILL']['DIRECTORY']."
                )
            elif (owner := owner_of(path.parent)) != user:
                lines.append(f"The directory belongs to {owner}.")
        data = {"mode": get_mode(), "file": str(path), "user": user}
        self._print(options["json"], data, [f"Mode: {get_mode()}.", *lines])
        return 0

    def _keeper(self, **options: Any) -> int:
        import logging

        from redrive.keeper.run import run

        logging.basicConfig(level=logging.INFO, format="[%(asctime)s: %(levelname)s/keeper] %(message)s")
        return run()

    def _classify(self, **options: Any) -> int:
        return run_classify(self, file=options["file"], task=options["task"], as_json=options["json"])

    def _gate(self, **options: Any) -> int:
        chosen = {key: options[key] for key in ("action", "downstream", "reason")}
        return run_gate(self, **chosen, as_json=options["json"])

    def _simulate(self, **options: Any) -> int:
        chosen = {key: options[key] for key in ("scenario", "policy", "policies", "hours", "seed")}
        return run_simulate(self, **chosen, as_json=options["json"])

    def _doctor(self, **options: Any) -> int:
        return run_doctor(self, strict=options["strict"], ignore=options["ignore"], as_json=options["json"])


def _switch(path: Path, wanted: str) -> None:
    """Write or remove the switch file. Raises OSError, or CommandError if nobody would trust it there."""
    make(path.parent)
    if unsafe := spill_unsafe():
        raise CommandError(str(unsafe))
    if wanted == "default":
        path.unlink(missing_ok=True)
        return
    # In one step: a worker that looks meanwhile must not find an empty file.
    fresh = path.with_name(f"mode-{os.getpid()}.tmp")
    fresh.write_text(wanted)
    # Whoever may enter the directory may read it, also where root wrote it for them.
    fresh.chmod(0o644)
    fresh.replace(path)


class _VerbParser(CommandParser):
    """Django's parser wants ``called_from_command_line``; argparse does not pass it to sub-parsers."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("called_from_command_line", True)
        super().__init__(**kwargs)


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--status", choices=["PENDING", "RETRYING", "RESOLVED", "ABANDONED"], help="by status"
    )
    parser.add_argument("--task", default="", help="by task name, in part")
    parser.add_argument("--type", default="", help="by failure type, such as TRANSIENT_DATABASE")
    parser.add_argument("--business-unit", default="", help="by tenant")


def _filters(options: dict[str, Any]) -> pages.RecordFilter:
    kinds = [kind.value for kind in FailureType]
    if options["type"] and options["type"] not in kinds:
        close = difflib.get_close_matches(options["type"].upper(), kinds, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"Known types: {', '.join(kinds)}."
        raise CommandError(f"There is no failure type {options['type']!r}. {hint}")
    return pages.RecordFilter(
        status=options["status"] or "",
        task=options["task"],
        failure_type=options["type"],
        business_unit=options["business_unit"],
    )


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "command line"


def _plain(value: Any) -> str:
    """Moments as ISO 8601, anything else as text."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:99] + "…"


def _ago(moment: Any) -> str:
    if moment is None:
        return "-"
    seconds = int((runtime.clock.now() - moment).total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(0, seconds)} s ago"
