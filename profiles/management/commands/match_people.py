"""`manage.py match_people`: compare all people, here and now, and say what was found."""

import json
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from cdp_site import stages
from cdp_site.models import Progress
from profiles.matching import job
from profiles.models import MatchRun


class Command(BaseCommand):
    help = "Look for people who may be one although they share no identifier. Goes on where a stopped run was."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        run = job.ask("manage.py")
        try:
            self._follow(run)
        except KeyboardInterrupt:
            raise CommandError("Stopped. The workers, or the same command, go on where it was.") from None
        run.refresh_from_db()
        if run.trouble:
            raise CommandError(run.trouble)
        report = {
            "people": run.people, "pairs": run.pairs, "suggested": run.found, "joined": run.joined,
            "seconds": round(time.monotonic() - started, 1),
        }  # fmt: skip
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for what, number in report.items():
            self.stdout.write(f"{what:12}{number:>14,}")

    def _follow(self, run: MatchRun) -> None:
        """Work on it; where a worker does already, wait for that."""
        with tqdm(total=100, unit="%", desc="matching", disable=not sys.stderr.isatty()) as bar:
            while MatchRun.objects.filter(pk=run.pk, running=True).exists():
                if not stages.run("match"):
                    time.sleep(0.5)
                found = Progress.objects.filter(name=job.NAME).first()
                bar.update(found.done - bar.n if found else 0)
