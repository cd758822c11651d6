"""What a question about everybody costs: the ready-made rules and those of the language's page, with column blocks and
without, held against DuckDB and chDB on the same rows in the same run; and what following and sealing cost.

`make bench ARGS="questions"` has 1 M people and 20 M events (`tests.benchmarks.crowd`, some minutes to make);
`ARGS="questions --people 50000"` is a twentieth of it; with `--keep` it goes on with the crowd that was made before. Every
count is compared with the others': the run ends if one differs. Times are the median of five, warm, in ms.
"""

import json
import math
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from django.utils import timezone

from cdp_site import sql
from cdp_site.arrays import int8s
from cdp_site.ids import new_ids
from segments import changes, live
from segments.blocks import sealing
from segments.blocks.kept import kept
from segments.counting import count
from segments.evaluate import evaluate
from segments.library import READY
from segments.load import chunks
from segments.models import Segment
from segments.require import require
from segments.rules import Rule, from_json
from tests.benchmarks import others
from tests.benchmarks.crowd import Crowd, draw, store, stored
from tests.benchmarks.others import among, best, changed, counted, did, inside, next_days, outside

PER_PERSON = 20
TIMES = 5
Query = Callable[[Crowd], str]
FEWER = "{now} < {all} - {now}"


def _down(percent: int) -> str:
    return f"{{now}} < {{all}} AND {{now}} * 100 <= ({{all}} - {{now}}) * {100 - percent}"


def _abandoned(crowd: Crowd) -> str:
    return counted(
        f"SELECT a.person FROM (SELECT person, max(time) AS last FROM event WHERE name = 5 GROUP BY person"
        f" HAVING max(time) > {others.since(crowd, 3)}) AS a LEFT JOIN (SELECT person, max(time) AS last FROM event"
        " WHERE name = 4 GROUP BY person) AS o ON a.person = o.person WHERE coalesce(o.last, 0) <= a.last"
    )


def _sequence(crowd: Crowd) -> str:
    week = 7 * 86_400_000_000
    return counted(
        "SELECT DISTINCT o.person FROM (SELECT person, time FROM event WHERE name = 4) AS o ASOF JOIN"
        " (SELECT person, time FROM event WHERE name = 1) AS p ON o.person = p.person AND o.time > p.time"
        f" WHERE o.time <= p.time + {week}"
    )


def _first_week(crowd: Crowd) -> str:
    week = 7 * 86_400_000_000
    return counted(
        "SELECT g.person FROM (SELECT person, time FROM event WHERE name = 7) AS g JOIN (SELECT person, min(time) AS begun"
        " FROM event WHERE name = 9 GROUP BY person) AS m ON g.person = m.person"
        f" WHERE g.time >= m.begun AND g.time < m.begun + {week} GROUP BY g.person HAVING count(*) >= 3"
    )


