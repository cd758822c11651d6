"""`manage.py segments`: count a rule, export segments as text, import them from a file, print the rules' JSON Schema."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from segments import exchange
from segments.blocks import sealing
from segments.counting import count
from segments.describe import describe
from segments.rules import Cycle, RuleError, UnknownSegment
from segments.rules.schema import schema
from segments.text import TextError, parse


class Command(BaseCommand):
    help = "Count the people whom a rule finds; export segments as text; import them from a file; print the JSON Schema of rules."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        counting = acts.add_parser("count", help="how many people a rule finds")
        counting.add_argument("--rule", required=True, help="the rule, as text or JSON (see docs/segments.md)")
        counting.add_argument("--at", help="as of this moment, such as 2026-11-24T09:30:00Z (default: now)")
        counting.add_argument("--json", action="store_true", help="print one line of JSON")
        blocks = acts.add_parser("blocks", help="the copies of past events that answer quickly: how far they are")
        blocks.add_argument("--drop", action="store_true", help="throw them away; answers stay the same, and slower")
        blocks.add_argument("--json", action="store_true", help="print one line of JSON")
        exporting = acts.add_parser("export", help="all segments as text")
        exporting.add_argument("--output", help="the file to write (default: the screen)")
        exporting.add_argument("--json", action="store_true", help="print one line of JSON")
        importing = acts.add_parser("import", help="make or change segments as a file says")
        importing.add_argument("file", help="what export wrote, edited or not")
        importing.add_argument(
            "--dry-run", action="store_true", help="say what would be new and changed, and change nothing"
        )
        importing.add_argument("--json", action="store_true", help="print one line of JSON")
        acts.add_parser("schema", help="the JSON Schema of rules")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["act"]:
            case "blocks":
                self._blocks(drop=options["drop"], as_json=options["json"])
            case "count":
                self._count(options["rule"], options["at"], as_json=options["json"])
            case "export":
                self._export(options["output"], as_json=options["json"])
            case "schema":
                self.stdout.write(json.dumps(schema(), indent=2))
            case _:
                self._import(options["file"], dry=options["dry_run"], as_json=options["json"])

    def _blocks(self, *, drop: bool, as_json: bool) -> None:
        found = {"dropped": sealing.drop()} if drop else sealing.state()
        if as_json:
            self.stdout.write(json.dumps(found))
            return
        self.stdout.write(", ".join(f"{number:,} {what}" for what, number in found.items()))

    def _count(self, text: str, at: str | None, *, as_json: bool) -> None:
        try:
            rule = parse(text)
        except (TextError, RuleError) as error:
            raise CommandError(f"--rule: {error}") from None
        try:
            found = count(rule, _moment(at), sample=0)
        except (UnknownSegment, Cycle) as error:
            raise CommandError(f"--rule: {error}") from None
        if as_json:
            self.stdout.write(json.dumps({"count": found.count, "of": found.of, "milliseconds": found.milliseconds}))
            return
        self.stdout.write(describe(rule))
        self.stdout.write(
            f"{found.count:,} of {found.of:,} people ({found.share:.1%}), in {found.milliseconds:,.0f} ms"
        )

    def _export(self, output: str | None, *, as_json: bool) -> None:
        try:
            text = json.dumps([asdict(one) for one in exchange.listed()]) + "\n" if as_json else exchange.written()
        except exchange.Unwritable as error:
            raise CommandError(str(error)) from None
        if not output:
            self.stdout.write(text, ending="")
            return
        try:
            Path(output).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{output} can't be written: {error.strerror}.") from None

    def _import(self, file: str, *, dry: bool, as_json: bool) -> None:
        try:
            text = Path(file).read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise CommandError(f"{file} is no text in UTF-8, such as export writes.") from None
        try:
            with transaction.atomic():
                report = exchange.take(text)
                transaction.set_rollback(dry)
        except exchange.LineError as error:
            raise CommandError(f"{file}, {error}; nothing was changed") from None
        except exchange.Unwritable as error:
            raise CommandError(f"{error} Nothing was changed.") from None
        if as_json:
            counts = {"made": report.made, "changed": report.changed, "same": report.same}
            self.stdout.write(json.dumps(counts | {"segments": {one.name: _what(one) for one in report.segments}}))
            return
        for one in report.segments:
            if one.parts:
                self.stdout.write(f"{_what(one):8} {one.name}{'' if one.made else f': {_listed(one.parts)}'}")
        would = "; nothing was written, as this was a dry run" if dry else ""
        self.stdout.write(f"{report.made:,} made, {report.changed:,} changed, {report.same:,} as they were{would}")


def _what(outcome: exchange.Outcome) -> str:
    return "made" if outcome.made else "changed" if outcome.parts else "same"


def _listed(parts: tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _moment(at: str | None) -> datetime | None:
    if at is None:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise CommandError(f"--at: {at!r} is no moment such as 2026-11-24T09:30:00Z") from None
    # Events are kept from 1970 on, and a window reaches back from the moment: earlier ones have nobody in them.
    if not 1970 <= moment.year <= 9998:
        raise CommandError(f"--at: {at!r} is too far away; from 1970 on there are events")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
