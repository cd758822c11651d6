"""The stage 'journeys': days whose journeys changed are packed anew, for the dashboards to read.

`attribute` writes journeys and marks their days stale in the same transaction; here a stale day is claimed, read whole and
written as one value. A day that is marked while it is packed is stale again afterwards: whoever marks it waits for the claim,
or is skipped by it. `attribute` wakes this stage after each of its batches, which come every ten seconds on a busy day.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db import transaction

from campaigns.attribution.packing import Packed, pack, packed
from cdp_site import sql, stages
from cdp_site.ids import new_ids

BATCH = 8  # days: some 10,000 journeys where there are a million in two years
EPOCH = date(1970, 1, 1)

# Not while everybody's journeys are made anew: each day would be packed over and over, and is half of this and half of that.
_CLAIM = """
SELECT goal_id, day - DATE '1970-01-01' FROM journey_block
WHERE stale AND NOT EXISTS (
    SELECT FROM goal WHERE goal.id = journey_block.goal_id AND goal.enabled AND goal.cursor IS NOT NULL
)
ORDER BY goal_id, day DESC LIMIT %s FOR UPDATE OF journey_block SKIP LOCKED
"""
# One statement, so one moment: a journey's columns come with each of its touches.
_ROWS = """
SELECT goal_id, day - DATE '1970-01-01', profile_id, id, time, converted::int, "new"::int, other_currency::int, device,
       value, back, coalesce(cardinality(origins), 0), coalesce(origin, 0), coalesce(kind, 0), coalesce(age, 0)
FROM journey
JOIN unnest(%(goals)s::bigint[], %(days)s::date[]) AS asked (goal, of) ON goal_id = asked.goal AND day = asked.of
LEFT JOIN LATERAL unnest(origins, kinds, ages) WITH ORDINALITY AS touch (origin, kind, age, place) ON true
ORDER BY goal_id, day, profile_id, id, place
"""
_LAYOUT = [
    ("goal", "i8"), ("day", "i4"), ("profile", "i8"), ("id", "i8"), ("time", "time"), ("converted", "i2"), ("new", "i2"),
    ("other_currency", "i2"), ("device", "i2"), ("value", "i8"), ("back", "i8"), ("length", "i4"), ("origin", "i4"),
    ("kind", "i2"), ("age", "i4"),
]  # fmt: skip
_WRITE = """
UPDATE journey_block SET stale = false, version = fresh.version, journeys = fresh.journeys, body = fresh.body
FROM unnest(%b::bigint[], %b::date[], %b::bigint[], %b::int[], %b::bytea[]) AS fresh (goal, of, version, journeys, body)
WHERE goal_id = fresh.goal AND day = fresh.of
"""
_EMPTY = """
DELETE FROM journey_block USING unnest(%b::bigint[], %b::date[]) AS empty (goal, of)
WHERE goal_id = empty.goal AND day = empty.of
"""


@dataclass(frozen=True)
class Day:
    """The journeys of one goal and day."""

    goal: int
    day: date
    journeys: Packed


@stages.stage("journeys", counts="days_packed", every=10)
def pack_some() -> int:
    """One batch of stale days; returns how many there were."""
    with transaction.atomic():
        stale = [(goal, EPOCH + timedelta(days=day)) for goal, day in sql.rows(_CLAIM, (BATCH,))]
        if not stale:
            return 0
        found = {(one.goal, one.day): one.journeys for one in read(stale)}
        _write([(goal, day, found[goal, day]) for goal, day in stale if (goal, day) in found])
        gone = [one for one in stale if one not in found]
        if gone:
            with sql.cursor() as cursor:
                cursor.execute(_EMPTY, ([goal for goal, _ in gone], [day for _, day in gone]))
        return len(stale)


def _write(days: list[tuple[int, date, Packed]]) -> None:
    if days:
        goals, when, journeys = zip(*days, strict=True)
        counts = [len(one) for one in journeys]
        versions = list(new_ids(len(days)))
        with sql.cursor() as cursor:
            bodies = [pack(one) for one in journeys]
            cursor.execute(_WRITE, (list(goals), list(when), versions, counts, bodies))


def read(days: list[tuple[int, date]]) -> list[Day]:
    """Days as the rows have them, without those that have none. Cost: 1.5 µs a touch."""
    asked = {"goals": [goal for goal, _ in days], "days": [day for _, day in days]}
    rows = sql.packed(_ROWS, asked, _LAYOUT)
    if not len(rows):
        return []
    # The first row of each journey, and where each day begins among them.
    first = np.flatnonzero(_changes(rows, "goal", "day", "profile", "id"))
    begins = np.flatnonzero(_changes(rows[first], "goal", "day"))
    ends = [*begins[1:].tolist(), len(first)]
    edges = np.append(first, len(rows))
    return [
        Day(int(rows["goal"][first[low]]), EPOCH + timedelta(days=int(rows["day"][first[low]])), _packed(rows, edges, low, high))
        for low, high in zip(begins.tolist(), ends, strict=True)
    ]  # fmt: skip


def _changes(rows: np.ndarray, *names: str) -> np.ndarray:
    """Where a row differs from the one before in any of these columns; so does the first."""
    differs = np.ones(len(rows), bool)
    differs[1:] = False
    for name in names:
        differs[1:] |= rows[name][1:] != rows[name][:-1]
    return differs


def _packed(rows: np.ndarray, edges: np.ndarray, low: int, high: int) -> Packed:
    """Journeys low to high of all: `edges` says at which row each begins."""
    journeys = rows[edges[low:high]]
    touches = rows[edges[low] : edges[high]]
    touches = touches[touches["length"] > 0]
    return packed(
        journeys["profile"], journeys["time"], journeys["converted"], journeys["new"], journeys["other_currency"],
        journeys["device"], journeys["value"], journeys["back"], journeys["length"],
        touches["origin"], touches["kind"], touches["age"],
    )  # fmt: skip