# By the key of the ready-made rule.
LIBRARY: dict[str, Query] = {
    "regulars": lambda c: counted(did(c, "Order Completed", 60, "count(*) >= 3")),
    "high-value-quiet": lambda c: among(
        inside(best(c, 10)), outside(did(c, "Page Viewed", 21)), outside(did(c, "Email Opened", 21))
    ),
    "slipping-away": lambda c: among(
        inside(changed(c, "Order Completed", 90, FEWER)), outside(did(c, "Page Viewed", 30)),
        inside(changed(c, "Email Opened", 90, FEWER)),
    ),
    "recent-buyers": lambda c: counted(did(c, "Order Completed", 7)),
    "about-to-churn": lambda c: among("churn > 700"),
    "about-to-churn-by-behaviour": lambda c: among(
        inside(did(c, "Order Completed", 365, "count(*) >= 2")),
        inside(did(c, "Order Completed", None, f"max(time) <= {others.since(c, 60)}")),
        inside(changed(c, "Page Viewed", 30, _down(50))),
    ),
    "first-week": lambda c: among(
        inside(did(c, "Page Viewed", None, f"min(time) > {others.since(c, 7)}", " AND path = '/join'")), "has_email = 1"
    ),
    "basket": _abandoned,
    "birthday": lambda c: among(next_days(c, 7), "consent = 1"),
    "vip-waiting": lambda c: among(inside(best(c, 5)), inside("SELECT person FROM ticket WHERE open = 1")),
    "never-bought": lambda c: among(inside(did(c, "Page Viewed", 90)), outside(did(c, "Order Completed", None))),
    "readers": lambda c: among(inside(did(c, "Email Opened", 30)), "consent = 1"),
    "sleeping-readers": lambda c: among(
        inside(did(c, "Email Delivered", 60, "count(*) >= 10")), outside(did(c, "Email Opened", 60))
    ),
    "asked-for-help": lambda c: counted(did(c, "Ticket Opened", 30)),
}  # fmt: skip
VIP = {"total": "sum", "property": "revenue", "of": "Order Completed", "within_days": 365, "more": 1000}
# The examples of the language: rule, query.
EXAMPLES: list[tuple[str, dict[str, Any], Query]] = [
    ("shoes above 50", {"did": "Order Completed", "at_least": 1, "within_days": 90, "where": [
        {"property": "category", "is": "shoes"}, {"property": "value", "greater": 50}]},
     lambda c: counted(did(c, "Order Completed", 90, where=" AND category = 'shoes' AND cents > 5000"))),
    ("no e-mail opened", {"did": "Email Opened", "at_most": 0, "within_days": 21},
     lambda c: among(outside(did(c, "Email Opened", 21)))),
    ("spent 500", VIP | {"more": 500}, lambda c: counted(did(c, "Order Completed", 365, "sum(cents) > 50000"))),
    ("fewer orders", {"changed": "fewer", "of": "Order Completed", "within_days": 90},
     lambda c: counted(changed(c, "Order Completed", 90, FEWER))),
    ("orders down 30%", {"changed": "fewer", "of": "Order Completed", "within_days": 90, "percent": 30},
     lambda c: counted(changed(c, "Order Completed", 90, _down(30)))),
    ("viewed then bought", {"sequence": ["Product Viewed", "Order Completed"], "within_days": 7}, _sequence),
    ("first week at the gym", {"did": "Gym Visit", "at_least": 3, "first_days": 7, "after_first": "Member Joined"},
     _first_week),
    ("Spain, birthday", {"all": [{"trait": "country", "is": "ES"}, {"trait": "lifecycle", "one_of": ["active", "slipping"]},
                                 {"trait": "birthday", "birthday_in": 7}]},
     lambda c: among("country = 'ES'", "lifecycle IN ('active', 'slipping')", next_days(c, 7))),
    ("waiting, no VIP, at risk or the best", {"all": [
        {"records": "ticket", "state": "open"}, {"not": {"segment": "VIP"}},
        {"any": [{"score": "churn", "greater": 0.7}, {"top": 10, "unit": "percent", "by": {"trait": "lifetime_value"}}]}]},
     lambda c: among(
        inside("SELECT person FROM ticket WHERE open = 1"),
        outside(did(c, "Order Completed", 365, "sum(cents) > 100000")),
        "(churn > 700 OR spent >= (SELECT min(spent) FROM (SELECT spent, row_number() OVER (ORDER BY spent DESC) AS place"
        " FROM people WHERE spent > 0) AS r WHERE place <= (SELECT CAST(ceil(count(*) * 0.1) AS BIGINT) FROM people"
        " WHERE spent > 0)))")),
]  # fmt: skip


@dataclass(frozen=True)
class Question:
    name: str
    rule: Rule
    query: Query


def questions() -> list[Question]:
    library = [Question(one.key, from_json(one.rule), LIBRARY[one.key]) for one in READY if one.key in LIBRARY]
    return library + [Question(name, from_json(rule), query) for name, rule, query in EXAMPLES]


