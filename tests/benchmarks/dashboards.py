"""What the dashboards' pages compute, at a million journeys of twelve channels, in a process that has 200 MB in all.

`make bench ARGS="dashboards"`. Journeys are simulated (`tests.benchmarks.attribution`) and put into their table, the stage packs
them, and a process of its own, like one of the web server's, is asked. 'first': it keeps nothing yet. 'another': it has the
newest days, and answers this question for the first time. 'a day later': today's journeys were packed anew since it was
asked, as they are every ten seconds of a busy day. 'again': nothing changed. Times in ms, median of five: by the clock on the
wall / what the process itself took.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

JOURNEYS, CHANNELS, PEOPLE, DAYS = 1_000_000, 12, 300_000, 730
LAST = date(2026, 11, 20)
NAME = "Benchmark of dashboards"
FIRST = 40_000  # number of the first origin
PER_CHANNEL = 5  # origins; of paid channels each is a campaign
PAID = 8  # channels
TIMES = 5
Answer = Callable[[], Any]


def run() -> dict[str, object]:
    from django.db import connections

    found = _fill()
    connections.close_all()
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.dashboards"], check=True, capture_output=True, text=True
    )
    found |= json.loads(done.stdout.splitlines()[-1])
    return found


def _fill() -> dict[str, object]:
    """A million journeys in their table, packed."""
    from campaigns.attribution import blocks
    from campaigns.models import Campaign, Channel, Goal, Origin
    from cdp_site import sql

    goal, made = Goal.objects.get_or_create(name=NAME, defaults={"event": "Order Completed", "cursor": None})
    if made:
        for place in range(CHANNELS):
            Channel.objects.update_or_create(
                id=7_000 + place, defaults={"name": f"Channel {place}", "paid": place < PAID, "hue": place * 30}
            )
            for number in range(PER_CHANNEL):
                campaign = 8_000 + place * PER_CHANNEL + number if place < PAID else None
                if campaign:
                    Campaign.objects.update_or_create(
                        id=campaign, defaults={"name": f"Campaign {campaign}", "channel_id": 7_000 + place}
                    )
                Origin.objects.update_or_create(
                    id=FIRST + place * PER_CHANNEL + number,
                    defaults={"key": -campaign if campaign else -place * 10 - number - 1, "channel_id": 7_000 + place,
                              "campaign_id": campaign},
                )  # fmt: skip
        sql.copy_text("journey", _COLUMNS, _rows(goal.pk))
        with sql.cursor() as cursor:
            cursor.execute(_MARK, (goal.pk,))
            cursor.execute("ANALYZE journey")
    started, days = time.perf_counter(), 0
    while batch := blocks.pack_some():
        days += batch
    if days:
        return {"packing a day, ms": round((time.perf_counter() - started) * 1000 / days, 1), "days packed": days}
    return {}


_COLUMNS = [
    "profile_id", "goal_id", "id", "time", "day", "converted", "value", "back", "other_currency", "new", "device", "origins",
    "ages", "kinds", "events",
]  # fmt: skip
_MARK = """
INSERT INTO journey_block (goal_id, day, stale, version, journeys, body)
SELECT DISTINCT goal_id, day, true, 0, 0, ''::bytea FROM journey WHERE goal_id = %s
"""


def _rows(goal: int) -> bytes:
    from tests.benchmarks.attribution import simulated

    dice = np.random.default_rng(7)
    journeys = simulated(JOURNEYS, CHANNELS)
    touches = len(journeys.channel)
    origins = (FIRST + journeys.channel.astype(int) * PER_CHANNEL + dice.integers(0, PER_CHANNEL, touches)).tolist()
    ages = (journeys.age // 3 + dice.integers(0, 3_600, touches)).tolist()
    kinds = np.where(dice.random(touches) < 0.15, 2, 1).tolist()
    people = dice.integers(1, PEOPLE, JOURNEYS).tolist()
    days = np.sort(dice.integers(0, DAYS, JOURNEYS))[::-1].tolist()
    seconds = dice.integers(0, 80_000, JOURNEYS).tolist()
    devices, fresh = dice.integers(0, 6, JOURNEYS).tolist(), (dice.random(JOURNEYS) < 0.4).tolist()
    names = [f"{LAST - timedelta(days=day)}" for day in range(DAYS)]
    lines = []
    starts, converted, value = journeys.starts.tolist(), journeys.converted.tolist(), journeys.value.tolist()
    for number in range(JOURNEYS):
        low, high = starts[number], starts[number + 1]
        day, second = names[days[number]], seconds[number]
        lines.append(
            f"{people[number]}\t{goal}\t{number + 1}\t{day} {second // 3600:02}:{second // 60 % 60:02}:00+00\t{day}\t"
            f"{'t' if converted[number] else 'f'}\t{value[number]}\t0\tf\t{'t' if fresh[number] and converted[number] else 'f'}\t"
            f"{devices[number]}\t{{{','.join(map(str, origins[low:high]))}}}\t{{{','.join(map(str, ages[low:high]))}}}\t"
            f"{{{','.join(map(str, kinds[low:high]))}}}\t{{{','.join(map(str, range(low, high)))}}}\n"
        )
    return "".join(lines).encode()


def measure() -> dict[str, object]:
    """In a process of its own."""
    from campaigns.attribution import behind, cohorts, kept, load, numbers, paths
    from campaigns.attribution.filters import Buyers, Filters
    from campaigns.attribution.values import Device
    from campaigns.models import Goal
    from cdp_site import urls  # noqa: F401  (what a web process has loaded)
    from segments.models import Segment

    goal = Goal.objects.get(name=NAME)
    everything = Filters(goal.pk, LAST - timedelta(days=DAYS), LAST)
    quarter = Filters(goal.pk, LAST - timedelta(days=89), LAST)
    segment = _segment(Segment)
    before = _memory()
    found: dict[str, object] = {}
    with_ = {
        "channels": numbers.channel_table,
        "campaigns": numbers.campaign_table,
        "paths": paths.paths,
        "cohorts": cohorts.cohorts,
        "people behind a channel": lambda filters: behind.people(filters, behind.Which(channel=7_003, converted=True)),
    }
    kept.clear()
    found["all days: channels, first"] = _median(lambda: numbers.channel_table(everything), kept.clear, 1)
    for name, ask in with_.items():
        kept.made.clear()
        found[f"all days: {name}, another"] = _median(lambda ask=ask: ask(everything), kept.made.clear)
        ask(everything)
        found[f"all days: {name}, a day later"] = _median(lambda ask=ask: ask(everything), lambda: _touch(goal.pk))
        found[f"all days: {name}, again"] = _median(lambda ask=ask: ask(everything), lambda: None)
        found[f"90 days: {name}, another"] = _median(lambda ask=ask: ask(quarter), kept.made.clear)
    for name, more in {
        "new customers": {"buyers": Buyers.NEW}, "on phones": {"devices": frozenset({Device.MOBILE})},
        "in a segment": {"segment": segment}, "with views": {"views": True},
    }.items():  # fmt: skip
        asked = Filters(everything.goal, everything.since, everything.until, **more)  # type: ignore[arg-type]
        found[f"all days: channels, another, {name}"] = _median(
            lambda asked=asked: numbers.channel_table(asked), kept.made.clear
        )
    question = load.ask(everything)
    table = numbers.channel_table(everything)
    assert table.adds_up() and table.journeys == JOURNEYS
    return found | {
        "journeys / touches": f"{table.journeys} / {sum(len(part.channel) for part in question.parts())}",
        "packed days that a process keeps, MB": round(kept.days.bytes / 2**20, 1),
        "what it made of them, MB": round(kept.made.bytes / 2**20, 1),
        "memory of the process before it was asked, now / at most, MB": before,
        "memory of the process at the end, now / at most, MB": _memory(),
    }


def _segment(model: Any) -> int:
    """A third of all people."""
    from cdp_site import sql

    found, made = model.objects.get_or_create(name=NAME, defaults={"rule": {}})
    if made:
        with sql.cursor() as cursor:
            cursor.execute(
                "INSERT INTO membership (profile_id, segment_id, since)"
                " SELECT one, %s, now() FROM generate_series(1, %s, 3) AS one",
                (found.pk, PEOPLE),
            )
    pk: int = found.pk
    return pk


def _touch(goal: int) -> None:
    """Today's journeys are packed anew."""
    from campaigns.attribution import blocks
    from campaigns.models import JourneyBlock

    JourneyBlock.objects.filter(goal_id=goal, day=LAST).update(stale=True)
    while blocks.pack_some():
        pass


def _once(answer: Answer) -> tuple[float, float]:
    """By the clock on the wall, and the process's own."""
    started, worked = time.perf_counter(), time.process_time()
    answer()
    return (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000


def _median(answer: Answer, before: Callable[[], object], times: int = TIMES) -> str:
    took = []
    for _ in range(times):
        before()
        took.append(_once(answer))
    return " / ".join(f"{statistics.median(one):.0f}" for one in zip(*took, strict=True))


def _memory() -> str:
    """Of this process (not of the one that started it): now / at most, MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = dict(line.split(":", 1) for line in lines if line.startswith("Vm"))
    return " / ".join(f"{int(sizes[name].split()[0]) // 1024}" for name in ("VmRSS", "VmHWM"))


if __name__ == "__main__":
    import django

    django.setup()
    print(json.dumps(measure()))
