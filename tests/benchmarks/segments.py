"""Segments: one worker that resolves and keeps 20 live segments true at the same time; and what a preview costs."""

import time
from datetime import timedelta

from django.utils import timezone

from cdp_site import sql, stages
from connectors.models import Source
from profiles import resolve
from segments import changes, live
from segments.counting import count
from segments.models import Segment
from segments.rules import from_json
from tests.benchmarks.resolve import fill_inbox, prepare, stored_events

RULES = [
    *({"did": "Order Completed", "at_least": times, "within_days": days} for times in (1, 2, 3) for days in (7, 30, 60)),
    *({"all": [{"did": "Product Viewed", "at_least": 2, "within_days": days}, {"trait": "country", "is": country}]}
      for days, country in ((7, "ES"), (30, "DE"), (60, "FR"), (90, "GB"))),
    *({"all": [{"did": "Page Viewed", "within_days": days}, {"did": "Order Completed", "at_most": 0, "within_days": days}]}
      for days in (7, 30, 90)),
    {"did": "Email Opened", "at_least": 1, "within_days": 30},
    {"did": "Product Viewed", "where": [{"property": "category", "is": "shoes"}], "within_days": 30},
    {"all": [{"did": "Order Completed", "at_least": 2}, {"did": "Order Completed", "at_most": 0, "within_days": 90}]},
    {"any": [{"did": "Email Clicked", "within_days": 14}, {"did": "Order Completed", "within_days": 14}]},
]  # fmt: skip


def run(events: int = 1_000_000, measured: int = 60_000) -> dict[str, object]:
    source, _ = Source.objects.get_or_create(name="Benchmark")
    prepare(source, events)
    for number, rule in enumerate(RULES):
        if not Segment.objects.filter(name=f"Benchmark {number}").exists():
            changes.create(f"Benchmark {number}", from_json(rule))
    stages.drain_all()
    before = stored_events()
    fill_inbox(source, measured, seed=int(time.time()), days=2)
    started, worked, evaluated = time.perf_counter(), 0, 0.0
    # As the runner does it: what a batch left for the stage behind is worked on at once.
    while batch := stages.attempt(resolve.drain_some):
        worked += batch
        began = time.perf_counter()
        while stages.attempt(live.evaluate_some):
            pass
        evaluated += time.perf_counter() - began
    seconds = time.perf_counter() - started
    previews = [count(from_json(rule), timezone.now() + timedelta(0)).milliseconds for rule in RULES]
    members = sql.rows("SELECT count(*) FROM membership")[0][0]
    return {
        "stored before": before,
        "live segments": len(RULES),
        "memberships": members,
        "messages/s, resolved and evaluated by one worker": round(worked / seconds),
        "share of it that evaluating takes": round(evaluated / seconds, 2),
        "preview of a rule over everybody, slowest, ms": max(previews),
        "preview of a rule over everybody, median, ms": sorted(previews)[len(previews) // 2],
    }
