"""`manage.py attribution recompute`: all journeys of a goal, or of all goals, computed anew from what people did."""

import json
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Sum

from campaigns.attribution import goals
from campaigns.models import Goal, Journey
from cdp_site import stages


class Command(BaseCommand):
    help = "Compute journeys anew from people's events, here and now. Safe beside running workers; writes what differs only."

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        anew = acts.add_parser("recompute", help="all journeys of a goal, or of all goals, computed anew")
        anew.add_argument("--goal", help="a goal's name (default: all)")
        anew.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = Goal.objects.filter(enabled=True)
        if name := options["goal"]:
            chosen = chosen.filter(name=name)
            if not chosen.exists():
                there = ", ".join(
                    f"“{one}”" for one in Goal.objects.filter(enabled=True).values_list("name", flat=True)
                )
                raise CommandError(
                    f"There is no goal “{name}” that is kept; there {f'are {there}' if there else 'is none'}."
                )
        started = time.monotonic()
        ids = list(chosen.values_list("id", flat=True))
        goals.recompute(ids)
        self._work(ids, show=not options["json"] and self.stdout.isatty())
        kept = Journey.objects.filter(goal_id__in=ids)
        report = {
            "goals": len(ids),
            "people": Goal.objects.filter(id__in=ids).aggregate(people=Sum("done"))["people"] or 0,
            "journeys": kept.count(),
            "conversions": kept.filter(converted=True).count(),
            "seconds": round(time.monotonic() - started, 3),
        }
        if options["json"]:
            self.stdout.write(json.dumps(report))
            return
        for word, number in report.items():
            self.stdout.write(f"{word:22}{number:>14,}")

    def _work(self, ids: list[int], *, show: bool) -> None:
        """Work in the stage until nobody is left; another runner may do some of it."""
        while Goal.objects.filter(id__in=ids, enabled=True, cursor__isnull=False).exists():
            stages.work_once("attribute")
            if show:
                far = Goal.objects.filter(id__in=ids).aggregate(done=Sum("done"), total=Sum("total"))
                self.stdout.write(f"\r{far['done'] or 0:,} of {far['total'] or 0:,} people", ending="")
        if show:
            self.stdout.write("")
