"""The stage 'evaluate': people who changed, and those whom time alone moves, into and out of the live segments.

One batch is one transaction: take the clock and the segments → queue whom the time moved → claim changed people → load
once for all rules that use what changed → write the difference. Nothing is stored for a person between batches: the
clock is one row, the queue another table, and both are as they were when a batch fails.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction
from django.utils import timezone

from cdp_site import sql, stages
from cdp_site.arrays import int2s, int8s
from cdp_site.ids import EPOCH_MS, new_ids
from segments import fill, members
from segments.evaluate import NEVER, evaluate
from segments.load import NO_MOMENT, Columns, chunks, load, micros, moment_of, name_ids
from segments.members import Asked
from segments.require import Requirements, require
from segments.rules import DAY, Did, Rule, Trait, nodes

CLAIM = 8_000  # queue rows
# Evaluating everybody is cheaper than looking at this many candidates.
MOST_CANDIDATES = 50_000
_SECOND = 1_000_000


@stages.stage("evaluate", counts="profiles_evaluated", every=5)
def evaluate_some() -> int:
    """One batch; returns how many queued changes it took."""
    return follow()


def follow(now: datetime | None = None) -> int:
    """One batch as of `now` (tests give it; else the clock on the wall)."""
    with transaction.atomic():
        clock = _Clock.take(now or timezone.now())
        asked = [segment for segment in members.lock(everyone=True) if not segment.broken]
        live = {segment.id: segment.rule for segment in asked if segment.rule is not None}
        now = clock.now if now else max(clock.now, timezone.now())
        _queue_moved(clock, live, now)
        everything, some, names, taken = _claim()
        if taken:
            _judge(live, asked, everything, clock, now)
            _judge(_using(live, names), [], some, clock, now)
            members.tell_of_people(everything, now)
        clock.keep(now)
    return taken


_TAKE = "SELECT at, dates_due, dates_of FROM segment_clock WHERE id = 1 FOR UPDATE"
_BEGIN = "INSERT INTO segment_clock (id, at, dates_of) VALUES (1, %s, '[]') ON CONFLICT DO NOTHING"
_KEEP = "UPDATE segment_clock SET at = %s, dates_due = %s, dates_of = %s WHERE id = 1"


@dataclass
class _Clock:
    """Up to when time alone has been followed; holding it makes batches take turns."""

    at: datetime
    now: datetime
    dates_due: datetime | None
    dates_of: list[list[object]]

    @classmethod
    def take(cls, now: datetime) -> "_Clock":
        with sql.cursor() as cursor:
            cursor.execute(_BEGIN, (now,))
        at, due, dates = sql.rows(_TAKE)[0]
        # A clock on the wall that was set back doesn't undo what has been followed.
        return cls(at, max(at, now), due, json.loads(dates))

    def expect(self, columns: Columns, spans: Sequence[tuple[str, int]], now: datetime) -> np.ndarray:
        """Take note when dates of these people next move anybody; returns who was moved since the last batch."""
        moved = np.zeros(len(columns.people), bool)
        next_due = NEVER
        for name, span in spans:
            known = columns.moments[name] > NO_MOMENT
            for crossing in (columns.moments[name], columns.moments[name] + span * DAY * _SECOND):
                moved |= known & (crossing > micros(self.at)) & (crossing <= micros(now))
                next_due = min(next_due, int(crossing[known & (crossing > micros(now))].min(initial=NEVER)))
        if next_due < NEVER:
            due = moment_of(next_due)
            self.dates_due = due if self.dates_due is None else min(self.dates_due, due)
        return columns.people[moved]

    def keep(self, now: datetime) -> None:
        with sql.cursor() as cursor:
            cursor.execute(_KEEP, (now, self.dates_due, json.dumps(self.dates_of)))


def _queue_moved(clock: _Clock, live: dict[int, Rule], now: datetime) -> None:
    """Queue the people whom the time since the last batch moved; when they are very many, ask for full evaluations."""
    windows = _windows(list(live.values()))
    moved = _moved_events(windows, clock.at, now)
    if len(moved) > MOST_CANDIDATES:
        fill.mark([id for id, rule in live.items() if any(isinstance(node, Did) for _, node in nodes(rule))])
        moved = moved[:0]
    dated = _moved_dates(clock, list(live.values()), now)
    _queue(np.concatenate([moved["profile_id"], dated]), np.concatenate([moved["name_id"], np.zeros_like(dated)]), now)


def _windows(rules: Sequence[Rule]) -> list[tuple[int, int | None]]:
    """Each distinct (event name's number, window in seconds) that the rules use."""
    used = {(node.event, node.within) for rule in rules for _, node in nodes(rule) if isinstance(node, Did)}
    ids = name_ids({event for event, _ in used})
    return sorted(
        {(id, within) for event, within in used for id in ids.get(event, [])},
        key=lambda pair: (pair[0], pair[1] or 0),
    )


# Who has an event that left a window: an index range a window. Then who has one that was stored before its time came
# (its key tells when it was stored): the events of the last seconds.
_MOVED = """
SELECT DISTINCT profile_id, name_id FROM (
    SELECT gone.profile_id, used.name_id
    FROM unnest(%(names)s::smallint[], %(windows)s::bigint[]) AS used (name_id, seconds)
    CROSS JOIN LATERAL (
        SELECT profile_id FROM event WHERE event.name_id = used.name_id
          AND event.time > %(last)s::timestamptz - used.seconds * interval '1 second'
          AND event.time <= %(now)s::timestamptz - used.seconds * interval '1 second'
    ) AS gone
    UNION ALL
    SELECT profile_id, name_id FROM event
    WHERE name_id = ANY(%(all)s::smallint[]) AND time > %(last)s AND time <= %(now)s
      AND time > to_timestamp(((id >> 22) + %(epoch)s::bigint) / 1000.0)
) AS moved LIMIT %(most)s
"""


def _moved_events(windows: Sequence[tuple[int, int | None]], last: datetime, now: datetime) -> np.ndarray:
    """(person, event name) of whom an event entered or left a window in (last, now]."""
    limited = [(name, within) for name, within in windows if within is not None]
    parameters = {
        "names": [name for name, _ in limited],
        "windows": [within for _, within in limited],
        "all": sorted({name for name, _ in windows}),
        "last": last, "now": now, "epoch": EPOCH_MS, "most": MOST_CANDIDATES + 1,
    }  # fmt: skip
    return sql.packed(_MOVED, parameters, [("profile_id", "i8"), ("name_id", "i8")])


def _moved_dates(clock: _Clock, rules: Sequence[Rule], now: datetime) -> np.ndarray:
    """Whom a date in a trait moved. Everybody's dates are looked at only when the next of them is due."""
    spans = _spans(rules)
    known = [list(span) for span in spans] == clock.dates_of
    if known and (clock.dates_due is None or clock.dates_due > now):
        return np.empty(0, np.int64)
    clock.dates_due, clock.dates_of = None, [list(span) for span in spans]
    if not spans:
        return np.empty(0, np.int64)
    needed = Requirements(moments={name for name, _ in spans})
    return np.concatenate([clock.expect(columns, spans, now) for columns in chunks(needed, now)])


def _spans(rules: Sequence[Rule]) -> list[tuple[str, int]]:
    """Each distinct (trait, days) of 'in the last N days'."""
    found = set()
    for rule in rules:
        for _, node in nodes(rule):
            match node:
                case Trait(name, "in_last_days", int(days)):
                    found.add((name, days))
                case _:
                    pass
    return sorted(found)


_QUEUE = """
INSERT INTO changed_profile (id, profile_id, name_ids, at)
SELECT id, profile_id, CASE name_id WHEN 0 THEN '{}'::smallint[] ELSE ARRAY[name_id] END, %b::timestamptz
FROM unnest(%b::bigint[], %b::bigint[], %b::smallint[]) AS moved (id, profile_id, name_id)
"""


def _queue(people: np.ndarray, names: np.ndarray, now: datetime) -> None:
    """Queue people as changed by an event name; name 0 stands for anything."""
    if len(people):
        with sql.cursor() as cursor:
            cursor.execute(_QUEUE, (now, int8s(new_ids(len(people))), int8s(people), int2s(names)))


# A row without names means that anything may have changed: it comes as name 0.
_CLAIM = """
SELECT id, profile_id, name FROM (
    SELECT id, profile_id, name_ids FROM changed_profile ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
) AS claimed CROSS JOIN LATERAL unnest(CASE cardinality(name_ids) WHEN 0 THEN '{0}'::smallint[] ELSE name_ids END) AS name
"""
_TAKEN = "DELETE FROM changed_profile WHERE id = ANY(%b::bigint[])"


def _claim() -> tuple[np.ndarray, np.ndarray, set[int], int]:
    """Take changes from the queue: people of whom anything may have changed, the others, the others' event names,
    and how many changes these are."""
    rows = sql.packed(_CLAIM, {"most": CLAIM}, [("id", "i8"), ("profile_id", "i8"), ("name", "i2")])
    anything = rows["name"] == 0
    everything = np.unique(rows["profile_id"][anything])
    some = np.setdiff1d(rows["profile_id"][~anything], everything)
    names = set(np.unique(rows["name"][np.isin(rows["profile_id"], some)]).tolist())
    taken = np.unique(rows["id"])
    with sql.cursor() as cursor:
        cursor.execute(_TAKEN, (int8s(taken),))
    return everything, some, names, len(taken)


def _using(live: dict[int, Rule], names: set[int]) -> dict[int, Rule]:
    """The segments whose rules use one of these event names."""
    ids = name_ids({node.event for rule in live.values() for _, node in nodes(rule) if isinstance(node, Did)})
    changed = {event for event, numbers in ids.items() if names.intersection(numbers)}
    return {
        id: rule
        for id, rule in live.items()
        if any(isinstance(node, Did) and node.event in changed for _, node in nodes(rule))
    }


def _judge(live: dict[int, Rule], others: Sequence[Asked], people: np.ndarray, clock: _Clock, now: datetime) -> None:
    """Evaluate these segments for these people and write the difference. `others`: segments that nobody belongs to
    any more are among them."""
    if not len(people) or not (live or others):
        return
    judged = {segment.id: people[:0] for segment in others}
    columns = load(require(*live.values()), people, now)
    clock.expect(columns, [span for span in _spans(list(live.values())) if span[0] in columns.moments], now)
    for id, rule in live.items():
        judged[id] = evaluate(rule, columns, now).members
    members.write_listed(judged, people, np.setdiff1d(people, columns.people), now)
