"""`manage.py seed_demo`: eighteen months of Harbour & Pine, its segments and its channel."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from cdp_site.demo.people import PEOPLE
from cdp_site.demo.seeding import seed


class Command(BaseCommand):
    help = "Send the demo company's history in. Needs workers (`manage.py work`); killed and started again, it goes on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--people", type=int, default=PEOPLE, help="how many customers (default 20,000)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        sent = seed(options["people"])
        report = {"messages": sent, "seconds": round(time.monotonic() - started, 1)}
        self.stdout.write(json.dumps(report) if options["json"] else f"{sent:,} messages in {report['seconds']} s")
