"""`manage.py doctor`: ask every invariant on the live database and say what is off."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cdp_site import checks, health


class Command(BaseCommand):
    help = "Check every invariant on the live database. Exit status 1 when something is off."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if problem := health.migrations()[0]:
            raise CommandError(f"{problem}.")
        findings = checks.run_all()
        healthy = all(finding.ok for finding in findings)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": healthy, "checks": [asdict(finding) for finding in findings]}))
        else:
            for finding in findings:
                mark = self.style.SUCCESS("ok ") if finding.ok else self.style.ERROR("OFF")
                self.stdout.write(f"{mark} {finding.name}" + ("" if finding.ok else f": {finding.detail}"))
        if not healthy:
            sys.exit(1)
