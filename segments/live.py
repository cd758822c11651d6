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
from profiles.models.people import RECORDS
from segments import fill, members
from segments.blocks import people as everybody
from segments.dates import Dated, crossed, dated
from segments.edges import event_edges
from segments.evaluate import NEVER, evaluate
from segments.load import Columns, chunks, load, micros, moment_of, name_ids
from segments.members import Asked
from segments.require import require
from segments.rules import Records, Rule, events_in, nodes

CLAIM = 8_000  # queue rows
# Evaluating everybody is cheaper than looking at this many candidates.
MOST_CANDIDATES = 50_000


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
            everybody.note(everything)
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

    def expect(self, columns: Columns, of: Dated, now: datetime) -> np.ndarray:
        """Take note when dates of these people next move anybody; returns who was moved since the last batch."""
        moved, next_due = crossed(of, columns, micros(self.at), micros(now))
        if next_due < NEVER:
            due = moment_of(next_due)
            self.dates_due = due if self.dates_due is None else min(self.dates_due, due)
        return moved

    def keep(self, now: datetime) -> None:
        with sql.cursor() as cursor:
            cursor.execute(_KEEP, (now, self.dates_due, json.dumps(self.dates_of)))


def _queue_moved(clock: _Clock, live: dict[int, Rule], now: datetime) -> None:
    """Queue the people whom the time since the last batch moved; when they are very many, ask for full evaluations."""
    moved = _moved_events(_windows(list(live.values())), clock.at, now)
    if len(moved) > MOST_CANDIDATES:
        fill.mark([abs(id) for id, rule in live.items() if any(True for _ in events_in(rule))])
        moved = moved[:0]
    people = _moved_dates(clock, list(live.values()), now)
    _queue(
        np.concatenate([moved["profile_id"], people]), np.concatenate([moved["name_id"], np.zeros_like(people)]), now
    )


def _windows(rules: Sequence[Rule]) -> list[tuple[int, int]]:
    """Each distinct (event name's number, seconds) such that so long after an event a rule may turn; 0 for at once."""
    edges = {
        (what[0].name, seconds) for rule in rules for _, node in nodes(rule) for what, seconds in event_edges(node)
    }
    ids = name_ids({event for event, _ in edges})
    return sorted({(id, seconds) for event, seconds in edges for id in ids.get(event, [])})


# Who has an event that left a window: an index range a window (OFFSET 0 keeps the planner from joining all events with the
# windows instead). Then who has one that was stored before its time came
# (its key tells when it was stored): the events of the last seconds.
_MOVED = """
SELECT DISTINCT profile_id, name_id FROM (
    SELECT gone.profile_id, used.name_id
    FROM unnest(%(names)s::smallint[], %(windows)s::bigint[]) AS used (name_id, seconds)
    CROSS JOIN LATERAL (
        SELECT profile_id FROM event WHERE event.name_id = used.name_id
          AND event.time > %(last)s::timestamptz - used.seconds * interval '1 second'
          AND event.time <= %(now)s::timestamptz - used.seconds * interval '1 second'
        OFFSET 0
    ) AS gone
    UNION ALL
    SELECT profile_id, name_id FROM event
    WHERE name_id = ANY(%(all)s::smallint[]) AND time > %(last)s AND time <= %(now)s
      AND time > to_timestamp(((id >> 22) + %(epoch)s::bigint) / 1000.0)
) AS moved LIMIT %(most)s
"""


def _moved_events(windows: Sequence[tuple[int, int]], last: datetime, now: datetime) -> np.ndarray:
    """(person, event name) of whom an event entered or left a window in (last, now]."""
    limited = [(name, seconds) for name, seconds in windows if seconds]
    parameters = {
        "names": [name for name, _ in limited],
        "windows": [seconds for _, seconds in limited],
        "all": sorted({name for name, _ in windows}),
        "last": last, "now": now, "epoch": EPOCH_MS, "most": MOST_CANDIDATES + 1,
    }  # fmt: skip
    return sql.packed(_MOVED, parameters, [("profile_id", "i8"), ("name_id", "i8")])


def _moved_dates(clock: _Clock, rules: Sequence[Rule], now: datetime) -> np.ndarray:
    """Whom a date in a trait or record moved. Everybody's dates are looked at only when the next of them is due."""
    of = dated(rules)
    known = of.as_json() == clock.dates_of
    if known and (clock.dates_due is None or clock.dates_due > now):
        return np.empty(0, np.int64)
    clock.dates_due, clock.dates_of = None, of.as_json()
    if not clock.dates_of:
        return np.empty(0, np.int64)
    return np.concatenate([clock.expect(columns, of, now) for columns in chunks(of.needed, now)])


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
# Passed on to those who measure. Never in conflict: whoever claims a row there holds nobody up here.
_TAKEN = """
WITH taken AS (DELETE FROM changed_profile WHERE id = ANY(%b::bigint[]) RETURNING id, profile_id, name_ids)
INSERT INTO evaluated_profile (id, profile_id, name_ids) SELECT id, profile_id, name_ids FROM taken
"""


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
    """The segments whose rules use one of these event names, or records where these are among them."""
    ids = name_ids({events.name for rule in live.values() for events in events_in(rule)})
    changed = {event for event, numbers in ids.items() if names.intersection(numbers)}
    return {
        id: rule
        for id, rule in live.items()
        if any(events.name in changed for events in events_in(rule)) or (RECORDS in names and _has_records(rule))
    }


def _has_records(rule: Rule) -> bool:
    return any(isinstance(node, Records) for _, node in nodes(rule))


def _judge(live: dict[int, Rule], others: Sequence[Asked], people: np.ndarray, clock: _Clock, now: datetime) -> None:
    """Evaluate these segments for these people and write the difference. `others`: segments that nobody belongs to
    any more are among them."""
    if not len(people) or not (live or others):
        return
    judged = {segment.id: people[:0] for segment in others}
    columns = load(require(*live.values()), people, now)
    clock.expect(columns, dated(list(live.values())), now)
    for id, rule in live.items():
        judged[id] = evaluate(rule, columns, now).members
    members.write_listed(judged, people, np.setdiff1d(people, columns.people), now)
