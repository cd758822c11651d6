"""`manage.py drain`: work off all that is pending in every stage, then exit."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdp_site import health, stages


class Command(BaseCommand):
    help = "Work off everything that is pending in every stage, then exit. Safe beside running workers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if problem := health.migrations()[0]:
            raise CommandError(f"{problem}.")
        report = stages.drain_all()
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for name, count in report.items():
            self.stdout.write(f"{name.replace('_', ' '):22}{count:>14,}")