def run(people: int = 1_000_000) -> dict[str, object]:
    figures: dict[str, object] = {}
    began = time.perf_counter()
    before = stored(people)
    crowd = draw(people, people * PER_PERSON, before or timezone.now().replace(microsecond=0))
    if before is None:
        store(crowd)
    sealing.drop()
    figures["made: people, events, seconds"] = f"{people:,}, {people * PER_PERSON:,}, {time.perf_counter() - began:.0f}"
    Segment.objects.all().delete()
    for name, rule in [("VIP", VIP), *((name, rule) for name, rule, _ in EXAMPLES)]:
        Segment.objects.create(name=name, rule=rule, status=Segment.Status.DRAFT)
    asked = questions()
    bare = {one.name: _ours(one.rule, crowd.now, times=2) for one in asked}
    figures |= _seal(len(crowd.id))
    engines, missing = others.engines(crowd)
    figures |= {f"{note}": "" for note in missing}
    figures |= _compare(asked, crowd, engines, bare)
    figures |= _follow(crowd)
    del crowd, engines
    return figures


def _ours(rule: Rule, now: datetime, times: int = TIMES) -> tuple[int, float]:
    """How many, and the median of the times, the first not counted."""
    found = [count(rule, now) for _ in range(times + 1)]
    return found[0].count, statistics.median(one.milliseconds for one in found[1:])


def _theirs(engine: others.Engine, query: str) -> tuple[int, float]:
    taken = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        answer = engine.ask(query)
        taken.append((time.perf_counter() - began) * 1000)
    return answer, statistics.median(taken[1:])


def _seal(events: int) -> dict[str, object]:
    began = time.perf_counter()
    while sealing.seal(timezone.now()):
        pass
    taken = time.perf_counter() - began
    size = sql.rows("SELECT pg_total_relation_size('block') + pg_total_relation_size('block_value')")[0][0]
    return {
        "sealing, µs an event": round(taken / events * 1_000_000, 2),
        "blocks, bytes an event": round(size / events, 1),
    }


def _compare(
    asked: list[Question], crowd: Crowd, engines: list[others.Engine], bare: dict[str, tuple[int, float]]
) -> dict[str, object]:
    figures: dict[str, object] = {}
    times: dict[str, dict[str, float]] = {engine.name: {} for engine in engines}
    ours: dict[str, float] = {}
    for one in asked:
        answer, ours[one.name] = _ours(one.rule, crowd.now)
        counts = {"ours": answer, "without blocks": bare[one.name][0]}
        for engine in engines:
            counts[engine.name], times[engine.name][one.name] = _theirs(engine, one.query(crowd))
        if len({*counts.values()}) > 1:
            raise AssertionError(f"{one.name}: the counts differ: {counts}")
        said = [f"{engine.name} {times[engine.name][one.name]:.1f}" for engine in engines]
        figures[one.name] = (
            f"{ours[one.name]:.1f}, without blocks {bare[one.name][1]:.0f}, {', '.join(said)}; {answer:,}"
        )
    library = [name for name in ours if name in LIBRARY]
    for engine in engines:
        for title, names in (("the library's", library), ("all", list(ours))):
            ratio = math.exp(sum(math.log(ours[name] / times[engine.name][name]) for name in names) / len(names))
            figures[f"geometric mean of {title} rules, of {engine.name}'s time"] = round(ratio, 2)
    figures["slowest rule, with blocks, ms"] = max(ours.values())
    figures["slowest rule, without blocks, ms"] = max(milliseconds for _, milliseconds in bare.values())
    return figures


# -- following


