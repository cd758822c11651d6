"""`manage.py rebuild_identity`: make all people anew from the stored evidence, or say what that would change."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from cdp_site import stages
from cdp_site.models import Progress
from profiles import identity, preview, rebuild
from profiles.models import Rebuild


class Command(BaseCommand):
    help = (
        "Make all people anew from the stored evidence, by the rules as they are now. Messages may come in meanwhile."
        " Stopped in the middle, the same command (or a worker) goes on where it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would change, with examples")
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        report = self._look() if options["dry_run"] else self._rebuild()
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for what, figure in report.items():
            if what != "examples":
                self.stdout.write(f"{what.replace('_', ' '):18}{figure:>14,}")
        for example in report.get("examples", []):
            self.stdout.write(f"  {in_words(example, 'would ')}")

    def _look(self) -> dict[str, Any]:
        started = time.monotonic()
        outlook = preview.look(identity.load_kinds())
        return {
            "profiles_before": outlook.profiles_before, "profiles_after": outlook.profiles_after,
            "joined": outlook.joined, "parted": outlook.parted, "seconds": round(time.monotonic() - started, 3),
            "examples": outlook.examples,
        }  # fmt: skip

    def _rebuild(self) -> dict[str, Any]:
        under_way = Rebuild.objects.filter(ended_at=None, dry_run=False).exclude(began_at=None).first()
        asked = under_way or rebuild.ask("rebuild_identity")
        try:
            with tqdm(total=1_000, desc="Rebuild", unit="‰", disable=not sys.stderr.isatty()) as bar:
                while asked.under_way:
                    stages.work_once("rebuild")
                    asked.refresh_from_db()
                    self._show(bar, asked)
        except KeyboardInterrupt:
            raise CommandError("Stopped. The same command goes on where it was; so do the workers.") from None
        return {
            "profiles_before": asked.profiles_before, "profiles_after": asked.profiles_after, "joined": asked.joined,
            "parted": asked.parted, "seconds": asked.seconds,
        }  # fmt: skip

    def _show(self, bar: "tqdm[Any]", asked: Rebuild) -> None:
        bar.set_description(Rebuild.Step(asked.step).label)
        row = Progress.objects.filter(name=rebuild.NAME).first()
        if row is not None:
            bar.update(round(row.share * 1_000) - bar.n)


def in_words(example: dict[str, Any], would: str = "") -> str:
    """An example of what changes, as a sentence."""
    if "joined" in example:
        return f"{' and '.join(map(str, example['joined']))} {would}become one person"
    return f"{example['parted']} {would}fall apart into {example.get('into', 2)}"
