"""The stage 'attribute': journeys of the people who changed, then of everybody where a goal was made or changed.

One batch is one transaction: claim people who changed → read their events once → compute their journeys for all goals →
write the difference. A goal's full computation walks all people in the order of their ids and remembers how far it is, so
it goes on where it was stopped; who changes meanwhile is followed like anybody else.
"""

import numpy as np
from django.db import transaction

from campaigns.attribution.hits import Range
from campaigns.attribution.keep import keep
from campaigns.experiments import enrol
from campaigns.models import Goal
from cdp_site import sql, stages
from cdp_site.arrays import int8s

# Rows of the queue whose people a batch takes, with whatever else waits for the same people.
CLAIM = 4_000
# So many people's events are in memory at a time.
PEOPLE = 1_000
CHUNK = 2_000  # people of a full computation's batch
DAYS = 50  # days of a goal that is no more whose journeys a batch throws away
_LAST = 2**63 - 1


# While so many bodies wait in the inbox, who changes now will change again: they are seen to once, when it is worked off,
# unless this many changes have gathered.
BODIES, GATHERED = 40, 1_000_000


@stages.stage("attribute", counts="people_attributed", every=10)
def attribute_some() -> int:
    """One batch; returns how many people (or days, of a goal that is no more) it has seen to."""
    return 0 if _waits() else follow() or go_on() or clear()


_BUSY = """
SELECT (SELECT count(*) FROM (SELECT FROM inbox WHERE done_at IS NULL LIMIT %s) AS waiting) = %s
   AND (SELECT count(*) FROM (SELECT FROM evaluated_profile LIMIT %s) AS gathered) < %s
"""


def _waits() -> bool:
    return bool(sql.rows(_BUSY, (BODIES, BODIES, GATHERED, GATHERED))[0][0])


# What changed of them tells of no touchpoint and no conversion: their traits, their records.
_OTHERS = "SELECT id FROM event_name WHERE type NOT IN ('track', 'page', 'screen') UNION ALL SELECT -1"
_CLAIM = """
WITH oldest AS (SELECT profile_id FROM evaluated_profile ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED)
SELECT id, profile_id, (name_ids = '{}' OR NOT name_ids <@ %(others)s::smallint[])::int
FROM evaluated_profile WHERE profile_id IN (SELECT profile_id FROM oldest) FOR UPDATE SKIP LOCKED
"""
_TAKEN = "DELETE FROM evaluated_profile WHERE id = ANY(%b::bigint[])"


def follow() -> int:
    """The people who changed; returns how many changes it took from the queue."""
    with transaction.atomic():
        people, taken = _claim()
        goals = list(Goal.objects.filter(enabled=True).order_by("id"))
        for start in range(0, len(people), PEOPLE):
            keep(people[start : start + PEOPLE], goals)
        return taken


def _claim() -> tuple[np.ndarray, int]:
    """Take changes from the queue: the people whose journeys may have changed, and how many changes these are."""
    others = [id for (id,) in sql.rows(_OTHERS)]
    columns = [("id", "i8"), ("profile_id", "i8"), ("concerned", "i2")]
    rows = sql.packed(_CLAIM, {"most": CLAIM, "others": others}, columns)
    if len(rows):
        enrol.pass_on(rows["id"])
        with sql.cursor() as cursor:
            cursor.execute(_TAKEN, (int8s(rows["id"]),))
    return np.unique(rows["profile_id"][rows["concerned"] != 0]), len(rows)


_CHUNK = "SELECT id FROM profile WHERE id > %s ORDER BY id LIMIT %s"


def go_on() -> int:
    """Some more people of a goal that is computed anew; returns how many, at least 1 while there is such a goal."""
    with transaction.atomic():
        # Whoever changes the goal waits for the chunk, and begins anew after it.
        waiting = Goal.objects.select_for_update(no_key=True).filter(enabled=True, cursor__isnull=False)
        goal = waiting.order_by("done", "id").first()
        if goal is None or goal.cursor is None:
            return 0
        people = sql.rows(_CHUNK, (goal.cursor, CHUNK))
        last = len(people) < CHUNK
        keep(Range(goal.cursor, _LAST if last else people[-1][0]), [goal])
        goal.cursor = None if last else people[-1][0]
        goal.done += len(people)
        goal.total = goal.done if last else max(goal.total, goal.done)
        goal.save(update_fields=["cursor", "done", "total"])
        return max(1, len(people))


_NO_MORE = """
SELECT goal_id, day FROM journey_block AS one
WHERE NOT EXISTS (SELECT 1 FROM goal WHERE goal.id = one.goal_id AND goal.enabled)
ORDER BY goal_id, day LIMIT %s FOR UPDATE
"""
_OF_DAYS = "(goal_id, day) IN (SELECT * FROM unnest(%s::bigint[], %s::date[]))"


def clear() -> int:
    """Throw away journeys of goals that are no more, or that rest; returns of how many days."""
    with transaction.atomic():
        days = sql.rows(_NO_MORE, (DAYS,))
        if days:
            columns = [list(column) for column in zip(*days, strict=True)]
            with sql.cursor() as cursor:
                cursor.execute(f"DELETE FROM journey WHERE {_OF_DAYS}", columns)
                cursor.execute(f"DELETE FROM journey_block WHERE {_OF_DAYS}", columns)
        return len(days)