def rules(number: int = 100) -> list[Rule]:
    """Rules as live segments have them, over 40 windows and more."""
    found = []
    for place in range(number):
        days, times = 7 + 7 * (place % 13), 1 + place % 4
        bought: dict[str, Any] = {"did": "Order Completed", "at_least": times, "within_days": days * 2}
        seen: dict[str, Any] = {"did": "Product Viewed", "at_least": times, "within_days": days}
        opened: dict[str, Any] = {"did": "Email Opened", "at_most": 0, "within_days": days + 1}
        kinds: list[dict[str, Any]] = [
            bought, seen, {"all": [bought, opened]}, {"all": [seen, {"trait": "country", "is": "ES"}]},
            {**bought, "where": [{"property": "category", "is": "shoes"}]},
            {"total": "sum", "property": "revenue", "of": "Order Completed", "within_days": days * 4, "more": 100 * times},
            {"changed": "fewer", "of": "Order Completed", "within_days": days},
            {"all": [{"did": "Page Viewed", "at_least": times, "within_days": days}, opened]},
        ]  # fmt: skip
        found.append(from_json(kinds[place % len(kinds)]))
    return found


def _follow(crowd: Crowd) -> dict[str, object]:
    asked = rules()
    for number, rule in enumerate(asked):
        changes.create(f"Benchmark {number}", rule)
    sql.rows("UPDATE segment SET filling_version = NULL RETURNING 1")
    figures: dict[str, object] = {}
    now = timezone.now()
    live.follow(now)
    windows = live._windows(asked)
    some = sorted({pair for pair in windows if pair[1]})[:40]
    taken = [_timed(lambda: live._moved_events(some, now - timedelta(minutes=5), now)) for _ in range(TIMES)]
    figures[f"candidates of 5 minutes over {len(some)} windows, ms"] = round(statistics.median(taken), 1)
    # Of the busy, so that there are some 300,000 events.
    busy = np.unique(crowd.person[(crowd.person >= 400) & (crowd.person < 400 + 1_600)])[:800]
    events = int(np.isin(crowd.person, busy).sum())
    names = [id for (id,) in sql.rows("SELECT id FROM event_name ORDER BY id")]
    taken = []
    for _ in range(TIMES):
        with sql.cursor() as cursor:
            cursor.execute(
                "INSERT INTO changed_profile (id, profile_id, name_ids, at)"
                " SELECT *, %b::smallint[], now() FROM unnest(%b::bigint[], %b::bigint[])",
                (names, int8s(new_ids(len(busy))), int8s(crowd.people[busy])),
            )
        taken.append(_timed(lambda: live.follow(timezone.now())))
    figures[f"{len(busy)} changed people ({events:,} events) against 100 live segments, ms"] = round(
        statistics.median(taken)
    )
    figures |= _in_a_process_of_its_own()
    return figures


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _in_a_process_of_its_own() -> dict[str, object]:
    """So that its memory is its own."""
    program = (
        "import django; django.setup()\n"
        "from tests.benchmarks import questions; import json; print(json.dumps(questions.everything()))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    return found


def _greatest_memory() -> int:
    """In MB. (`getrusage` would give the parent's, whose copy the process was for a moment.)"""
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024  # type: ignore[index]


def everything() -> dict[str, object]:
    """All 100 segments over everybody, with who would come and go."""
    asked, now = rules(), timezone.now()
    stored: dict[tuple[int, int], np.ndarray] = {}
    seconds = {}
    for turn in ("from nothing", "warm"):
        began = started = time.perf_counter()
        loading, moved = 0.0, 0
        for part, columns in enumerate(chunks(require(*asked), now)):
            loading += time.perf_counter() - started
            for place, rule in enumerate(asked):
                inside = evaluate(rule, columns, now).inside
                before = np.unpackbits(stored.get((part, place), np.packbits(~inside)), count=len(inside)).view(bool)
                moved += np.count_nonzero(inside != before)
                stored[part, place] = np.packbits(inside)
            del inside, before
            columns = None  # as when a worker's pass is over
            started = time.perf_counter()
        seconds[turn] = f"{time.perf_counter() - began:.2f}, of which loading {loading:.2f}"
    return {
        "100 segments over everybody, seconds, from nothing": seconds["from nothing"],
        "100 segments over everybody, seconds, columns kept": seconds["warm"],
        "greatest memory of that process, MB": _greatest_memory(),
        "of which kept columns, MB": kept.bytes // 2**20,
    }
